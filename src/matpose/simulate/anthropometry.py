"""How long and how heavy the parts of a body are, as shares of stature and mass.

Lengths: Winter, "Biomechanics and Motor Control of Human Movement", after Drillis and Contini 1966. Masses: de Leva,
J. Biomechanics 29 (1996) 1223-1230.
"""

from __future__ import annotations

# shares of stature
HIP_SPAN, SHOULDER_SPAN = 0.10, 0.205  # between joint centres
SHOULDER_UP, NECK_UP, HEAD_TOP_UP = 0.288, 0.315, 0.470  # shoulders, C7 and vertex above the hips
LUMBAR_UP, CHEST_UP = 0.06, 0.15  # joints L5/S1 and T12/L1 above the hips
UPPER_ARM, FOREARM, HAND = 0.186, 0.146, 0.108
THIGH, SHANK, FOOT = 0.245, 0.246, 0.152

SEGMENTS = (
    "pelvis", "abdomen", "thorax", "head",
    "left_upper_arm", "left_forearm", "left_hand", "right_upper_arm", "right_forearm", "right_hand",
    "left_thigh", "left_shank", "left_foot", "right_thigh", "right_shank", "right_foot",
)  # fmt: skip

_MASS = {
    "male": {
        "head": 0.0694, "thorax": 0.1596, "abdomen": 0.1633, "pelvis": 0.1117, "upper_arm": 0.0271,
        "forearm": 0.0162, "hand": 0.0061, "thigh": 0.1416, "shank": 0.0433, "foot": 0.0137,
    },
    "female": {
        "head": 0.0668, "thorax": 0.1545, "abdomen": 0.1465, "pelvis": 0.1247, "upper_arm": 0.0255,
        "forearm": 0.0138, "hand": 0.0056, "thigh": 0.1478, "shank": 0.0481, "foot": 0.0129,
    },
}  # fmt: skip
_CENTRE = {
    "male": {"upper_arm": 0.577, "forearm": 0.457, "hand": 0.5, "thigh": 0.410, "shank": 0.440, "foot": 0.442},
    "female": {"upper_arm": 0.575, "forearm": 0.456, "hand": 0.5, "thigh": 0.361, "shank": 0.435, "foot": 0.401},
}


def mass_share(segment: str, sex: str) -> float:
    """Share of the body's mass, so that all sixteen add up to 1.

    Example:
        >>> round(sum(mass_share(name, "female") for name in SEGMENTS), 12)
        1.0
    """
    shares = _MASS[sex]
    total = sum(share * (2 if _limb(name) else 1) for name, share in shares.items())
    return shares[_bare(segment)] / total


def centre_share(segment: str, sex: str) -> float | None:
    """Where a limb's centre of mass lies, in shares of its length from the end nearer to the trunk; None for the trunk.

    Example:
        >>> centre_share("left_thigh", "male"), centre_share("pelvis", "male")
        (0.41, None)
    """
    return _CENTRE[sex].get(_bare(segment))


def _bare(segment: str) -> str:
    return segment.removeprefix("left_").removeprefix("right_")


def _limb(name: str) -> bool:
    return name in _CENTRE["male"]
