"""The light body: sixteen rigid segments with a skin of points, shaped and weighed by the tables.

Body axes, lying supine: x to the person's left, y towards the head, z to the front; the origin is midway between the
hip joints. Limbs hang towards -y. Every segment has its own frame with the same axes and its origin in the joint that
carries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matpose.simulate import anthropometry as table
from matpose.simulate.person import Person

STATURE_M, MASS_KG = 1.75, 75.0  # of the body that the shapes below describe
SPACING_M = 0.02  # of skin points
BROAD_M, STIFFEST = 0.10, 3.5  # foam answers pieces narrower than this more stiffly, up to so many times
ROOT_M = 0.10  # of a limb, which the trunk hides


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


_H = STATURE_M
_HIP = np.array([table.HIP_SPAN / 2 * _H, 0, 0])
_LUMBAR = np.array([0, table.LUMBAR_UP * _H, -0.03])
_CHEST = np.array([0, table.CHEST_UP * _H, -0.02])
_NECK = np.array([0, table.NECK_UP * _H, -0.01])
_SHOULDER = np.array([table.SHOULDER_SPAN / 2 * _H, table.SHOULDER_UP * _H, 0.005])

# centres of trunk pieces are counted from the hips here and brought into their segments' frames below
_TRUNK = {"pelvis": np.zeros(3), "abdomen": _LUMBAR, "thorax": _CHEST, "head": _NECK}
_PIECES: tuple[Shape | Limb, ...] = (
    Shape("pelvis", (0, 0.045, -0.005), (0.172, 0.110, 0.104)),
    Shape("pelvis", (0.082, -0.03, -0.030), (0.084, 0.100, 0.086)),  # buttocks
    Shape("pelvis", (-0.082, -0.03, -0.030), (0.084, 0.100, 0.086)),
    Shape("pelvis", (0.125, 0.005, 0.0), (0.050, 0.070, 0.065), 1.4),  # trochanters
    Shape("pelvis", (-0.125, 0.005, 0.0), (0.050, 0.070, 0.065), 1.4),
    # three lobes a piece: backs are flat, and flanks are steep
    Shape("abdomen", (0.075, 0.185, 0.004), (0.090, 0.150, 0.100)),
    Shape("abdomen", (-0.075, 0.185, 0.004), (0.090, 0.150, 0.100)),
    Shape("abdomen", (0, 0.185, 0.004), (0.095, 0.150, 0.097)),
    Shape("thorax", (0.085, 0.370, 0.002), (0.097, 0.185, 0.111)),
    Shape("thorax", (-0.085, 0.370, 0.002), (0.097, 0.185, 0.111)),
    Shape("thorax", (0, 0.380, 0.002), (0.105, 0.170, 0.109)),
    Shape("thorax", (0.090, 0.440, -0.040), (0.080, 0.095, 0.072), 1.3),  # shoulder blades
    Shape("thorax", (-0.090, 0.440, -0.040), (0.080, 0.095, 0.072), 1.3),
    Shape("thorax", (0, 0.495, 0.0), (0.135, 0.065, 0.075)),
    Shape("head", (0, 0.600, 0.005), (0.055, 0.085, 0.060)),  # neck
    Shape("head", (0, 0.7075, 0.010), (0.076, 0.115, 0.098), 1.5),
    Shape("upper_arm", (0.012, -0.015, 0), (0.058, 0.062, 0.060), 1.2),  # deltoid over the joint
    Limb("upper_arm", table.UPPER_ARM * _H, (0.050, 0.048, 0.046, 0.042)),
    Shape("forearm", (0, 0, 0), (0.042, 0.045, 0.042), 1.4),  # elbow
    Limb("forearm", table.FOREARM * _H, (0.043, 0.042, 0.034, 0.027)),
    Shape("hand", (0, -0.085, 0), (0.042, 0.095, 0.018)),
    Limb("thigh", table.THIGH * _H, (0.086, 0.082, 0.074, 0.064, 0.057)),
    Shape("shank", (0, 0, 0), (0.055, 0.060, 0.055), 1.3),  # knee
    Limb("shank", table.SHANK * _H, (0.051, 0.059, 0.052, 0.040, 0.034), 1.0, (0.0, 0.016, 0.014, 0.005, 0.0)),
    Shape("foot", (0, -0.035, -0.022), (0.032, 0.034, 0.040), 2.0),  # heel
    Shape("foot", (0, -0.045, 0.075), (0.046, 0.034, 0.125)),
)


@dataclass(frozen=True)
class Body:
    """A person's body: what MuJoCo moves and what presses on the bed.

    Args:
        person: whose.
        joint_m: segment to (3,), where its joint lies in the frame of the segment that carries it.
        mass_kg, centre_m, inertia_kgm2: segment to mass, centre of mass (3,) and principal moments (3,).
        skin_m: (N, 3) points in their segments' frames.
        normal: (N, 3) outward.
        area_m2: (N,) of skin around each point.
        segment: (N,) index in ``SEGMENTS``.
        part: (N,) uint8 code of the body part.
        firmness: (N,) how much stiffer than flesh.
        narrow: (N,) how much more stiffly foam answers there than under a trunk: foam is no bed of columns, and what
            a ball needs to sink in so deep goes with the inverse of its radius (Hertz).
    """

    person: Person
    joint_m: dict[str, np.ndarray]
    mass_kg: dict[str, float]
    centre_m: dict[str, np.ndarray]
    inertia_kgm2: dict[str, np.ndarray]
    skin_m: np.ndarray
    normal: np.ndarray
    area_m2: np.ndarray
    segment: np.ndarray
    part: np.ndarray
    firmness: np.ndarray
    narrow: np.ndarray

    @property
    def length_scale(self) -> float:
        """Of this body's bones over those of the described one."""
        return self.person.stature_m / STATURE_M


