"""What a body at rest does to a mat: true pressure on its cells, and which part of the body it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf

import numpy as np

from matpose.mat import Mat
from matpose.simulate.bed import Bed, Block
from matpose.simulate.settle import Lying

_erf = np.vectorize(erf, otypes=[float])
FOLD_M = 0.025
FINE_M = 0.01  # grid on which pressure is spread, before the mat's cells average it
MARGIN_M = 0.15  # of that grid around the mat: what lies beside the mat is not on it
PART_COUNT = 22


@dataclass(frozen=True)
class Place:
    """Where a lying body is put on a mat.

    Args:
        mat: its pitch known.
        x_m, y_m: where the engine's origin, between the hips, comes to lie, in the mat's frame.
    """

    mat: Mat
    x_m: float
    y_m: float

    def to_mat(self, points_m: np.ndarray) -> np.ndarray:
        """Engine's points (..., 3) in the mat's left-handed frame: a reflection of y, not a turn."""
        return points_m * np.array([1, -1, 1]) + np.array([self.x_m, self.y_m, 0])


@dataclass(frozen=True)
class Contact:
    """The bed's answer to a body at rest.

    Args:
        at_m: (n, 3) loaded skin, engine's frame.
        force_n: (n,) upward.
        part: (n,) code of the body part.
        on_block: (n,) bool, whether a pillow or wedge passes it on.
    """

    at_m: np.ndarray
    force_n: np.ndarray
    part: np.ndarray
    on_block: np.ndarray


def contact(lying: Lying) -> Contact:
    """Forces on the skin of a body at rest.

    The sum is the weight, but for what friction on a raised bed and the segments' last motion carry.
    """
    body, bed = lying.body, lying.bed
    skin_m = lying.skin_m()
    facing = np.einsum("nj,nj->n", lying.turn[body.segment, 2], body.normal)
    surface = bed.surface_m(skin_m[:, 0], skin_m[:, 1])
    depth = surface - skin_m[:, 2]
    loaded = np.flatnonzero((depth > 0) & (facing < 0))
    pressure = bed.pressure_kpa(depth[loaded], body.firmness[loaded], body.narrow[loaded], surface[loaded])
    force = pressure * -facing[loaded] * body.area_m2[loaded] * 1000
    return Contact(skin_m[loaded], force, body.part[loaded], surface[loaded] > 0.01)


def pressure_kpa(lying: Lying, found: Contact, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """True pressure on every cell of a mat, and the part it comes from.

    Returns:
        (rows, cols) float32 kPa, mean over each cell; (rows, cols) uint8, the part that loads a cell most, 0 where
        nothing does.
    """
    mat, bed = place.mat, lying.bed
    at = place.to_mat(found.at_m)
    force = found.force_n
    wedges = np.zeros((mat.rows, mat.cols))
    for block in bed.blocks:
        if block.even:
            over = block.top_m(found.at_m[:, 0], found.at_m[:, 1]) > 0.01
            wedges += _evenly(block.even * force[over].sum(), block, place)
            force = np.where(over, (1 - block.even) * force, force)
    fine = _fine_grid(at, np.where(found.on_block, 0, force), mat)
    kpa = (1 - bed.faint) * _averaged(fine, mat, bed.spread_m)
    if found.on_block.any():
        soft = _fine_grid(at, np.where(found.on_block, force, 0), mat)
        kpa += (1 - bed.faint) * _averaged(soft, mat, float(np.hypot(bed.spread_m, bed.block_spread_m)))
        fine = fine + soft
    kpa += bed.faint * _averaged(fine, mat, bed.faint_spread_m) + wedges
    folded = kpa * _folds(bed, mat)
    kpa = folded * (kpa.sum() / max(folded.sum(), 1e-12))  # folds shift the load, they do not bear it
    col, row = (at[:, 0] / mat.pitch_m[1]).astype(int), (at[:, 1] / mat.pitch_m[0]).astype(int)
    there = (at[:, 0] >= 0) & (at[:, 1] >= 0) & (row < mat.rows) & (col < mat.cols)
    cell = (row * mat.cols + col)[there]
    by_part = np.bincount(
        cell * PART_COUNT + found.part[there], found.force_n[there], mat.rows * mat.cols * PART_COUNT
    ).reshape(mat.rows, mat.cols, PART_COUNT)
    return kpa.astype(np.float32), _parts(by_part, kpa)


def _parts(by_part: np.ndarray, kpa: np.ndarray) -> np.ndarray:
    """The strongest part of each cell; a loaded cell between points asks its neighbours."""
    rows, cols, _ = by_part.shape
    ring = np.pad(by_part, ((1, 1), (1, 1), (0, 0)))
    around = np.sum([ring[r : r + rows, c : c + cols] for r in range(3) for c in range(3)], axis=0)
    part = np.where(by_part.any(-1), by_part.argmax(-1), around.argmax(-1))
    return np.where(kpa > 0.05, part, 0).astype(np.uint8)


def _fine_grid(at_m: np.ndarray, force_n: np.ndarray, mat: Mat) -> np.ndarray:
    """Forces shared among the four nearest cells of the fine grid, N; those far beside the mat stay out."""
    sizes = [int(np.ceil((size + 2 * MARGIN_M) / FINE_M)) + 1 for size in (mat.height_m, mat.width_m)]
    places = [(at_m[:, axis] + MARGIN_M) / FINE_M - 0.5 for axis in (1, 0)]
    near = np.logical_and(*((place >= 0) & (place < size - 1) for place, size in zip(places, sizes, strict=True)))
    y, x, force = places[0][near], places[1][near], force_n[near]
    top, left = y.astype(int), x.astype(int)
    down, right = y - top, x - left
    grid = np.zeros(sizes[0] * sizes[1])
    for step_y, weight_y in ((0, 1 - down), (1, down)):
        for step_x, weight_x in ((0, 1 - right), (1, right)):
            grid += np.bincount((top + step_y) * sizes[1] + left + step_x, force * weight_y * weight_x, len(grid))
    return grid.reshape(sizes)


def _folds(bed: Bed, mat: Mat) -> np.ndarray:
    """(rows, cols) what folds of sheet and clothing make of each cell's pressure, relative to other cells.

    Folds run in lines a few centimetres apart: a field on a grid of their own, stretched one way.
    """
    if not bed.wrinkles:
        return np.ones((mat.rows, mat.cols))
    rng = np.random.default_rng(bed.wrinkle_seed)
    height, width = (int(np.ceil(size / FOLD_M)) + 2 for size in (mat.height_m, mat.width_m))
    field = rng.normal(0, 1, (height, width))
    field += 0.7 * (field + np.roll(field, 1, axis=int(rng.integers(2))))
    field *= bed.wrinkles / field.std()
    places = [
        np.minimum(((np.arange(cells) + 0.5) * pitch_m / FOLD_M).astype(int), size - 1)
        for cells, pitch_m, size in ((mat.rows, mat.pitch_m[0], height), (mat.cols, mat.pitch_m[1], width))
    ]
    return np.exp(field)[np.ix_(*places)]


def _evenly(force_n: float, block: Block, place: Place) -> np.ndarray:
    """A force over the base of a block: (rows, cols) kPa."""
    mat = place.mat
    covered = []
    for axis, cells, pitch_m, sign, zero in (
        (1, mat.rows, mat.pitch_m[0], -1, place.y_m), (0, mat.cols, mat.pitch_m[1], 1, place.x_m),
    ):  # fmt: skip
        middle, half = zero + sign * block.centre_m[axis], block.size_m[axis] / 2
        edges = np.clip(np.arange(cells + 1) * pitch_m, middle - half, middle + half)
        covered.append(np.diff(edges) / pitch_m)
    return force_n / (1000 * block.size_m[0] * block.size_m[1]) * np.outer(*covered)


def _averaged(fine_n: np.ndarray, mat: Mat, spread_m: float) -> np.ndarray:
    """Forces of the fine grid, each spread as a Gaussian, averaged over the mat's cells: (rows, cols) kPa."""
    pitch_y_m, pitch_x_m = mat.pitch_m
    along = _averaging(fine_n.shape[0], mat.rows, pitch_y_m, spread_m)
    across = _averaging(fine_n.shape[1], mat.cols, pitch_x_m, spread_m)
    return along @ fine_n @ across.T / (1000 * pitch_y_m * pitch_x_m)


def _averaging(count: int, cells: int, pitch_m: float, spread_m: float) -> np.ndarray:
    """(cells, count): share of a fine cell's force, spread by a Gaussian, that falls on each cell of the mat."""
    at = (np.arange(count) + 0.5) * FINE_M - MARGIN_M
    edges = np.arange(cells + 1) * pitch_m
    table = _erf((edges[:, None] - at) / (spread_m * 2**0.5))
    return np.diff(table, axis=0) / 2
