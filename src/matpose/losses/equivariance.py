"""Equivariance: a moved map has moved points (Thewlis et al., ICCV 2017; Lorenz et al., CVPR 2019)."""

from __future__ import annotations

import torch


def equivariance_loss(xy: torch.Tensor, expected_xy: torch.Tensor) -> torch.Tensor:
    """mean_k |p_k(g A) - g p_k(A)|, with both brought back through g, where they are compared in one frame.

    The literature squares the distance. Then the few maps whose person was moved over the canvas's edge lead, and the
    last centimetres, which are what is asked for, weigh nothing.

    Args:
        xy: (B, K, 2) points of the moved map, brought back; any isotropic unit.
        expected_xy: (B, K, 2) points of the other view of the map, brought back too. No gradient flows to them: both
            would otherwise meet half-way, which for points that stay is where they are.

    Returns:
        Scalar, in the points' unit.

    Example:
        >>> float(equivariance_loss(torch.tensor([[[3.0, 4.0]]]), torch.zeros(1, 1, 2)))
        5.0
    """
    return (xy - expected_xy.detach()).norm(dim=-1).mean()