def light_body(person: Person, *, hip_width: float = 1.0, belly: float = 1.0, limbs: float = 1.0) -> Body:
    """The body of a person.

    Args:
        person: stature, mass, sex.
        hip_width, belly, limbs: girths beyond what mass says, as factors about 1.

    Example:
        >>> body = light_body(Person(1.75, 75, "a"))
        >>> round(sum(body.mass_kg.values()), 6), bool(1.2 < body.area_m2.sum() < 2.2)
        (75.0, True)
    """
    long = person.stature_m / STATURE_M
    wide = np.sqrt(person.mass_kg / person.stature_m / (MASS_KG / STATURE_M))
    girth = np.ones(len(table.SEGMENTS)) * wide
    for index, name in enumerate(table.SEGMENTS):
        if name == "abdomen":
            girth[index] *= belly
        elif name == "pelvis":
            girth[index] *= hip_width
        elif name != "head" and name != "thorax":
            girth[index] *= limbs
        elif name == "head":
            girth[index] = long  # heads hardly grow with mass
    skin = _template()
    scale = np.column_stack([girth, np.full_like(girth, long), girth])[skin.segment]
    normal = skin.normal / scale
    stretched = np.linalg.norm(normal, axis=1)
    area_m2 = skin.area_m2 * scale.prod(1) * stretched  # Nanson: da = det(F) |F^-T n| dA
    mass_kg = {name: table.mass_share(name, person.sex) * person.mass_kg for name in table.SEGMENTS}
    centre_m, inertia = {}, {}
    for index, name in enumerate(table.SEGMENTS):
        mine = skin.segment == index
        points = skin.skin_m[mine] * scale[mine]
        low, high = points.min(0), points.max(0)
        share = table.centre_share(name, person.sex)
        centre = (low + high) / 2
        if share is not None and "hand" not in name and "foot" not in name:
            centre[1] = -share * _LENGTH[name.split("_", 1)[1]] * long
        size = high - low
        centre_m[name] = centre
        inertia[name] = mass_kg[name] / 12 * (np.sum(size**2) - size**2)
    return Body(
        person=person,
        joint_m={name: at * long for name, at in _JOINTS.items()},
        mass_kg=mass_kg,
        centre_m=centre_m,
        inertia_kgm2=inertia,
        skin_m=skin.skin_m * scale,
        normal=normal / stretched[:, None],
        area_m2=area_m2,
        segment=skin.segment,
        part=skin.part,
        firmness=skin.firmness,
        narrow=skin.narrow,
    )


