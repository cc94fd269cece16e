"""Multi-scale testing, the rival of MSS-Net's joined scales: one system looks several times, larger and smaller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch.nn import functional as F

from matpose.errors import ModelError
from matpose.nn.heatmap import cell_grid
from matpose.zoo.system import Answer, System


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
