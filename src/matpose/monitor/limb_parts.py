"""Head and limbs as rounded bones: how near each cell is to the nearest, and which part is there along the bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matpose.monitor.trunk_parts import Trunk
from matpose.recording import JOINT_NAMES, PART_NAMES

_SIDES = ("left", "right")
# the head, then five bones of the left side and the same of the right; a foot is known by its ankle
_BONES = [("thorax", "head_top")] + [
    (f"{side}_{a}", f"{side}_{b}")
    for side in _SIDES
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("ankle", "ankle"))
]
_FROM, _TO = (np.array([JOINT_NAMES.index(name) for name in names]) for names in zip(*_BONES, strict=True))
_FOREARM, _SHANK, _FOOT = np.array([2, 7]), np.array([4, 9]), np.array([5, 10])
_LIMB = np.array([0.0] + [1.0] * 10)
_OF_SIDE = {1: np.array([0.0] + [1.0] * 5 + [0.0] * 5), -1: np.array([0.0] * 6 + [1.0] * 5)}
# at the first joint, along the bone, at the second
_CODE = np.array(
    [[PART_NAMES.index("head")] * 3]
    + [
        [PART_NAMES.index(f"{side}_{name}") for name in names]
        for side in _SIDES
        for names in (
            ("shoulder", "upper_arm", "upper_arm"), ("forearm_hand",) * 3, ("hip", "thigh", "knee"),
            ("knee", "calf", "calf"), ("heel_foot",) * 3,
        )
    ],
    np.uint8,
)  # fmt: skip
NOWHERE_M = 1e3


@dataclass(frozen=True)
class Limbs:
    """The eleven bones of a pose, in the mat's frame, float32.

    Args:
        start_m, bone_m: (11, 2) where they begin, and from there to where they end; far away of those not known.
        near_m, wider_m: (11,) radius at the beginning, and how much larger it is at the end.
        first, last: (11,) shares along a bone where its parts meet.
        penalty: (11,) radii that a bone is taken to be further away.
    """

    start_m: np.ndarray
    bone_m: np.ndarray
    near_m: np.ndarray
    wider_m: np.ndarray
    first: np.ndarray
    last: np.ndarray
    penalty: np.ndarray

    @staticmethod
    def of(joints_m: np.ndarray, contact: np.ndarray, confidence: np.ndarray, trunk: Trunk) -> Limbs:
        """Head and limbs of a pose.

        Args:
            joints_m: (14, 2) in the order of ``JOINT_NAMES``; NaN where unknown.
            contact, confidence: (14,) of the joints.
            trunk: of the same pose.
        """
        build = trunk.build
        begin, near, far, first, last, penalty = build.bones
        start, stop = joints_m[_FROM], joints_m[_TO]
        bone = stop - start
        start = start + begin[:, None] * bone
        stop[0] = joints_m[_FROM[0]] + build.head[1] * bone[0]
        stop[_FOREARM] += build.hand * bone[_FOREARM]
        along = bone[_SHANK] / np.maximum(np.sqrt((bone[_SHANK] ** 2).sum(1, keepdims=True)), 0.05)
        turned = trunk.facing * trunk.left if trunk.facing else np.stack([trunk.left, -trunk.left])
        start[_FOOT] += trunk.stature_m * build.begin[4] * along
        stop[_FOOT] += trunk.stature_m * (build.foot[0] * along + build.foot[1] * turned)
        lifted, unsure = (1 - (of[_FROM] + of[_TO]) / 2 for of in (contact, confidence))
        penalty = penalty + _LIMB * (build.lifted * lifted + build.unsure * unsure)
        if trunk.facing:
            penalty = penalty + build.above * _OF_SIDE[-trunk.facing]
        known = np.isfinite((start + stop).sum(1))[:, None]
        near_m, far_m = trunk.stature_m * near, trunk.stature_m * far
        start, bone = np.where(known, start, NOWHERE_M), np.where(known, stop - start, 0)
        numbers = (start, bone, near_m, far_m - near_m, first, last, penalty)
        return Limbs(*(number.astype(np.float32) for number in numbers))

    def near(self, cells_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far cells are from the bone that has the best claim on them, and its part there.

        Args:
            cells_m: (N, 2) float32.

        Returns:
            (N,) float32, in radii of that bone; (N,) float32 metres to the nearest of all; (N,) uint8 codes of
            ``PART_NAMES``.
        """
        length2 = np.maximum((self.bone_m**2).sum(1), np.float32(1e-4))[:, None]
        along = self.bone_m @ cells_m.T  # (11, N)
        along -= (self.bone_m * self.start_m).sum(1)[:, None]
        share = along / length2
        np.minimum(np.maximum(share, 0, out=share), 1, out=share)
        away = self.start_m @ cells_m.T
        away *= -2
        away += (self.start_m**2).sum(1)[:, None]
        away += cells_m[:, 0] ** 2 + cells_m[:, 1] ** 2
        away += share * (share * length2 - 2 * along)  # of the nearest place on the bone, squared
        np.sqrt(np.maximum(away, 0, out=away), out=away)
        nearest_m = away.min(0)
        away /= share * self.wider_m[:, None] + self.near_m[:, None]
        away += self.penalty[:, None]
        bone, cell = away.argmin(0), np.arange(len(cells_m))
        share = share[bone, cell]
        place = (share >= self.first[bone]).view(np.uint8) + (share > self.last[bone])
        return away[bone, cell], nearest_m, _CODE[bone, place]