_LENGTH = {piece.segment: piece.length_m for piece in _PIECES if isinstance(piece, Limb)}
_JOINTS: dict[str, np.ndarray] = {
    "pelvis": np.zeros(3), "abdomen": _LUMBAR, "thorax": _CHEST - _LUMBAR, "head": _NECK - _CHEST,
}  # fmt: skip
for _side, _sign in (("left", 1), ("right", -1)):
    _mirror = np.array([_sign, 1, 1])
    _JOINTS |= {
        f"{_side}_upper_arm": _mirror * (_SHOULDER - _CHEST),
        f"{_side}_forearm": np.array([0, -_LENGTH["upper_arm"], 0]),
        f"{_side}_hand": np.array([0, -_LENGTH["forearm"], 0]),
        f"{_side}_thigh": _mirror * _HIP,
        f"{_side}_shank": np.array([0, -_LENGTH["thigh"], 0]),
        f"{_side}_foot": np.array([0, -_LENGTH["shank"], 0]),
    }


@dataclass(frozen=True)
class _Skin:
    skin_m: np.ndarray
    normal: np.ndarray
    area_m2: np.ndarray
    segment: np.ndarray
    part: np.ndarray
    firmness: np.ndarray
    narrow: np.ndarray


@lru_cache(maxsize=1)
def _template() -> _Skin:
    """The described body's skin: surface points of all pieces, but for those inside another piece at rest."""
    clouds, ellipsoids = [], []
    for piece in _PIECES:
        two = piece.segment not in _TRUNK
        for side in ("left_", "right_") if two else ("",):
            name = side + piece.segment
            mirror = np.array([-1 if side == "right_" else 1, 1, 1])
            points, normals, areas = _ellipsoid(piece) if isinstance(piece, Shape) else _tube(piece)
            offset = np.zeros(3) if two else -_TRUNK[piece.segment]
            narrow = np.clip(BROAD_M / _radius(piece, points), 1, STIFFEST)
            clouds.append((name, (points + offset) * mirror, normals * mirror, areas, piece.firmness, narrow))
            if isinstance(piece, Shape):
                ellipsoids.append((len(clouds) - 1, _rest(name) + (np.array(piece.centre_m) + offset) * mirror, piece))
            else:
                ellipsoids.append((len(clouds) - 1, _rest(name), piece))
    kept = []
    for index, (name, points, normals, areas, firmness, narrow) in enumerate(clouds):
        whole = points + _rest(name)
        inside = np.zeros(len(points), bool)
        for other, at, piece in ellipsoids:
            if other != index:
                inside |= _inside(whole, at, piece) & _hides(clouds[other][0], name, piece, points)
        code = _parts(name, whole, points, normals)
        number = np.full(len(points), table.SEGMENTS.index(name))
        firm = np.full(len(points), firmness)
        kept.append([values[~inside] for values in (points, normals, areas, number, code, firm, narrow)])
    columns = [np.concatenate(column) for column in zip(*kept, strict=True)]
    order = np.random.default_rng(0).permutation(len(columns[0]))  # so that every n-th point is a fair sample
    points, normals, areas, number, code, firm, narrow = (column[order] for column in columns)
    return _Skin(points, normals, areas, number, code.astype(np.uint8), firm, narrow)


def _radius(piece: Shape | Limb, points: np.ndarray) -> np.ndarray:
    """How broad a piece is at its points, metres: (n,)."""
    if isinstance(piece, Shape):
        return np.full(len(points), np.sqrt(np.prod(np.sort(piece.semi_m)[:2])))
    share = -points[:, 1] / piece.length_m
    return np.interp(share, np.linspace(0, 1, len(piece.radii_m)), piece.radii_m)


def _hides(other: str, name: str, piece: Shape | Limb, points: np.ndarray) -> np.ndarray | bool:
    """Whether a piece of another segment hides skin that lies inside it at rest: not where limbs move away."""
    if other == name or (other in _TRUNK and name in _TRUNK):
        return True
    if other in _TRUNK:  # a limb's root in the trunk
        return points[:, 1] > -ROOT_M
    return isinstance(piece, Shape) and other.partition("_")[0] == name.partition("_")[0]


