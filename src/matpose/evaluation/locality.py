"""Locality: when one limb moves, the points of the other limbs stay where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from matpose.canvas import Canvas
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.contact import Place, contact, pressure_kpa
from matpose.simulate.rotation import about
from matpose.simulate.settle import Lying

LIMBS = {
    f"{side}_{limb}": tuple(f"{side}_{part}" for part in parts)
    for side in ("left", "right")
    for limb, parts in (("arm", ("upper_arm", "forearm", "hand")), ("leg", ("thigh", "shank", "foot")))
}
TURN_DEG = 15.0
NEAR_M = 0.12  # points as near to the moved limb, before or after, may follow it


def with_limb_turned(lying: Lying, limb: str, degrees: float) -> Lying:
    """A body at rest, one of whose limbs is turned about its root, over the bed; all else stays as it is.

    Args:
        lying: the body.
        limb: "left_arm", "right_arm", "left_leg" or "right_leg".
        degrees: anticlockwise seen from above, in the engine's frame.
    """
    index = [SEGMENTS.index(name) for name in LIMBS[limb]]
    w, _, _, z = about(2, np.radians(degrees))
    cos, sin = w * w - z * z, 2 * w * z
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    root = lying.origin_m[index[0]]
    origin_m, turns = lying.origin_m.copy(), lying.turn.copy()
    origin_m[index] = (origin_m[index] - root) @ turn.T + root
    turns[index] = turn @ turns[index]
    return replace(lying, origin_m=origin_m, turn=turns)


def locality(
    points_m: Callable[[np.ndarray], np.ndarray], people: Sequence[tuple[Lying, Place]], canvas: Canvas
) -> dict[str, float]:
    """How far points away from a limb move when the limb does.

    Args:
        points_m: (N, H, W) maps on the canvas, kPa, to their (N, K, 2) points in metres on the canvas.
        people: bodies at rest, each with its place on a mat.
        canvas: the grid of the model.

    Returns:
        ``others_median_cm``, ``others_p95_cm``, ``others_within_1_cm`` of the points that are not near the limb; and
        ``near_median_cm`` of those that are, which ought to move.
    """
    away, near = [], []
    for lying, place in people:
        for number, limb in enumerate(LIMBS):
            moved = with_limb_turned(lying, limb, TURN_DEG * (-1) ** number)
            maps = np.stack([_map(one, place, canvas) for one in (lying, moved)])
            before, after = points_m(maps)
            shift_cm = np.linalg.norm(after - before, axis=-1) * 100
            line = np.concatenate([_limb_line(one, limb, place, canvas) for one in (lying, moved)])
            close = np.linalg.norm(before[:, None] - line, axis=-1).min(1) < NEAR_M
            away.append(shift_cm[~close])
            near.append(shift_cm[close])
    others, followers = np.concatenate(away), np.concatenate(near)
    return {
        "others_median_cm": float(np.median(others)),
        "others_p95_cm": float(np.percentile(others, 95)),
        "others_within_1_cm": float((others < 1).mean()),
        "near_median_cm": float(np.median(followers)) if len(followers) else float("nan"),
    }


def _map(lying: Lying, place: Place, canvas: Canvas) -> np.ndarray:
    kpa, _ = pressure_kpa(lying, contact(lying), place)
    return canvas.resample(kpa[None], place.mat)[0]


def _limb_line(lying: Lying, limb: str, place: Place, canvas: Canvas) -> np.ndarray:
    """Places along a limb, on the canvas: (n, 2) metres."""
    index = [SEGMENTS.index(name) for name in LIMBS[limb]]
    ends = np.concatenate([lying.origin_m[index], _tip(lying, limb)[None]])
    share = np.linspace(0, 1, 8)[:, None]
    line = np.concatenate([a + share * (b - a) for a, b in pairwise(ends)])
    return place.to_mat(line)[:, :2] - np.array(canvas.origin_m(place.mat))


def _tip(lying: Lying, limb: str) -> np.ndarray:
    """The far end of the hand or the foot: (3,)."""
    last = SEGMENTS.index(LIMBS[limb][-1])
    on_it = lying.skin_m()[lying.body.segment == last]
    return on_it[np.linalg.norm(on_it - lying.origin_m[last], axis=1).argmax()]
