"""Limbs: a posture put together from anatomical angles, and its mirror image.

Flexion brings a part to the front, abduction away from the middle, rotation inwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matpose.simulate.rotation import about, times
from matpose.simulate.settle import Posture

Rng = np.random.Generator
SIDES = ("left", "right")
UPWARDS = ("abdomen", "thorax", "head")  # segments that point to the head, so that they turn the other way forwards


@dataclass
class Limbs:
    """Angles in degrees, by segment, while a posture is put together."""

    ball: dict[str, tuple[float, float, float]]
    hinge: dict[str, float]
    keep: dict[str, float]

    @staticmethod
    def relaxed(rng: Rng) -> Limbs:
        """Every joint a little off straight, as nobody lies exactly."""
        limbs = Limbs({}, {}, {})
        for name in ("abdomen", "thorax"):
            limbs.ball[name] = (rng.normal(2, 3), rng.normal(0, 3), rng.normal(0, 2))
        limbs.ball["head"] = (rng.normal(8, 6), rng.normal(0, 5), rng.normal(0, 12))
        for side in SIDES:
            limbs.ankle(side, rng.uniform(10, 45))
            limbs.hinge[f"{side}_hand"] = rng.normal(0, 12)
        return limbs

    def arm(self, side: str, flexion: float, abduction: float, rotation: float, elbow: float) -> None:
        self.ball[f"{side}_upper_arm"] = (flexion, abduction, rotation)
        self.hinge[f"{side}_forearm"] = -float(np.clip(elbow, 0, 145))

    def leg(self, side: str, flexion: float, abduction: float, rotation: float, knee: float) -> None:
        self.ball[f"{side}_thigh"] = (flexion, abduction, rotation)
        self.hinge[f"{side}_shank"] = float(np.clip(knee, 0, 140))

    def ankle(self, side: str, downwards: float) -> None:
        self.hinge[f"{side}_foot"] = downwards

    def posture(self, name: str, roll_deg: float, heading_deg: float) -> Posture:
        joints: dict[str, np.ndarray | float] = dict(self.hinge)
        for segment, (flexion, abduction, rotation) in self.ball.items():
            out = -1.0 if segment.startswith("right_") else 1.0
            forwards = 1.0 if segment in UPWARDS else -1.0
            abduct = about(2, np.radians(out * abduction))
            joints[segment] = times(
                times(abduct, about(0, np.radians(forwards * flexion))), about(1, np.radians(-out * rotation))
            )
        return Posture(name, roll_deg, heading_deg, joints, dict(self.keep))


def mirrored(posture: Posture) -> Posture:
    """The same posture seen in a mirror between left and right.

    Example:
        >>> from matpose.simulate.postures import draw_posture
        >>> there = draw_posture("left-log", np.random.default_rng(0))
        >>> mirrored(mirrored(there)).roll_deg == there.roll_deg
        True
    """
    swap = {"left": "right", "right": "left"}

    def other(segment: str) -> str:
        side, dash, bare = segment.partition("_")
        return swap[side] + dash + bare if side in swap else segment

    joints = {
        other(segment): turn * np.array([1, 1, -1, -1]) if isinstance(turn, np.ndarray) else turn
        for segment, turn in posture.joints.items()
    }
    keep = {other(segment): value for segment, value in posture.keep.items()}
    return replace(
        posture, name=swap.get(posture.name, posture.name), roll_deg=-posture.roll_deg,
        heading_deg=-posture.heading_deg, joints=joints, keep=keep,
    )  # fmt: skip
