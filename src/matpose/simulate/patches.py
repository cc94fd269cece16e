"""Where a lying body presses: contact patches hung on the joints, with their share of weight and body part.

Shares follow segment masses (de Leva, J. Biomech. 29, 1996), moved to where the segment rests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from matpose.recording import JOINT_NAMES
from matpose.simulate.skeletons import FEET, HANDS, JOINT

PART = {
    "head": 1, "left_shoulder": 2, "right_shoulder": 3, "upper_back": 4, "lower_back": 5, "sacrum": 6,
    "left_hip": 7, "right_hip": 8, "left_upper_arm": 9, "right_upper_arm": 10, "left_forearm": 11,
    "right_forearm": 12, "left_thigh": 13, "right_thigh": 14, "left_knee": 15, "right_knee": 16,
    "left_calf": 17, "right_calf": 18, "left_foot": 19, "right_foot": 20, "chest_belly": 21,
}  # fmt: skip
MAY_MISS = 0.1  # a limb hangs in the air, or lies on the other


@dataclass
class Patches:
    """Contact patches of one posture.

    Args:
        mix: rows (14,): the centre of a patch as a weighted sum of the joints.
        radius: standard deviation, in shares of stature.
        share: of the body's weight, before they are made to add up to 1.
        part: body part code.
        contact: (14,) bool, joints at which the body presses.
    """

    mix: list[np.ndarray] = field(default_factory=list)
    radius: list[float] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    part: list[int] = field(default_factory=list)
    contact: np.ndarray = field(default_factory=lambda: np.zeros(len(JOINT_NAMES), bool))

    def add(
        self,
        part: str,
        start: np.ndarray,
        stop: np.ndarray,
        span: tuple[float, float],
        count: int,
        share: float,
        radius: float,
    ) -> None:
        """Share a weight evenly among patches along a segment: from and to these shares of its length."""
        for t in np.linspace(*span, count):
            self.mix.append(_between(start, stop, t))
            self.radius.append(radius)
            self.share.append(share / count)
            self.part.append(PART[part])

    def touch(self, *joints: str) -> None:
        """Note that the body presses at these joints."""
        for joint in joints:
            self.contact[JOINT[joint]] = True


def _at(joint: str) -> np.ndarray:
    return np.eye(len(JOINT_NAMES))[JOINT[joint]]


def _between(start: np.ndarray, stop: np.ndarray, t: float) -> np.ndarray:
    return (1 - t) * start + t * stop


def contact_patches(posture: str, rng: np.random.Generator) -> Patches:
    """The patches of a posture, some of the limbs' missing at random.

    Args:
        posture: "supine", "prone", "left" or "right".
        rng: draws what is missing and how the weight is shared.

    Example:
        >>> patches = contact_patches("left", np.random.default_rng(0))
        >>> bool(patches.contact[JOINT["left_hip"]]), bool(patches.contact[JOINT["right_hip"]])
        (True, False)
    """
    patches = Patches()
    patches.add("head", _at("head_top"), _at("thorax"), (0.35, 0.35), 1, 0.066, 0.024)
    patches.touch("head_top")
    if posture in ("left", "right"):
        _side(patches, posture, rng)
    else:
        _flat(patches, posture, rng)
    patches.share = (np.array(patches.share) * rng.lognormal(0, 0.15, len(patches.share))).tolist()
    return patches


def _flat(patches: Patches, posture: str, rng: np.random.Generator) -> None:
    prone = posture == "prone"
    chest = _between(_at("left_shoulder"), _at("right_shoulder"), 0.5)
    pelvis = _between(_at("left_hip"), _at("right_hip"), 0.5)
    back, waist, seat = ("chest_belly",) * 3 if prone else ("upper_back", "lower_back", "sacrum")
    patches.touch("thorax")
    patches.add(back, chest, pelvis, (0.1, 0.45), 3, 0.05, 0.030)
    for side in ("left", "right"):
        shoulder, hip, knee, ankle = (_at(f"{side}_{joint}") for joint in ("shoulder", "hip", "knee", "ankle"))
        patches.touch(f"{side}_shoulder", f"{side}_hip")
        blade, loin = _between(chest, shoulder, 0.7), _between(pelvis, hip, 1.05)
        patches.add(back, blade, loin, (0.06, 0.45), 4, 0.11, 0.029)
        patches.add(waist, blade, loin, (0.6, 0.8), 2, 0.06, 0.029)
        patches.add(seat, blade, loin, (0.95, 1.1), 2, 0.075 if prone else 0.11, 0.028)
        patches.add(f"{side}_thigh", hip, knee, (0.22, 0.85), 5, 0.12 if prone else 0.1, 0.022)
        if prone:
            patches.add(f"{side}_knee", knee, ankle, (0.0, 0.05), 2, 0.03, 0.016)
            patches.touch(f"{side}_knee")
        if rng.random() > MAY_MISS:
            patches.add(f"{side}_calf", knee, ankle, (0.2, 0.65), 4, 0.02 if prone else 0.036, 0.016)
        if rng.random() > MAY_MISS:
            end = 1 + FEET if prone else 1.04  # toes or heels: both beyond the ankle
            patches.add(f"{side}_foot", knee, ankle, (end, end), 1, 0.02, 0.013)
            if not prone:
                patches.touch(f"{side}_ankle")
        _arm(patches, side, rng, whole=True)


def _side(patches: Patches, posture: str, rng: np.random.Generator) -> None:
    below, above = ("left", "right") if posture == "left" else ("right", "left")
    shoulder, hip, knee, ankle = (_at(f"{below}_{joint}") for joint in ("shoulder", "hip", "knee", "ankle"))
    patches.touch(f"{below}_shoulder", f"{below}_hip", f"{below}_knee")
    patches.add(f"{below}_shoulder", shoulder, hip, (0.0, 0.1), 2, 0.14, 0.029)
    patches.add("upper_back", shoulder, hip, (0.25, 0.5), 3, 0.14, 0.032)
    patches.add("lower_back", shoulder, hip, (0.62, 0.8), 2, 0.08, 0.032)
    patches.add(f"{below}_hip", shoulder, hip, (0.95, 1.0), 2, 0.19, 0.031)
    patches.add(f"{below}_thigh", hip, knee, (0.25, 0.85), 5, 0.15, 0.026)
    patches.add(f"{below}_knee", knee, ankle, (0.0, 0.0), 1, 0.04, 0.018)
    patches.add(f"{below}_calf", knee, ankle, (0.2, 0.8), 4, 0.055, 0.016)
    if rng.random() > MAY_MISS:
        patches.add(f"{below}_foot", knee, ankle, (1.0, 1 + FEET), 2, 0.022, 0.013)
        patches.touch(f"{below}_ankle")
    if rng.random() < 0.5:  # the upper leg lies in front of the lower one, else upon it
        knee, ankle = _at(f"{above}_knee"), _at(f"{above}_ankle")
        patches.add(f"{above}_knee", knee, ankle, (0.0, 0.0), 1, 0.03, 0.018)
        patches.add(f"{above}_calf", knee, ankle, (0.25, 0.85), 4, 0.03, 0.015)
        patches.add(f"{above}_foot", knee, ankle, (1.0, 1 + FEET), 2, 0.014, 0.013)
        patches.touch(f"{above}_knee", f"{above}_ankle")
    _arm(patches, below, rng, whole=True)
    if rng.random() < 0.5:
        _arm(patches, above, rng, whole=False)


def _arm(patches: Patches, side: str, rng: np.random.Generator, *, whole: bool) -> None:
    """The whole arm, or only forearm and hand of the arm that reaches down in front."""
    shoulder, elbow, wrist = (_at(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist"))
    if whole:
        patches.add(f"{side}_upper_arm", shoulder, elbow, (0.45, 1.0), 3, 0.028, 0.015)
        patches.touch(f"{side}_elbow")
    if rng.random() > MAY_MISS:
        patches.add(f"{side}_forearm", elbow, wrist, (0.35, 1 + HANDS), 5, 0.02, 0.013)
        patches.touch(f"{side}_wrist")
