"""The truth about a lying body: joints, landmarks on the skin, and what of it presses on the mat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from matpose.recording import JOINT_NAMES, LANDMARK_NAMES
from matpose.simulate import anthropometry as table
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.contact import Contact
from matpose.simulate.settle import Lying

NEAR_SHARE = 0.05  # of stature: skin this close to a joint is the part at it
CONTACT_N = 1.5  # less is a touch, not a load

# where a joint lies: (segment, offset in its frame as shares of stature)
_HEAD = (table.HEAD_TOP_UP - table.NECK_UP) * np.array([0, 1, 0]) + np.array([0, 0, 0.012])
_JOINTS: dict[str, tuple[str, np.ndarray]] = {
    "thorax": ("head", np.zeros(3)),
    "head_top": ("head", _HEAD),
    **{
        f"{side}_{joint}": (f"{side}_{segment}", np.zeros(3))
        for side in ("left", "right")
        for joint, segment in (
            ("ankle", "foot"), ("knee", "shank"), ("hip", "thigh"),
            ("wrist", "hand"), ("elbow", "forearm"), ("shoulder", "upper_arm"),
        )
    },
}  # fmt: skip
# the bone under the skin: (segment, offset in metres of the described body)
_LANDMARKS: dict[str, tuple[str, np.ndarray]] = {
    "occiput": ("head", np.array([0, 0.150, -0.070])),
    "sacrum": ("pelvis", np.array([0, 0.060, -0.095])),
    **{
        f"{side}_{name}": (segment if segment in SEGMENTS else f"{side}_{segment}", np.array([sign * x, y, z]))
        for side, sign in (("left", 1), ("right", -1))
        for name, segment, (x, y, z) in (
            ("scapula", "thorax", (0.080, 0.170, -0.105)),
            ("elbow", "forearm", (0, 0, -0.040)),
            ("trochanter", "pelvis", (0.172, 0.005, 0)),
            ("knee", "shank", (0, 0, 0.054)),
            ("heel", "foot", (0, -0.035, -0.056)),
        )
    },
}


def joints_m(lying: Lying) -> np.ndarray:
    """Centres of the joints, in the engine's frame: (14, 3), in the order of ``JOINT_NAMES``."""
    return _placed(lying, {name: _JOINTS[name] for name in JOINT_NAMES}, lying.body.person.stature_m)


def landmarks_m(lying: Lying) -> np.ndarray:
    """Bony places on the skin, in the engine's frame: (12, 3), in the order of ``LANDMARK_NAMES``."""
    return _placed(lying, {name: _LANDMARKS[name] for name in LANDMARK_NAMES}, lying.body.length_scale)


def joint_contact(lying: Lying, found: Contact) -> np.ndarray:
    """Whether the skin next to a joint bears load: (14,) bool."""
    at = joints_m(lying)
    near = NEAR_SHARE * lying.body.person.stature_m
    close = (
        np.linalg.norm(found.at_m[None] - at[:, None], axis=-1)
        < near + np.array([_THICK[n] for n in JOINT_NAMES])[:, None]
    )
    return (close * found.force_n).sum(1) > CONTACT_N


# how far the skin under a joint is from its centre, beyond NEAR_SHARE, metres
_THICK = {name: 0.05 if "hip" in name or name in ("thorax", "head_top") else 0.02 for name in JOINT_NAMES}


def _placed(lying: Lying, places: Mapping[str, tuple[str, np.ndarray]], scale: float) -> np.ndarray:
    """Places by the tables, but where the body knows its own."""
    scaled = {name: (segment, offset * scale) for name, (segment, offset) in places.items()}
    own = lying.body.landmark_m
    found = [own.get(name, place) for name, place in scaled.items()]
    number = [SEGMENTS.index(segment) for segment, _ in found]
    offset_m = np.stack([offset for _, offset in found])
    return np.einsum("nij,nj->ni", lying.turn[number], offset_m) + lying.origin_m[number]
