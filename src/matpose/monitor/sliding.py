"""Sliding down the bed, as people do whose head is raised."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matpose.mat import Mat
from matpose.pose import Pose

SLID_M = 0.10
LASTS_S = 30.0  # longer than from one pose to the next: one that errs tells nothing
FIRST_S = 60.0  # of a bout, whose mean is where the trunk lay
TRUNK = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")


class Slide(NamedTuple):
    """How far they slid.

    Args:
        at_s: since when they lie there.
        metres: towards the foot.
    """

    at_s: float
    metres: float


class Sliding:
    """Tells once when the trunk has come more than ``SLID_M`` nearer to the foot edge than it lay in this bout.

    The trunk is where its joints are; of a detector without joints it is the centre of pressure, which moves with the
    legs too.

    Args:
        mat: the mat, its pitch known.
    """

    def __init__(self, mat: Mat) -> None:
        self._y_m = (np.arange(mat.rows) + 0.5) * mat.pitch_m[0]
        self.begin()

    def begin(self) -> None:
        """Another bout: wherever they lie now is where they lie."""
        self._lay_m, self._lay_s = 0.0, 0.0
        self._off_from_s: float | None = None

    def update(self, load: np.ndarray, pose: Pose, now_s: float, seconds: float) -> Slide | None:
        """The slide, at the frame at which it is sure; else None.

        Args:
            load: (rows, cols) not negative.
            pose: the last one.
            now_s: when.
            seconds: since the frame before.
        """
        y_m = self._trunk_m(load, pose)
        if y_m is None:
            return None
        if self._lay_s < FIRST_S:
            self._lay_m += (y_m - self._lay_m) * (seconds / (self._lay_s + seconds)) if seconds else 0.0
            self._lay_s += seconds
            return None
        down_m = y_m - self._lay_m
        if abs(down_m) <= SLID_M:
            self._off_from_s = None
            return None
        if self._off_from_s is None:
            self._off_from_s = now_s
        if now_s - self._off_from_s < LASTS_S:
            return None
        at_s = self._off_from_s
        self.begin()
        return Slide(at_s, down_m) if down_m > 0 else None  # up: somebody has pulled them

    def _trunk_m(self, load: np.ndarray, pose: Pose) -> float | None:
        if pose.keypoints:
            joints = [pose.keypoints.get(name) for name in TRUNK]
            return sum(j.xy_m[1] for j in joints if j) / len(joints) if all(joints) else None
        along = load.sum(1)
        total = float(along.sum())
        return float(along @ self._y_m) / total if total > 0 else None
