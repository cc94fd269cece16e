"""How alike two maps of one mat are, whatever each mat's gain: shapes, shifts, and the figures that are reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from matpose.errors import MatposeError
from matpose.mat import KPA_PER_UNIT

BLUR_CELLS = 1.0
TOUCHED_KPA = 1.0 * KPA_PER_UNIT["mmHg"]


@dataclass(frozen=True)
class Likeness:
    """How like a real map a simulated one is.

    Args:
        error: mean squared difference of the two shapes over the mean square of the real one.
        correlation: Pearson's, of the two shapes over all cells.
        overlap: intersection over union of the cells of 1 mmHg or more, once both maps bear the real one's force.
    """

    error: float
    correlation: float
    overlap: float


def shape_of(kpa: np.ndarray) -> np.ndarray:
    """What of a map is compared: root pressure at a total of 1, blurred by one cell.

    Args:
        kpa: (..., rows, cols) pressure, without NaN.

    Returns:
        The same shape, float64; zeros where a map bears nothing.

    Example:
        >>> kpa = np.random.default_rng(0).gamma(1.0, 1.0, (8, 4))
        >>> bool(np.allclose(shape_of(kpa), shape_of(3 * kpa)))
        True
    """
    total = kpa.sum((-2, -1), keepdims=True, dtype=np.float64)
    root = np.sqrt(np.clip(np.divide(kpa, total, out=np.zeros(kpa.shape), where=total > 0), 0, None))
    return gaussian_filter(root, BLUR_CELLS, mode="constant", axes=(-2, -1))


def likeness(real_kpa: np.ndarray, simulated_kpa: np.ndarray) -> Likeness:
    """Compare a simulated map with a real one as they lie.

    Args:
        real_kpa, simulated_kpa: (rows, cols) pressure, kPa, without NaN; neither empty.

    Raises:
        MatposeError: maps of two sizes, or one that cannot be compared.
    """
    for kpa in (real_kpa, simulated_kpa):
        check_map(kpa)
    if real_kpa.shape != simulated_kpa.shape:
        raise MatposeError(
            f"maps of {real_kpa.shape} and {simulated_kpa.shape} cells cannot be compared", mend="use maps of one mat"
        )
    real, simulated = shape_of(real_kpa), shape_of(simulated_kpa)
    scale = real_kpa.sum(dtype=np.float64) / simulated_kpa.sum(dtype=np.float64)
    touched, meant = real_kpa >= TOUCHED_KPA, simulated_kpa * scale >= TOUCHED_KPA
    return Likeness(
        error=float(((real - simulated) ** 2).sum() / (real**2).sum()),
        correlation=float(np.corrcoef(real.ravel(), simulated.ravel())[0, 1]),
        overlap=float((touched & meant).sum() / max((touched | meant).sum(), 1)),
    )


def check_map(kpa: np.ndarray) -> None:
    """Refuse what is no map of somebody.

    Raises:
        MatposeError: an array that is not (rows, cols), holds cells without a reading, or no pressure.
    """
    if kpa.ndim != 2:
        raise MatposeError(f"an array of shape {kpa.shape} is not one map", mend="give (rows, cols)")
    if not np.isfinite(kpa).all():
        raise MatposeError("cells of the map have no reading", mend="clean the recording first (matpose.quality.clean)")
    if not kpa.max(initial=0) > TOUCHED_KPA:
        raise MatposeError("nobody lies on this map", mend="choose a frame that is not flagged empty_bed")


def best_shifts(shape: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far to move each of some shapes so that it lies best on a given one.

    What a shape loses over the mat's edge by a shift is counted as if it were still there.

    Args:
        shape: (rows, cols) from :func:`shape_of`.
        others: (N, rows, cols) likewise.

    Returns:
        (N, 2) shifts in cells, down and to the right, to a fraction of a cell; (N,) errors after whole shifts.

    Example:
        >>> spot = np.zeros((8, 8))
        >>> spot[2, 3] = 1
        >>> best_shifts(np.roll(spot, (2, -1), (0, 1)), spot[None])[0].tolist()
        [[2.0, -1.0]]
    """
    rows, cols = shape.shape
    size = (2 * rows, 2 * cols)
    given = np.fft.rfft2(shape, size)
    shifts, errors = np.empty((len(others), 2)), np.empty(len(others))
    square = (shape**2).sum()
    for index, other in enumerate(others):
        alike = np.fft.irfft2(given * np.fft.rfft2(other, size).conj(), size)
        row, col = np.unravel_index(alike.argmax(), size)
        errors[index] = (square + (other**2).sum() - 2 * alike[row, col]) / square
        along = _peak(alike[(row + np.arange(-1, 2)) % size[0], col])
        across = _peak(alike[row, (col + np.arange(-1, 2)) % size[1]])
        shifts[index] = (row + rows) % size[0] - rows + along, (col + cols) % size[1] - cols + across
    return shifts, errors


def moved(kpa: np.ndarray, down: int, right: int) -> np.ndarray:
    """A map moved by whole cells: what leaves it is lost, what comes in is unloaded.

    Example:
        >>> moved(np.array([[1, 2], [3, 4]]), 1, -1).tolist()
        [[0, 0], [2, 0]]
    """
    rows, cols = kpa.shape
    result = np.zeros_like(kpa)
    result[max(down, 0) : rows + min(down, 0), max(right, 0) : cols + min(right, 0)] = kpa[
        max(-down, 0) : rows - max(down, 0), max(-right, 0) : cols - max(right, 0)
    ]
    return result


def _peak(values: np.ndarray) -> float:
    """Where a parabola through three values at -1, 0, 1 is highest, the middle one being the highest of them."""
    bend = values[0] - 2 * values[1] + values[2]
    return 0.0 if bend >= 0 else float(0.5 * (values[0] - values[2]) / bend)
