"""The described body's skin: points all over its pieces, each with the area and the body part that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matpose.simulate import anthropometry as table
from matpose.simulate.body_shape import LENGTH, PIECES, TRUNK, Limb, Shape, at_rest

SPACING_M = 0.02  # of skin points
BROAD_M, STIFFEST = 0.10, 5.0  # foam answers pieces narrower than this more stiffly, up to so many times
ROOT_M = 0.10  # of a limb, which the trunk hides


@dataclass(frozen=True)
class Skin:
    """Fields as in :class:`matpose.simulate.body.Body`, of the described body."""

    skin_m: np.ndarray
    normal: np.ndarray
    area_m2: np.ndarray
    segment: np.ndarray
    part: np.ndarray
    firmness: np.ndarray
    narrow: np.ndarray


@lru_cache(maxsize=1)
def template_skin() -> Skin:
    """Surface points of all pieces, but for those inside another piece at rest."""
    clouds, ellipsoids = [], []
    for piece in PIECES:
        two = piece.segment not in TRUNK
        for side in ("left_", "right_") if two else ("",):
            name = side + piece.segment
            mirror = np.array([-1 if side == "right_" else 1, 1, 1])
            points, normals, areas = _ellipsoid(piece) if isinstance(piece, Shape) else _tube(piece)
            offset = np.zeros(3) if two else -TRUNK[piece.segment]
            narrow = np.clip(BROAD_M / _radius(piece, points), 1, STIFFEST)
            clouds.append((name, (points + offset) * mirror, normals * mirror, areas, piece.firmness, narrow))
            if isinstance(piece, Shape):
                ellipsoids.append(
                    (len(clouds) - 1, at_rest(name) + (np.array(piece.centre_m) + offset) * mirror, piece)
                )
            else:
                ellipsoids.append((len(clouds) - 1, at_rest(name), piece))
    kept = []
    for index, (name, points, normals, areas, firmness, narrow) in enumerate(clouds):
        whole = points + at_rest(name)
        inside = np.zeros(len(points), bool)
        for other, at, piece in ellipsoids:
            if other != index:
                inside |= _inside(whole, at, piece) & _hides(clouds[other][0], name, piece, points)
        code = part_codes(name, whole, points, normals)
        number = np.full(len(points), table.SEGMENTS.index(name))
        firm = np.full(len(points), firmness)
        kept.append([values[~inside] for values in (points, normals, areas, number, code, firm, narrow)])
    columns = [np.concatenate(column) for column in zip(*kept, strict=True)]
    order = np.random.default_rng(0).permutation(len(columns[0]))  # so that every n-th point is a fair sample
    points, normals, areas, number, code, firm, narrow = (column[order] for column in columns)
    return Skin(points, normals, areas, number, code.astype(np.uint8), firm, narrow)


def _radius(piece: Shape | Limb, points: np.ndarray) -> np.ndarray:
    """How broad a piece is at its points, metres: (n,)."""
    if isinstance(piece, Shape):
        return np.full(len(points), np.sqrt(np.prod(np.sort(piece.semi_m)[:2])))
    share = -points[:, 1] / piece.length_m
    return np.interp(share, np.linspace(0, 1, len(piece.radii_m)), piece.radii_m)


def _hides(other: str, name: str, piece: Shape | Limb, points: np.ndarray) -> np.ndarray | bool:
    """Whether a piece of another segment hides skin that lies inside it at rest: not where limbs move away."""
    if other == name or (other in TRUNK and name in TRUNK):
        return True
    if other in TRUNK:  # a limb's root in the trunk
        return points[:, 1] > -ROOT_M
    return isinstance(piece, Shape) and other.partition("_")[0] == name.partition("_")[0]


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


def part_codes(name: str, whole: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Codes of the body's parts: by segment, and on the trunk by place and side."""
    left = name.startswith("left_")
    bare = name.partition("_")[2] if name not in TRUNK else name
    plain = {"head": 1, "upper_arm": 9, "forearm": 11, "hand": 11, "thigh": 13, "shank": 17, "foot": 19}
    if bare in plain:
        code = np.full(len(points), plain[bare])
        along = -points[:, 1] / LENGTH.get(bare, 1.0)
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