def _rest(name: str) -> np.ndarray:
    """A segment's origin at rest, from the hips."""
    if name in _TRUNK:
        return _TRUNK[name]
    side, _, bare = name.partition("_")
    above = {"forearm": "upper_arm", "hand": "forearm", "shank": "thigh", "foot": "shank"}.get(bare)
    if above is not None:
        return _rest(f"{side}_{above}") + _JOINTS[name]
    return _JOINTS[name] + (_CHEST if bare == "upper_arm" else 0)


def _ellipsoid(piece: Shape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    semi = np.array(piece.semi_m)
    around = (
        4
        * np.pi
        * ((semi[0] * semi[1]) ** 1.6 / 3 + (semi[0] * semi[2]) ** 1.6 / 3 + (semi[1] * semi[2]) ** 1.6 / 3)
        ** (1 / 1.6)
    )
    count = max(60, round(around / SPACING_M**2))
    index = np.arange(count) + 0.5  # a Fibonacci sphere: evenly spread
    height, turn = 1 - 2 * index / count, np.pi * (1 + 5**0.5) * index
    ring = np.sqrt(1 - height**2)
    unit = np.column_stack([ring * np.cos(turn), height, ring * np.sin(turn)])
    steep = unit / semi
    length = np.linalg.norm(steep, axis=1)
    area = 4 * np.pi / count * semi.prod() * length
    return np.array(piece.centre_m) + unit * semi, steep / length[:, None], area


def _tube(piece: Limb) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rings = max(3, round(piece.length_m / SPACING_M))
    points, normals, areas = [], [], []
    for ring in range(rings):
        share = (ring + 0.5) / rings
        radius = float(np.interp(share, np.linspace(0, 1, len(piece.radii_m)), piece.radii_m))
        back = float(np.interp(share, np.linspace(0, 1, len(piece.back_m)), piece.back_m))
        count = max(8, round(2 * np.pi * radius / SPACING_M))
        turn = 2 * np.pi * (np.arange(count) + 0.5 * (ring % 2)) / count
        around = np.column_stack([np.cos(turn), np.zeros(count), np.sin(turn)])
        points.append(radius * around + [0, -share * piece.length_m, -back])
        normals.append(around)
        areas.append(np.full(count, 2 * np.pi * radius / count * piece.length_m / rings))
    return np.concatenate(points), np.concatenate(normals), np.concatenate(areas)


def _inside(points: np.ndarray, at: np.ndarray, piece: Shape | Limb) -> np.ndarray:
    away = points - at
    if isinstance(piece, Shape):
        return ((away / np.array(piece.semi_m)) ** 2).sum(1) < 0.97
    share = -away[:, 1] / piece.length_m
    radius = np.interp(share, np.linspace(0, 1, len(piece.radii_m)), piece.radii_m)
    back = np.interp(share, np.linspace(0, 1, len(piece.back_m)), piece.back_m)
    across = np.hypot(away[:, 0], away[:, 2] + back)
    return (share > 0) & (share < 1) & (across < 0.97 * radius)


def _parts(name: str, whole: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Codes of the body's parts: by segment, and on the trunk by place and side."""
    left = name.startswith("left_")
    bare = name.partition("_")[2] if name not in _TRUNK else name
    plain = {"head": 1, "upper_arm": 9, "forearm": 11, "hand": 11, "thigh": 13, "shank": 17, "foot": 19}
    if bare in plain:
        code = np.full(len(points), plain[bare])
        along = -points[:, 1] / _LENGTH.get(bare, 1.0)
        if bare == "thigh":
            code[along > 0.86] = 15
            code[along < 0.12] = 7
        elif bare == "shank":
            code[along < 0.14] = 15
        elif bare == "upper_arm":
            code[along < 0.2] = 2
        return code if left or bare == "head" else code + 1
    front, up, side = normals[:, 2] > 0.35, whole[:, 1], whole[:, 0]
    code = np.where(up > 0.29, 4, np.where(up > 0.10, 5, 6))
    code[front] = 21
    hip = (up < 0.12) & (np.abs(side) > 0.105)
    code[hip & (side > 0)], code[hip & (side < 0)] = 7, 8
    shoulder = (up > 0.44) & (np.abs(side) > 0.125)
    code[shoulder & (side > 0)], code[shoulder & (side < 0)] = 2, 3
    return code
