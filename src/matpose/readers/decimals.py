"""Unsigned decimals, parsed over a whole text as integers that a power of ten divides."""

from __future__ import annotations

import numpy as np

from matpose.readers.integers import parse_integers

EXACT_DIGITS = 15  # up to here integers and powers of ten are exact doubles: the quotient is what float() gives


def parse_decimals(codes: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray | None:
    """Values of runs of digits with at most one point in each.

    Args:
        codes: (bytes,) uint8, a text.
        begins, ends: (n,) where every run begins and, exclusive, ends; no points stand outside them.

    Returns:
        (n,) float64; None where a run has two points, no digit, or too many.

    Example:
        >>> parse_decimals(np.frombuffer(b"7 0.25 .5", np.uint8), np.array([0, 2, 7]), np.array([1, 6, 9])).tolist()
        [7.0, 0.25, 0.5]
    """
    points = np.flatnonzero(codes == ord("."))
    run = begins.searchsorted(points, "right") - 1
    if (np.diff(run) == 0).any():
        return None
    decimals = np.zeros(len(begins))
    decimals[run] = ends[run] - points - 1
    begins, ends = begins - points.searchsorted(begins), ends - points.searchsorted(ends)
    digits = ends - begins
    if len(digits) and (digits.min() < 1 or digits.max() > EXACT_DIGITS):
        return None
    return parse_integers(codes[codes != ord(".")], begins, ends) / 10.0**decimals
