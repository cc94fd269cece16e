"""What a body is put together from: rounded pieces, and where each segment's joint lies.

Body axes, lying supine: x to the person's left, y towards the head, z to the front; the origin is midway between the
hip joints. Limbs hang towards -y. Every segment has its own frame with the same axes and its origin in the joint that
carries it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matpose.simulate import anthropometry as table

STATURE_M, MASS_KG = 1.75, 75.0  # of the body that the shapes below describe


@dataclass(frozen=True)
class Shape:
    """One rounded piece of a segment: an ellipsoid, in the frame of its segment.

    Args:
        segment: name, as in ``anthropometry.SEGMENTS``, without "left_" or "right_" where there are two.
        centre_m, semi_m: (x, y, z).
        firmness: how much stiffer than flesh the tissue over the bone is.
    """

    segment: str
    centre_m: tuple[float, float, float]
    semi_m: tuple[float, float, float]
    firmness: float = 1.0


@dataclass(frozen=True)
class Limb:
    """A tapered piece from one joint to the next, along -y.

    Args:
        segment: as in :class:`Shape`.
        length_m: from joint to joint.
        radii_m: at points evenly spaced along it.
        firmness: as in :class:`Shape`.
        back_m: how far the middle of each cross-section lies to the back (a calf is behind its bone).
    """

    segment: str
    length_m: float
    radii_m: tuple[float, ...]
    firmness: float = 1.0
    back_m: tuple[float, ...] = (0.0,)


def _corners(segment: str, centre_m: tuple[float, float, float], semi_m: tuple[float, float, float]) -> list[Shape]:
    """Four alike pieces, at the places of either side and of front and back."""
    x, y, z = centre_m
    return [Shape(segment, (side * x, y, face * z), semi_m) for side in (1, -1) for face in (1, -1)]


_H = STATURE_M
_HIP = np.array([table.HIP_SPAN / 2 * _H, 0, 0])
_LUMBAR = np.array([0, table.LUMBAR_UP * _H, -0.03])
_CHEST = np.array([0, table.CHEST_UP * _H, -0.02])
_NECK = np.array([0, table.NECK_UP * _H, -0.01])
_SHOULDER = np.array([table.SHOULDER_SPAN / 2 * _H, table.SHOULDER_UP * _H, 0.005])

# centres of trunk pieces are counted from the hips here and brought into their segments' frames below
TRUNK = {"pelvis": np.zeros(3), "abdomen": _LUMBAR, "thorax": _CHEST, "head": _NECK}
PIECES: tuple[Shape | Limb, ...] = (
    Shape("pelvis", (0, 0.045, -0.005), (0.182, 0.115, 0.120)),
    Shape("pelvis", (0.100, -0.015, -0.030), (0.092, 0.105, 0.098)),  # buttocks
    Shape("pelvis", (-0.100, -0.015, -0.030), (0.092, 0.105, 0.098)),
    Shape("pelvis", (0, 0.025, -0.035), (0.130, 0.085, 0.078)),  # under load the cleft between them is gone
    Shape("pelvis", (0.135, 0.005, 0.0), (0.052, 0.070, 0.072), 1.4),  # trochanters
    Shape("pelvis", (-0.135, 0.005, 0.0), (0.052, 0.070, 0.072), 1.4),
    # lobes at the corners: backs and flanks are flat, and steep where they meet
    *_corners("abdomen", (0.095, 0.185, 0.035), (0.086, 0.155, 0.092)),
    Shape("abdomen", (0, 0.185, 0.004), (0.115, 0.155, 0.119)),
    *_corners("thorax", (0.105, 0.370, 0.032), (0.092, 0.190, 0.092)),
    Shape("thorax", (0, 0.375, 0.002), (0.125, 0.180, 0.120)),
    Shape("thorax", (0.105, 0.440, -0.042), (0.085, 0.100, 0.076), 1.3),  # shoulder blades
    Shape("thorax", (-0.105, 0.440, -0.042), (0.085, 0.100, 0.076), 1.3),
    Shape("thorax", (0, 0.495, -0.005), (0.150, 0.065, 0.080)),
    Shape("head", (0, 0.600, 0.005), (0.055, 0.085, 0.060)),  # neck
    Shape("head", (0, 0.7075, 0.010), (0.076, 0.115, 0.098), 3.0),
    Shape("upper_arm", (0.012, -0.015, 0), (0.058, 0.062, 0.060), 1.2),  # deltoid over the joint
    Limb("upper_arm", table.UPPER_ARM * _H, (0.050, 0.048, 0.046, 0.042)),
    Shape("forearm", (0, 0, 0), (0.042, 0.045, 0.042), 1.4),  # elbow
    Limb("forearm", table.FOREARM * _H, (0.043, 0.042, 0.034, 0.027)),
    Shape("hand", (0, -0.085, 0), (0.042, 0.095, 0.018)),
    Limb("thigh", table.THIGH * _H, (0.094, 0.089, 0.079, 0.067, 0.058)),
    Shape("shank", (0, 0, 0), (0.055, 0.060, 0.055), 1.3),  # knee
    Limb("shank", table.SHANK * _H, (0.051, 0.059, 0.052, 0.040, 0.034), 1.0, (0.0, 0.016, 0.014, 0.005, 0.0)),
    Shape("foot", (0, -0.035, -0.024), (0.027, 0.030, 0.038), 4.0),  # heel
    Shape("foot", (0, -0.045, 0.075), (0.040, 0.030, 0.118)),
)

LENGTH = {piece.segment: piece.length_m for piece in PIECES if isinstance(piece, Limb)}
JOINTS: dict[str, np.ndarray] = {
    "pelvis": np.zeros(3), "abdomen": _LUMBAR, "thorax": _CHEST - _LUMBAR, "head": _NECK - _CHEST,
}  # fmt: skip
for _side, _sign in (("left", 1), ("right", -1)):
    _mirror = np.array([_sign, 1, 1])
    JOINTS |= {
        f"{_side}_upper_arm": _mirror * (_SHOULDER - _CHEST),
        f"{_side}_forearm": np.array([0, -LENGTH["upper_arm"], 0]),
        f"{_side}_hand": np.array([0, -LENGTH["forearm"], 0]),
        f"{_side}_thigh": _mirror * _HIP,
        f"{_side}_shank": np.array([0, -LENGTH["thigh"], 0]),
        f"{_side}_foot": np.array([0, -LENGTH["shank"], 0]),
    }


def at_rest(name: str) -> np.ndarray:
    """A segment's origin at rest, from the hips: (3,) metres."""
    if name in TRUNK:
        return TRUNK[name]
    side, _, bare = name.partition("_")
    above = {"forearm": "upper_arm", "hand": "forearm", "shank": "thigh", "foot": "shank"}.get(bare)
    if above is not None:
        return at_rest(f"{side}_{above}") + JOINTS[name]
    return JOINTS[name] + (_CHEST if bare == "upper_arm" else 0)
