"""What presses on each part of the body in one frame: peak-pressure index, mean, and area of contact."""

from __future__ import annotations

from functools import reduce
from math import ceil

import numpy as np

from matpose.errors import MatposeError
from matpose.faults import TOUCHED
from matpose.mat import KPA_PER_UNIT, Mat
from matpose.monitor.moment import PartReadings
from matpose.recording import PART_NAMES

SQUARE_M = 0.03
"""Side of the smallest square that the peak-pressure index is a mean over: 9 cm2, the breadth of a bony place."""


def read_parts(frame_kpa: np.ndarray, parts: np.ndarray, mat: Mat) -> PartReadings:
    """Pressures of every part of the body.

    The peak-pressure index is the highest mean over a square of whole cells, 9 cm2 or a little more, all of the part:
    one hot cell does not make it. A part too narrow for any such square is read by its highest cell, and says so. Where
    a cell is that large, it is the square.

    Args:
        frame_kpa: (rows, cols) pressure in kPa; NaN = no reading.
        parts: (rows, cols) uint8, as :func:`matpose.monitor.body_parts.part_map` gives them.
        mat: the mat, its pitch known.

    Returns:
        Arrays of (22,) by the codes of ``PART_NAMES``; 0 where nothing bears, and for the code 0, which is nobody.

    Raises:
        MatposeError: a frame or parts that do not fit the mat, or a mat without pitch.

    Example:
        >>> parts = np.zeros((8, 8), np.uint8)
        >>> parts[2:5, 2:5] = PART_NAMES.index("sacrum")
        >>> found = read_parts(np.full((8, 8), 4.0), parts, Mat(8, 8, 0.02, 0.02))
        >>> round(float(found.peak_mmhg[6]), 2), round(float(found.area_cm2[6]), 2)
        (30.0, 36.0)
    """
    if frame_kpa.shape != (mat.rows, mat.cols) or parts.shape != frame_kpa.shape:
        raise MatposeError(
            f"a frame of {frame_kpa.shape} and parts of {parts.shape} on a mat of {mat.rows} x {mat.cols} cells",
            mend="give one pressure and one part for every cell of the mat",
        )
    pitch_y_m, pitch_x_m = mat.pitch_m
    pressed = frame_kpa >= TOUCHED  # false where there is no reading
    of_cell = np.where(pressed, parts, 0)
    mmhg = np.where(pressed, frame_kpa, 0) * np.float32(1 / KPA_PER_UNIT["mmHg"])
    codes = of_cell.ravel()
    count = np.bincount(codes, minlength=len(PART_NAMES))
    total = np.bincount(codes, mmhg.ravel(), len(PART_NAMES))
    count[0] = total[0] = 0

    down, across = (_cells(pitch_m) for pitch_m in (pitch_y_m, pitch_x_m))
    squares, means = _squares(of_cell, mmhg, down, across)
    peak = _highest(squares, means)
    highest = peak if down == across == 1 else _highest(codes, mmhg.ravel())
    alone = (peak == 0) & (highest > 0)
    return PartReadings(
        peak_mmhg=np.where(alone, highest, peak),
        mean_mmhg=total / np.maximum(count, 1),
        area_cm2=count * (1e4 * pitch_y_m * pitch_x_m),
        single_cell=alone,
    )


def _cells(pitch_m: float) -> int:
    """How many cells reach over the side of the square."""
    return ceil(SQUARE_M / pitch_m - 1e-6)


def _squares(parts: np.ndarray, mmhg: np.ndarray, down: int, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Parts and mean pressures of the squares of ``down`` by ``across`` cells that lie within one part."""
    total, lowest, highest = mmhg, parts, parts
    for axis, cells in ((0, down), (1, across)):
        total = _over(np.add, total, axis, cells)
        lowest, highest = _over(np.minimum, lowest, axis, cells), _over(np.maximum, highest, axis, cells)
    inside = (lowest == highest) & (lowest > 0)
    return lowest[inside], total[inside] * np.float32(1 / (down * across))


def _over(combine: np.ufunc, values: np.ndarray, axis: int, cells: int) -> np.ndarray:
    """Every run of so many cells along an axis, combined."""
    count = max(values.shape[axis] - cells + 1, 0)
    runs = (values[start : start + count] if axis == 0 else values[:, start : start + count] for start in range(cells))
    return reduce(combine, runs)


def _highest(codes: np.ndarray, mmhg: np.ndarray) -> np.ndarray:
    """(22,) the highest value of each code; 0 of code 0 and of those that do not occur."""
    found = np.zeros(len(PART_NAMES), mmhg.dtype)  # of another type, it would take ten times as long
    np.maximum.at(found, codes, mmhg)
    found[0] = 0
    return found
