"""Which part of the body presses on each cell of a canvas, and where the body ends."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from matpose.canvas import Canvas
from matpose.mat import Mat

PARTS = 22
"""Codes of a recording's ``parts``: none, and 21 parts of the body."""
BESIDE = -1
"""Not on the mat, or not known: the code of such cells in a truth's ``parts``."""


def part_labels(parts: np.ndarray, mat: Mat, canvas: Canvas, origin_m: tuple[float, float] | None = None) -> np.ndarray:
    """Parts on the mat's grid to the canvas's: of each canvas cell what covers most of it.

    Args:
        parts: (T, rows, cols) uint8.
        mat, canvas, origin_m: as for :meth:`matpose.canvas.Canvas.resample`.

    Returns:
        (T, H, W) int8, ``BESIDE`` where the greater share of a cell is not on the mat.

    Example:
        >>> part_labels(np.full((1, 4, 2), 6), Mat(4, 2, 0.5, 0.5), Canvas(4, 4, 0.5))[0, 0].tolist()
        [-1, 6, 6, -1]
    """
    shares = np.stack([
        canvas.resample((parts == code).astype(np.float32), mat, origin_m) for code in range(PARTS)
    ])  # fmt: skip
    on_mat = canvas.coverage(mat, origin_m) >= 0.5
    return np.where(on_mat, shares.argmax(0), BESIDE).astype(np.int8)


def outline(parts: torch.Tensor) -> torch.Tensor:
    """The body's outermost cells: those of the body beside a cell, left, right, above or below, that is not.

    Args:
        parts: (B, H, W) codes; what is not above 0 is not the body. Beyond the map nothing is known, so nothing ends
            there.

    Returns:
        (B, H, W) bool.

    Example:
        >>> outline(torch.tensor([[[6, 6, 6], [6, 6, 0], [6, 6, 6]]]))
        tensor([[[False, False,  True],
                 [False,  True, False],
                 [False, False,  True]]])
    """
    empty = (parts <= 0).float()[:, None]
    beside = torch.maximum(F.max_pool2d(empty, (3, 1), 1, (1, 0)), F.max_pool2d(empty, (1, 3), 1, (0, 1)))
    return ((parts > 0)[:, None] & (beside > 0))[:, 0]
