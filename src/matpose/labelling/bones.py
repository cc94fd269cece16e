"""The bones between marked joints: what the page joins by lines and measures."""

from __future__ import annotations

from dataclasses import dataclass

from matpose.simulate import anthropometry as table

TALLEST_M = 2.05  # a bone longer than this person's was marked wrongly


@dataclass(frozen=True)
class Bone:
    """A line between two joints; an end of two joints lies midway.

    Args:
        name: as the ruler calls it.
        side: "left", "right" or "middle".
        start, stop: the joints at its ends.
        longest_cm: no lying person's projection is longer.
    """

    name: str
    side: str
    start: tuple[str, ...]
    stop: tuple[str, ...]
    longest_cm: float


def _bone(name: str, side: str, start: tuple[str, ...], stop: tuple[str, ...], share: float) -> Bone:
    return Bone(name, side, start, stop, round(100 * TALLEST_M * share, 1))


BONES = (
    _bone("head", "middle", ("head_top",), ("thorax",), table.HEAD_TOP_UP - table.NECK_UP),
    _bone("shoulders", "middle", ("right_shoulder",), ("left_shoulder",), table.SHOULDER_SPAN),
    _bone("trunk", "middle", ("thorax",), ("right_hip", "left_hip"), table.NECK_UP),
    _bone("hips", "middle", ("right_hip",), ("left_hip",), table.HIP_SPAN),
    *(
        _bone(name, side, (f"{side}_{start}",), (f"{side}_{stop}",), share)
        for name, start, stop, share in (
            ("upper arm", "shoulder", "elbow", table.UPPER_ARM),
            ("forearm", "elbow", "wrist", table.FOREARM),
            ("thigh", "hip", "knee", table.THIGH),
            ("shank", "knee", "ankle", table.SHANK),
        )
        for side in ("right", "left")
    ),
)
