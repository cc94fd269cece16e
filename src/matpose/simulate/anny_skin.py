"""Anny's surface in patches about two centimetres wide: the same patches on everybody, each with what lies under it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matpose.simulate import anthropometry as table
from matpose.simulate.anny_mesh import Mesh, anny_mesh
from matpose.simulate.anny_places import carriers, landmarks, parts, under
from matpose.simulate.body_shape import MASS_KG, STATURE_M
from matpose.simulate.person import Person
from matpose.simulate.skin import SPACING_M

ROUNDS = 4  # of moving the patches' middles
LONGEST_M = 0.025  # edge of a triangle that is not cut
FACING_M = 0.02  # patches keep to one side of what is thin: surfaces that face apart count as so far apart


@dataclass(frozen=True)
class Pieces:
    """Triangles, the larger cut in four: a calf's are twice as long as a patch should be.

    Args:
        corners: (P, 3) vertices of the triangle that a piece is of.
        weight: (P, 3) of those in the piece's middle.
        share: (P,) of the triangle's area.
    """

    corners: np.ndarray
    weight: np.ndarray
    share: np.ndarray

    @staticmethod
    def of(mesh: Mesh) -> Pieces:
        faces = mesh.rig.faces
        at = mesh.vertex_m[faces]
        large = np.linalg.norm(at - np.roll(at, 1, axis=1), axis=2).max(1) > LONGEST_M
        quarter = np.concatenate([np.full((1, 3), 1 / 3), np.full((3, 3), 1 / 6) + np.eye(3) / 2])
        count, cut = int((~large).sum()), int(large.sum())
        return Pieces(
            np.concatenate([faces[~large], np.repeat(faces[large], 4, axis=0)]),
            np.concatenate([np.full((count, 3), 1 / 3), np.tile(quarter, (cut, 1))]),
            np.concatenate([np.ones(count), np.full(4 * cut, 0.25)]),
        )

    def on(self, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
        """Middles (P, 3), and areas as outward vectors (P, 3), m2."""
        a, b, c = (mesh.vertex_m[self.corners[:, corner]] for corner in range(3))
        u, v, w = self.weight.T[:, :, None]
        return u * a + v * b + w * c, np.cross(b - a, c - a) * (self.share / 2)[:, None]


@dataclass(frozen=True)
class Patches:
    """What is the same on everybody.

    Args:
        pieces: (P) of the surface.
        of_piece: (P,) the patch of each.
        segment, part, firmness, narrow: (N,) as in :class:`matpose.simulate.body.Body`.
        landmark: name to the segment that carries it and the vertex there; "head_top" among them.
    """

    pieces: Pieces
    of_piece: np.ndarray
    segment: np.ndarray
    part: np.ndarray
    firmness: np.ndarray
    narrow: np.ndarray
    landmark: dict[str, tuple[str, int]]

    def surface(self, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
        """Middles (N, 3) of the patches and their areas as outward vectors (N, 3), m2.

        Vectors of a closed surface add up to nothing, as do theirs: patches leave no gap.
        """
        return _gathered(*self.pieces.on(mesh), self.of_piece)


@lru_cache(maxsize=1)
def anny_patches() -> Patches:
    """Patches of somebody as the described body is, laid out once a process."""
    mesh = anny_mesh(Person(STATURE_M, MASS_KG, "described"), np.random.default_rng(0))
    pieces = Pieces.of(mesh)
    middle, area = pieces.on(mesh)
    of_segment = carriers(mesh, middle, mesh.rig.moves[pieces.corners].sum(1).argmax(1))
    size = np.linalg.norm(area, axis=1)
    feature = np.concatenate([middle, FACING_M / 2 * area / size[:, None]], axis=1)
    of_piece, segment = np.zeros(len(size), int), []
    for index in range(len(table.SEGMENTS)):
        mine = np.flatnonzero(of_segment == index)
        label = _divided(feature[mine], size[mine], round(size[mine].sum() / SPACING_M**2))
        of_piece[mine] = len(segment) + label
        segment += [index] * (label.max() + 1)
    order = np.random.default_rng(0).permutation(len(segment))  # so that every n-th patch is a fair sample
    of_piece, segment = np.argsort(order)[of_piece], np.array(segment)[order]
    at, areas = _gathered(middle, area, of_piece)
    landmark = landmarks(mesh)
    part = parts(mesh, at, areas / np.linalg.norm(areas, axis=1)[:, None], segment)
    return Patches(pieces, of_piece, segment, part, *under(mesh, at, segment, landmark), landmark)


def _gathered(middle: np.ndarray, area: np.ndarray, patch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces' middles, weighed by area, and areas, summed over each patch: (N, 3), (N, 3)."""
    size = np.linalg.norm(area, axis=1)
    total = np.bincount(patch, size)
    middles = np.stack([np.bincount(patch, size * x) for x in middle.T], axis=1) / total[:, None]
    return middles, np.stack([np.bincount(patch, x) for x in area.T], axis=1)


def _divided(feature: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """Points in groups of neighbours: farthest points first, then their groups' middles; (n,) from 0 without gaps."""
    middle = [int(weight.argmax())]
    away = np.full(len(feature), np.inf)
    while len(middle) < min(count, len(feature)):
        away = np.minimum(away, ((feature - feature[middle[-1]]) ** 2).sum(1))
        middle.append(int(away.argmax()))
    label = _nearest(feature, feature[middle])
    for _ in range(ROUNDS):
        total = np.bincount(label, weight)
        centres = np.stack([np.bincount(label, weight * x) for x in feature.T], axis=1) / total[:, None]
        label = _nearest(feature, centres)
    return label


def _nearest(feature: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The centre next to each point, numbered without gaps: (n,)."""
    away = (centres**2).sum(1) - 2 * feature @ centres.T
    return np.unique(away.argmin(1), return_inverse=True)[1]
