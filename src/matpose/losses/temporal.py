"""Temporal: from one frame of a recording to another nearby, points stay but for what a body really moves."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def temporal_loss(xy: torch.Tensor, other_xy: torch.Tensor, *, still: float) -> torch.Tensor:
    """mean_k relu(|p_k(t) - p_k(t')| - still) (Biderman et al., Nature Methods 2024, whose frames are consecutive).

    Args:
        xy, other_xy: (B, K, 2) points of two frames of one recording; any isotropic unit.
        still: a distance below which nothing is said, in that unit.

    Returns:
        Scalar, in that unit.

    Example:
        >>> float(temporal_loss(torch.tensor([[[3.0, 4.0]]]), torch.zeros(1, 1, 2), still=1.0))
        4.0
    """
    return F.relu((xy - other_xy).norm(dim=-1) - still).mean()
