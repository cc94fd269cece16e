"""From cleaned frames to poses: which to trust, what the network finds in them, and where that is in metres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from matpose.canvas import Canvas
from matpose.mat import Mat
from matpose.pose import Keypoint, Point, Pose
from matpose.recording import Flag
from matpose.runtime.found import Backend, Found

UNTRUSTED = Flag.WRONG_SIZE | Flag.EMPTY_BED | Flag.CORRUPTED
"""Frames with any of these flags get no points and no posture."""

MISSING = 0.05
"""Share of cells without a reading, after cleaning, from which a frame is not to be trusted."""

OUTSIDE = 0.05
"""Share of force beside the canvas from which a frame is flagged."""


def decoded(
    backend: Backend,
    frames: np.ndarray,
    mat: Mat,
    origin_m: tuple[float, float],
    *,
    flags: list[Flag],
    time_s: list[float],
    first: int,
    source: str | None = None,
) -> Iterator[Pose]:
    """Poses of cleaned frames, of which those not to be trusted are not computed.

    Args:
        backend: that computes.
        frames: (T, rows, cols) float32; NaN = no reading.
        mat: that made them.
        origin_m: (x, y) of the canvas's corner on it.
        flags: T of them, what was wrong with each.
        time_s: T of them.
        first: index of the first in its source.
        source: the file.
    """
    canvas = backend.canvas
    missing = np.count_nonzero(np.isnan(frames), axis=(1, 2)) > MISSING * mat.rows * mat.cols
    trusted = [not (flag & UNTRUSTED or lost) for flag, lost in zip(flags, missing.tolist(), strict=True)]
    outside = force_is_beside(frames, mat, canvas, origin_m)
    found = _Found([], [], [], [], [])
    if any(trusted):
        maps = canvas.resample(frames if all(trusted) else frames[trusted], mat, origin_m)
        found = _in_metres(backend(maps.astype(np.float32, copy=False)), canvas, mat, origin_m)
    row = 0
    for index, flag in enumerate(flags):
        if outside[index] and Flag.EMPTY_BED not in flag:
            flag |= Flag.OUTSIDE
        if not trusted[index]:
            # a mat that is not read says of nobody that they left
            empty = flag & UNTRUSTED == Flag.EMPTY_BED and not missing[index]
            yield Pose(
                frame=first + index,
                time_s=time_s[index],
                points=[None] * backend.points,
                keypoints=dict.fromkeys(backend.joint_names),
                posture="empty" if empty else "unknown",
                flags=flag,
                source=source,
            )
            continue
        chances = dict(zip(backend.postures, found.posture[row], strict=True))
        places = found.xy_m[row]
        joints = zip(
            backend.joint_names, places[backend.points :], found.confidence[row], found.contact[row], strict=True
        )
        yield Pose(
            frame=first + index,
            time_s=time_s[index],
            points=[
                Point((x, y), spread)
                for (x, y), spread in zip(places[: backend.points], found.spread_m[row], strict=True)
            ],
            keypoints={name: Keypoint((x, y), confidence, contact) for name, (x, y), confidence, contact in joints},
            posture=max(chances, key=chances.__getitem__) if chances else "unknown",
            probabilities=chances,
            flags=flag,
            source=source,
        )
        row += 1


class _Found(NamedTuple):
    """What a backend found, as plain lists: single numbers read out of arrays would cost as much as the network.

    Args:
        xy_m: of every map its K points, then its J joints.
        spread_m, confidence, contact, posture: as in :class:`matpose.runtime.found.Found`.
    """

    xy_m: list[list[list[float]]]
    spread_m: list[list[float]]
    confidence: list[list[float]]
    contact: list[list[float]]
    posture: list[list[float]]


def _in_metres(found: Found, canvas: Canvas, mat: Mat, origin_m: tuple[float, float]) -> _Found:
    xy_norm = np.concatenate((found.points_xy_norm, found.joints_xy_norm), axis=1)
    return _Found(
        canvas.xy_m(xy_norm, mat, origin_m).tolist(),
        found.points_spread_m.tolist(),
        found.joints_confidence.tolist(),
        found.joints_contact.tolist(),
        found.posture.tolist(),
    )


def force_is_beside(frames: np.ndarray, mat: Mat, canvas: Canvas, origin_m: tuple[float, float]) -> list[bool]:
    """Whether too much of each frame's force falls beside the canvas."""
    if covers(canvas, mat, origin_m):
        return [False] * len(frames)
    return (canvas.force_outside(frames, mat, origin_m) > OUTSIDE).tolist()


def covers(canvas: Canvas, mat: Mat, origin_m: tuple[float, float]) -> bool:
    """Whether the whole mat lies on the canvas."""
    x, y = origin_m
    return max(x, y, mat.width_m - canvas.width_m - x, mat.height_m - canvas.height_m - y) <= 0
