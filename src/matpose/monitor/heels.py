"""Heels: whether each bears on the mat."""

from __future__ import annotations

import numpy as np

from matpose.mat import Mat
from matpose.monitor.debounce import Debounced
from matpose.monitor.posture_track import LYING
from matpose.pose import Pose
from matpose.recording import PART_NAMES

HEEL = {"left": PART_NAMES.index("left_heel_foot"), "right": PART_NAMES.index("right_heel_foot")}
BEARS = 0.003  # share of the load on a heel and foot from which it bears
SURE = 0.3  # of where the ankle is
LASTS_S = 30.0


class Heels:
    """Whether each heel is off the mat, debounced in seconds; not told of who does not lie, or whose ankle is not seen.

    Args:
        mat: the mat, its pitch known.
    """

    def __init__(self, mat: Mat) -> None:
        self._size_m = (mat.width_m, mat.height_m)
        self._off: dict[str, Debounced[bool | None]] = {side: Debounced(None) for side in HEEL}

    @property
    def off(self) -> dict[str, bool | None]:
        """Side to whether the heel bears nothing; None where it cannot be told."""
        return {side: off.state for side, off in self._off.items()}

    def update(
        self, load: np.ndarray | None, part_map: np.ndarray, pose: Pose, now_s: float
    ) -> list[tuple[str, str, float]]:
        """What has changed with this frame: (kind, side, since when).

        Args:
            load: (rows, cols) not negative; None where nobody lies there or the frame is not to be trusted.
            part_map: (rows, cols) part over each loaded cell.
            pose: the last one.
            now_s: when.
        """
        happened = []
        total = 0.0 if load is None else float(load.sum())
        for side, code in HEEL.items():
            now = None
            if load is not None and total > 0 and pose.posture in LYING and self._on_mat(pose, f"{side}_ankle"):
                now = float(load[part_map == code].sum()) < BEARS * total
            off = self._off[side]
            before = off.state
            if off.update(now, now_s, LASTS_S) and None not in (before, now):
                happened.append(("heel_off" if now else "heel_on", side, now_s if off.since_s is None else off.since_s))
        return happened

    def lose(self) -> None:
        """It cannot be told any more."""
        for off in self._off.values():
            off.forget(None)

    def _on_mat(self, pose: Pose, ankle: str) -> bool:
        joint = pose.keypoints.get(ankle)
        return (
            joint is not None
            and joint.confidence >= SURE
            and all(0 <= at_m <= size_m for at_m, size_m in zip(joint.xy_m, self._size_m, strict=True))
        )
