"""Sitting, which the detector does not know: all the weight on a short stretch of the bed."""

from __future__ import annotations

import numpy as np

from matpose.mat import Mat

SITTING_M = 0.48  # simulated people who lie measure .51 m and more, and who sit, but for the way there, .45 at most
MIDDLE = 0.9  # of the load
NOISE = 0.2  # of the pressure under the average newton: less is cross-talk
SHORTEST_M = 1.2  # a shorter mat feels only a piece of who lies on it


def sits(load: np.ndarray, mat: Mat) -> bool:
    """Whether nine tenths of the load lie within less of the bed's length than a lying adult takes.

    Children under a metre lie as short as adults sit.

    Args:
        load: (rows, cols) pressure in any unit, zero where there is no reading.
        mat: the mat, its pitch known.

    Example:
        >>> load = np.zeros((64, 32), np.float32)
        >>> load[30:42, 8:24] = 5
        >>> sits(load, Mat(64, 32, 0.0278, 0.0278))
        True
    """
    if mat.height_m < SHORTEST_M:
        return False
    total = float(load.sum())
    if not total > 0:
        return False
    typical = float(np.vdot(load, load)) / total
    along = np.where(load >= NOISE * typical, load, 0).sum(1).cumsum()
    first, last = np.searchsorted(along, along[-1] * np.array([(1 - MIDDLE) / 2, (1 + MIDDLE) / 2]))
    return bool((last - first + 1) * mat.pitch_m[0] < SITTING_M)
