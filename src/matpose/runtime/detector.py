"""The detector: recordings in, poses out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from os import PathLike
from pathlib import Path

import numpy as np

from matpose.errors import ModelError
from matpose.pose import Keypoint, Point, Pose
from matpose.quality import clean
from matpose.recording import Flag, Recording
from matpose.runtime.found import Backend

SHIPPED = Path(str(files("matpose"))) / "weights" / "matpose.onnx"
"""The model that comes with the package."""

UNTRUSTED = Flag.WRONG_SIZE | Flag.EMPTY_BED | Flag.CORRUPTED
"""Frames with any of these flags get no points and no posture."""

MISSING = 0.05
"""Share of cells without a reading, after cleaning, from which a frame is not to be trusted."""

OUTSIDE = 0.05
"""Share of force beside the canvas from which a frame is flagged."""


class Detector:
    """Points, joints and posture for every frame of a recording.

    Args:
        model: a file of `matpose export`, which needs no torch; a run's folder or its model file, which does; by
            default the model that comes with the package.
        batch: frames computed together; a frame alone gets the same answer.

    Raises:
        ModelError: no model there, or torch is needed and not installed.

    Example:
        ``for pose in Detector("mine.onnx")(matpose.read("night.csv", mat="bpms")): print(pose.points[0])``
    """

    def __init__(self, model: str | PathLike[str] | None = None, *, batch: int = 64) -> None:
        self.backend = _backend(model)
        self.batch = batch

    def remarks(self, recording: Recording) -> list[str]:
        """Sentences for a user who may have read a recording otherwise than the model's training did."""
        mat = recording.mat
        like = [m for m in self.backend.mats if (m["rows"], m["cols"]) == (mat.rows, mat.cols)]
        if not like or any((m["rotate"], m["mirror"]) == (mat.rotate, mat.mirror) for m in like):
            return []
        turns = " or ".join(f"--rotate {m['rotate']}{' --mirror' if m['mirror'] else ''}" for m in like)
        return [f"in training, files of this grid were read with {turns}; read otherwise, postures may be wrong"]

    def __call__(self, recording: Recording) -> Iterator[Pose]:
        """One pose a frame, in order; frames not to be trusted have None for every point and joint.

        Every other joint is there, however low its confidence: whoever uses it decides.

        Raises:
            MatposeError: the mat's pitch is not known.
        """
        recording, _ = clean(recording)  # the flags stay, so the user learns of it
        sound = recording.select((recording.flags & np.uint16(UNTRUSTED)) == 0)
        origin_m = self.backend.canvas.origin_over(sound)  # a garbled frame must not move it
        for start in range(0, len(recording), self.batch):
            part = recording.select(slice(start, start + self.batch))
            yield from self._batch(part, start, origin_m)

    def _batch(self, recording: Recording, start: int, origin_m: tuple[float, float]) -> Iterator[Pose]:
        canvas, mat = self.backend.canvas, recording.mat
        missing = np.isnan(recording.frames).mean((1, 2)) > MISSING
        outside = canvas.force_outside(recording.frames, mat, origin_m) > OUTSIDE
        found = self.backend(canvas.resample(recording.frames, mat, origin_m).astype(np.float32))
        points_m = canvas.xy_m(found.points_xy_norm, mat, origin_m)
        joints_m = canvas.xy_m(found.joints_xy_norm, mat, origin_m)
        for index in range(len(recording)):
            flags = Flag(int(recording.flags[index]))
            pose = Pose(
                frame=start + index,
                time_s=float(recording.time_s[index]),
                flags=flags | Flag.OUTSIDE if outside[index] and Flag.EMPTY_BED not in flags else flags,
                source=recording.source,
            )
            if flags & UNTRUSTED or missing[index]:
                empty = Flag.EMPTY_BED in flags and not flags & (Flag.CORRUPTED | Flag.WRONG_SIZE)
                yield replace(
                    pose,
                    points=[None] * self.backend.points,
                    keypoints=dict.fromkeys(self.backend.joint_names),
                    posture="empty" if empty else "unknown",
                )
                continue
            chances = dict(zip(self.backend.postures, found.posture[index].tolist(), strict=True))
            yield replace(
                pose,
                points=[
                    Point((float(x), float(y)), float(spread))
                    for (x, y), spread in zip(points_m[index], found.points_spread_m[index], strict=True)
                ],
                keypoints={
                    name: Keypoint((float(x), float(y)), float(confidence), float(contact))
                    for name, (x, y), confidence, contact in zip(
                        self.backend.joint_names,
                        joints_m[index],
                        found.joints_confidence[index],
                        found.joints_contact[index],
                        strict=True,
                    )
                },
                posture=max(chances, key=lambda name: chances[name]) if chances else "unknown",
                probabilities=chances,
            )


def _backend(model: str | PathLike[str] | None) -> Backend:
    path = SHIPPED if model is None else Path(model)
    if model is None and not path.is_file():
        raise ModelError(
            "no trained model comes with this version", mend="train one: matpose train DATA -o RUN, and give it"
        )
    if path.suffix.lower() == ".onnx":
        from matpose.runtime.onnx_backend import OnnxBackend

        return OnnxBackend(path)
    try:
        from matpose.runtime.torch_backend import TorchBackend
    except ModuleNotFoundError as error:
        raise ModelError(
            f"this model needs the package {error.name!r}",
            mend="pip install 'matpose[train]', or give a file that matpose export made of it",
            path=path,
        ) from None
    return TorchBackend(path)
