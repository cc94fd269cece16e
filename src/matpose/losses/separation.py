"""Separation: no two points of a map at one place (Zhang et al., CVPR 2018)."""

from __future__ import annotations

import torch


def separation_loss(xy: torch.Tensor, *, reach: float) -> torch.Tensor:
    """mean_{i != j} exp(-|p_i - p_j|^2 / (2 reach^2)).

    Args:
        xy: (B, K, 2) points, K >= 2; any isotropic unit.
        reach: distance at which two points still trouble each other, in that unit.

    Returns:
        Scalar in 0..1; 1 when all points coincide.

    Example:
        >>> float(separation_loss(torch.zeros(1, 3, 2), reach=0.1))
        1.0
    """
    count = xy.shape[1]
    squared = (xy[:, :, None] - xy[:, None]).square().sum(-1)  # (B, K, K)
    closeness = torch.exp(-squared / (2 * reach**2)).sum((1, 2)) - count  # without each point's own 1
    return closeness.mean() / (count * (count - 1))
