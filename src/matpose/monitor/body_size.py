"""How large a body is, from joints that are seen from above, some of them wrongly."""

from __future__ import annotations

import numpy as np

from matpose.recording import JOINT_NAMES

_ENDS = [
    (JOINT_NAMES.index(a), JOINT_NAMES.index(b))
    for a, b in (
        ("right_hip", "right_knee"), ("left_hip", "left_knee"), ("right_knee", "right_ankle"),
        ("left_knee", "left_ankle"), ("head_top", "thorax"), ("right_hip", "thorax"), ("left_hip", "thorax"),
    )
]  # fmt: skip
_START, _STOP = (np.array(ends) for ends in zip(*_ENDS, strict=True))
_SHARE = np.array([0.245, 0.245, 0.246, 0.246, 0.155, 0.319, 0.319])  # of stature; Drillis and Contini 1966
TYPICAL_M = 1.70
TRUST = 0.65  # of what the joints say; the rest is the typical body
LEAST_M, MOST_M = 1.2, 2.1


def stature_m(joints_xy_m: np.ndarray) -> float:
    """Stature, from the lengths of seven bones as the mat sees them.

    A bone that points up looks short and a joint found wrongly may make it long, so the middle of the upper half of
    the seven answers counts, drawn towards a typical body.

    Args:
        joints_xy_m: (14, 2) in the order of ``JOINT_NAMES``, metres; NaN where unknown.

    Returns:
        Metres, 1.2 to 2.1.

    Example:
        >>> round(stature_m(np.full((14, 2), np.nan)), 2)
        1.7
    """
    bone_m = joints_xy_m[_START] - joints_xy_m[_STOP]
    told_m = np.sort(np.sqrt((bone_m**2).sum(1)) / _SHARE)  # NaN last
    known = int(np.isfinite(told_m).sum())
    if known == 0:
        return TYPICAL_M
    # of seven: the fourth to the sixth
    middle_m = float(told_m[known // 2 : max(known - 1, known // 2 + 1)].mean())
    return min(max(TYPICAL_M + TRUST * (middle_m - TYPICAL_M), LEAST_M), MOST_M)
