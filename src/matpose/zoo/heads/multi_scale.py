"""Several scales at once: a net that joins the heatmaps of all (MSS-Net)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from matpose.errors import ModelError
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


class MultiScaleHead(Head):
    """MSS-Net's multi-scale regression net (Ke et al., ECCV 2018, section 3.2), before another head.

    The backbone's heatmaps of all stacks or scales, brought to the size of the last, go through a convolution, one
    down, one up again, and correct the last ones; the other head sees the result as one more, final scale. At the
    start nothing is corrected.

    Args:
        scales: how many heatmaps the backbone has.
        head: one that reads the backbone's own heatmaps.
        width: channels inside.

    Raises:
        ModelError: another number of heatmaps, in ``forward``.

    Example:
        >>> from matpose.zoo.heads.heatmap import HeatmapHead
        >>> head = MultiScaleHead(2, HeatmapHead(8))
        >>> output = head(Seen(torch.zeros(1, 8, 8, 4), (torch.zeros(1, 14, 8, 4), torch.zeros(1, 14, 16, 8))))
        >>> [maps.shape[2] for maps in output]
        [8, 16, 16]
    """

    def __init__(self, scales: int, head: Head, *, width: int = 64) -> None:
        super().__init__()
        self.weights = head.weights
        self.scales = scales
        self.head = head
        self.join = nn.Sequential(
            nn.Conv2d(scales * JOINTS, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.whole = nn.Sequential(
            nn.Conv2d(width, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.correction = nn.Conv2d(width, JOINTS, 1, bias=False)
        nn.init.zeros_(self.correction.weight)

    def forward(self, seen: Seen) -> Any:
        if len(seen.heatmaps) != self.scales:
            raise ModelError(f"{len(seen.heatmaps)} heatmaps, not {self.scales}", mend="say how many there are")
        last = seen.heatmaps[-1]
        size = last.shape[2:]
        joined = self.join(torch.cat([F.interpolate(maps, size, mode="bilinear") for maps in seen.heatmaps], 1))
        final = last + self.correction(joined + self.whole(joined))
        return self.head(seen._replace(heatmaps=(*seen.heatmaps, final)))

    def answer(self, output: Any) -> Answer:
        return self.head.answer(output)

    def losses(self, output: Any, truth: Truth) -> dict[str, torch.Tensor]:
        return self.head.losses(output, truth)
