"""Heatmaps as regression (Tompson et al., NeurIPS 2014; the recipe of the five baselines)."""

from __future__ import annotations

import torch


def heatmap_mse(heatmaps: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(1/2J) sum_n w_n mean_u (P_n(u) - G_n(u))^2, mean over people.

    A joint without weight costs nothing and still counts as one of J.

    Args:
        heatmaps: (B, J, h, w), P.
        target: (B, J, h, w), G.
        weight: (B, J).

    Returns:
        A scalar.

    Example:
        >>> heatmap_mse(torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 4, 4), torch.tensor([[1.0, 0.0]])).item()
        0.25
    """
    return 0.5 * (weight[..., None, None] * (heatmaps - target).square()).mean()
