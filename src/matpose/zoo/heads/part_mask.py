"""Body part masks: which part presses on each cell, and joints read with that known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.zoo.coding.drawn import heatmap_loss
from matpose.zoo.coding.parabola import decode_parabola
from matpose.zoo.finer import FINEST, Finer, map_layer
from matpose.zoo.part_labels import BESIDE, PARTS
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


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
        >>> head(Seen(torch.rand(2, 8, 16, 8), ())).parts.shape
        torch.Size([2, 22, 16, 8])
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
