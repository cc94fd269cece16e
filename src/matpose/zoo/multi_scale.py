"""Several scales at once: a net that joins the heatmaps of all (MSS-Net), and its rival, looking several times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from matpose.errors import ModelError
from matpose.nn.heatmap import cell_grid
from matpose.zoo.system import JOINTS, Answer, Head, Seen, System, Truth


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


def at_scales(
    system: System, x: torch.Tensor, scales: Sequence[float], *, take: Literal["average", "best"] = "average"
) -> Answer:
    """Multi-scale testing: the person larger and smaller on the same map, and one answer of all.

    The map is enlarged about its middle and keeps its size, so that every head can be tested, also one that is made
    for a size; the joints found are brought back.

    Args:
        system: in eval mode.
        x: (B, 1, H, W) in 0..1.
        scales: above 1 enlarges; 1 is the map as it is.
        take: the mean of places and scores, or for every joint the answer with the highest score.

    Returns:
        Joints; for one scale of 1 the system's own.

    Raises:
        ModelError: no scale, or one that is not above 0.
    """
    if not scales or min(scales) <= 0:
        raise ModelError(f"scales {tuple(scales)}", mend="give one or more above 0")
    answers = [system(_enlarged(x, scale)) for scale in scales]
    places = torch.stack([answer.xy_norm / scale for answer, scale in zip(answers, scales, strict=True)])
    scores = torch.stack([answer.score for answer in answers])  # (S, B, J)
    if take == "average":
        return Answer(places.mean(0), scores.mean(0))
    score, best = scores.max(0)
    return Answer(places.gather(0, best[None, ..., None].expand(1, *places.shape[1:]))[0], score)


def _enlarged(x: torch.Tensor, scale: float) -> torch.Tensor:
    """Maps (B, 1, H, W) about their middle; what comes from outside is zero."""
    if scale == 1:
        return x
    along_x, along_y = cell_grid(x.shape[2], x.shape[3], x)
    grid = torch.stack(torch.meshgrid(along_x, along_y, indexing="xy"), -1) / scale
    return F.grid_sample(x, grid.expand(x.shape[0], -1, -1, -1), padding_mode="zeros", align_corners=False)
