"""A cheap look at one frame: sound for certain, or to be judged cell by cell as :mod:`matpose.faults` does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matpose.faults import (
    CEILINGS,
    EMPTY_FORCE_N,
    EMPTY_STRUCTURE,
    HOT_EXCESS,
    HOT_RATIO,
    HUGE,
    LOADED,
    SILENT,
    SPREAD,
    TOUCHED,
    judges_hot,
    lowest_sound,
)
from matpose.mat import Mat

DOUBT = 2e-3
"""Verdicts so near to their threshold, relatively, are left to the exact sums."""
DEAD_AMID = 7  # of eight neighbours
DEAD_LINE = 3  # bridged cells in a silent line


class Look(NamedTuple):
    """What a sound frame is like.

    Args:
        empty: nobody is on the mat.
        structured: it has the shape of a body, whatever its scale.
        saturated: a cell is at full scale.
        total: sum of pressure above the floor, as if in kPa.
    """

    empty: bool
    structured: bool
    saturated: bool
    total: float


class Screen:
    """Looks at frames of one mat; its buffers are its own, so that nothing is allocated anew for each.

    A frame lies in a buffer with a border of one cell of -inf, laid out flat: a neighbour is then a shifted slice,
    contiguous and without a copy. Cells of the border are never loaded, nor amid loaded ones.

    Args:
        mat: that makes the frames; 3 x 3 cells at least.
        unit: "kPa" or "raw".
    """

    def __init__(self, mat: Mat, unit: str) -> None:
        self._mat, self._unit = mat, unit
        self._wide = wide = mat.cols + 2
        size = (mat.rows + 2) * wide
        self.padded = np.full(size, -np.inf, np.float32)
        self._known = self.padded if unit == "kPa" else self.padded.copy()
        self._calm, self._smooth = np.zeros((2, size), np.float32)
        self._around = np.array([dy * wide + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)])
        self._hot = judges_hot(mat)
        self._full = None if mat.counts is None else np.float32(mat.counts.full_scale_kpa * (1 - 1e-6))
        force = unit == "kPa" and mat.pitch_y_m is not None
        self._newtons = 1000 * mat.pitch_m[0] * mat.pitch_m[1] if force else None

    def grid(self, flat: np.ndarray) -> np.ndarray:
        """The mat's own cells of a flat array with a border: (rows, cols) view."""
        return flat.reshape(-1, self._wide)[1:-1, 1:-1]

    def busy_around(self, cells: np.ndarray, busy: np.ndarray) -> np.ndarray:
        """How many neighbours of each of the given cells, by flat index, are set in the flat ``busy``."""
        return busy[cells[:, None] + self._around].sum(1)

    def look(self, frame: np.ndarray, floor: float, gain: float) -> Look | None:
        """What a frame is like; None where a cell may be faulty, or a verdict is too near to call.

        Args:
            frame: (rows, cols) float32.
            floor, gain: that bring it to kPa or the like of it.
        """
        self.grid(self.padded)[...] = frame
        low, high = float(frame.min()), float(frame.max())
        if self._known is not self.padded:
            np.subtract(self.padded, np.float32(floor), out=self._known)
            self._known *= np.float32(gain)
        peak = (high - floor) * gain
        # written so that a NaN, which compares false, is not sound
        if not (low >= lowest_sound(floor, gain) and (low - floor) * gain >= -HUGE and peak <= HUGE):
            return None
        highest = self._highest()
        shape = self._shape(highest)
        if shape is None or self._a_cell_is_hot(peak, highest):
            return None
        empty, structured = shape
        if not empty and self._a_cell_is_dead():
            return None
        total = float(np.maximum(self._known, 0).sum())
        return Look(empty, structured, self._saturated(frame, high), total)

    def _centre(self, flat: np.ndarray) -> np.ndarray:
        """The cells that have all neighbours in the buffer."""
        return flat[self._wide + 1 : -self._wide - 1]

    def _highest(self) -> np.ndarray:
        """Highest neighbour of the cells of the centre."""
        wide, known = self._wide, self._known
        ends = np.maximum(known[: -2 * wide], known[2 * wide :])
        column = np.maximum(ends, known[wide:-wide])
        return np.maximum(np.maximum(column[:-2], column[2:]), ends[1:-1])

    def _shape(self, highest: np.ndarray) -> tuple[bool, bool] | None:
        """(empty, structured) as `_empty` of the faults says, or None where it is a close call."""
        wide, calm, smooth = self._wide, self._calm, self._smooth
        np.minimum(self._centre(self._known), highest, out=self._centre(calm))
        _clear_border(calm, wide)
        across = calm[:-2] + calm[1:-1]
        across += calm[2:]
        along = self._centre(smooth)
        np.add(across[: -2 * wide], across[wide:-wide], out=along)
        along += across[2 * wide :]
        _clear_border(smooth, wide)
        cells = self._mat.rows * self._mat.cols
        square = float(calm @ calm) / cells
        if square == 0:
            return True, False
        variance = square - (float(calm.sum()) / cells) ** 2
        square_9 = float(smooth @ smooth) / cells
        kept = (square_9 - (float(smooth.sum()) / cells) ** 2) / 81
        limit = EMPTY_STRUCTURE * variance
        if abs(kept - limit) < DOUBT * limit or variance < DOUBT * square or kept < DOUBT * square_9 / 81:
            return None
        if kept < limit:
            return True, False
        if self._newtons is None:
            weighs, enough = float(smooth.max()) / 9, LOADED
        else:
            smooth *= smooth > 9 * SPREAD
            weighs, enough = float(smooth.sum()) / 9 * self._newtons, EMPTY_FORCE_N
        return None if abs(weighs - enough) < DOUBT * enough else (weighs < enough, True)

    def _a_cell_is_hot(self, peak: float, highest: np.ndarray) -> bool:
        if not self._hot or peak <= TOUCHED + HOT_EXCESS:
            return False
        centre = self._centre(self._known)
        at = np.flatnonzero(centre > TOUCHED + HOT_EXCESS)
        base = np.maximum(highest[at], np.float32(TOUCHED))
        cells = centre[at]
        return bool(((cells > HOT_RATIO * base) & (cells - base > HOT_EXCESS)).any())

    def _a_cell_is_dead(self) -> bool:
        """A dead cell, of which at most one neighbour is not loaded, is bridged by loaded ones along or across."""
        wide = self._wide
        loaded, silent = self._known >= np.float32(LOADED), self._known <= np.float32(SILENT)
        along = loaded[: -2 * wide] & loaded[2 * wide :]
        along &= silent[wide:-wide]
        across = loaded[:-2] & loaded[2:]
        across &= silent[1:-1]
        rows, cols = np.flatnonzero(along) + wide, np.flatnonzero(across) + 1
        if any(len(at) and self.busy_around(at, loaded).max() >= DEAD_AMID for at in (rows, cols)):
            return True
        grid = self.grid(silent)
        in_row = np.bincount(rows // wide - 1, minlength=1) if len(rows) else np.zeros(0, int)
        in_col = np.bincount(cols % wide - 1, minlength=1) if len(cols) else np.zeros(0, int)
        return any(grid[row].all() for row in np.flatnonzero(in_row >= DEAD_LINE)) or any(
            grid[:, col].all() for col in np.flatnonzero(in_col >= DEAD_LINE)
        )

    def _saturated(self, frame: np.ndarray, high: float) -> bool:
        if self._unit == "kPa":
            return self._full is not None and bool(high >= self._full)
        return high in CEILINGS and bool(np.count_nonzero(frame == np.float32(high)) >= 3)


def _clear_border(flat: np.ndarray, wide: int) -> None:
    grid = flat.reshape(-1, wide)
    grid[:, 0] = 0
    grid[:, -1] = 0
