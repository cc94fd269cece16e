"""Body part masks and the body's outline: which part presses on each cell, and joints read with that known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from matpose.canvas import Canvas
from matpose.mat import Mat
from matpose.zoo.coding.drawn import heatmap_loss
from matpose.zoo.coding.parabola import decode_parabola
from matpose.zoo.finer import FINEST, Finer, map_layer
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth

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


def part_loss(logits: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """Cross-entropy over the cells that are known.

    Args:
        logits: (B, P, h, w), brought to the truth's size where it is another.
        parts: (B, H, W) int8 codes; ``BESIDE`` where nothing is known.

    Returns:
        Scalar, 0 where no cell is known.

    Example:
        >>> two = torch.tensor([[[3, BESIDE]]], dtype=torch.int8)
        >>> round(float(part_loss(torch.zeros(1, 22, 1, 2), two)), 4)  # log 22
        3.091
    """
    parts = parts.long()
    if logits.shape[2:] != parts.shape[1:]:
        logits = F.interpolate(logits, size=parts.shape[1:], mode="bilinear", align_corners=False)
    known = (parts != BESIDE).sum().clamp_min(1)
    return F.cross_entropy(logits, parts, ignore_index=BESIDE, reduction="sum") / known


class Masked(NamedTuple):
    """What :class:`PartMaskHead` gives.

    Args:
        parts: (B, P, h, w) logits.
        heatmaps: (B, J, h, w).
    """

    parts: torch.Tensor
    heatmaps: torch.Tensor


class PartMaskHead(Head):
    """Part masks, then heatmaps of joints from features and masks together: joints lie where parts meet.

    Parts: "heatmap", half the mean square from Gaussians; "part", cross-entropy, where the truth knows parts, as that
    of simulated bodies does.

    Args:
        channels, stride: of the features.
        sigma_cells: of the Gaussians, in heatmap cells.

    Example:
        >>> head = PartMaskHead(8)
        >>> outline(head(Seen(torch.rand(2, 8, 16, 8), ())).parts.argmax(1)).shape
        torch.Size([2, 16, 8])
    """

    def __init__(self, channels: int, stride: int = FINEST, *, sigma_cells: float = 1.0) -> None:
        super().__init__()
        self.weights = {"heatmap": 1.0, "part": 0.01}
        self.sigma_cells = sigma_cells
        self.finer = Finer(channels, stride)
        self.parts = nn.Conv2d(self.finer.channels, PARTS, 1)
        self.heat = map_layer(self.finer.channels + PARTS, JOINTS, 3)

    def forward(self, seen: Seen) -> Masked:
        features = self.finer(seen.features)
        parts = self.parts(features)
        return Masked(parts, self.heat(torch.cat((features, parts.softmax(1)), 1)))

    def answer(self, output: Masked) -> Answer:
        return decode_parabola(output.heatmaps)

    def losses(self, output: Masked, truth: Truth) -> dict[str, torch.Tensor]:
        lost = {"heatmap": heatmap_loss(output.heatmaps, truth, self.sigma_cells)}
        return lost if truth.parts is None else lost | {"part": part_loss(output.parts, truth.parts)}
