"""Contact: heatmaps lie on the body, where the mat bears load."""

from __future__ import annotations

import torch
from torch.nn import functional as F

LOADED = 0.1  # of the scaled map


def contact_mask(scaled: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Heatmap cells that bear load, and their neighbours: joints lie beside the contact as often as on it.

    Args:
        scaled: (B, 1, H, W) maps in 0..1.
        size: (h, w) of the heatmaps.

    Returns:
        (B, 1, h, w) of 0 and 1.

    Example:
        >>> int(contact_mask(torch.eye(8)[None, None, :, :1] * 1.0, (4, 1)).sum())
        2
    """
    loaded = (F.adaptive_max_pool2d(scaled, size) > LOADED).to(scaled)
    return F.max_pool2d(loaded, 3, stride=1, padding=1)


def contact_loss(heatmaps: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """mean_k -log sum_u m(u) P_k(u).

    Args:
        heatmaps: (B, K, h, w), each sums to 1.
        mask: (B, 1, h, w), 1 on the body.

    Returns:
        Scalar, 0 when every heatmap lies on the body; a map without any contact costs nothing.

    Example:
        >>> even = torch.full((1, 1, 2, 2), 0.25)
        >>> half = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
        >>> round(float(contact_loss(even, half)), 4)  # log 2
        0.6931
    """
    share = (heatmaps * mask).sum((2, 3))  # (B, K)
    anywhere = mask.amax((2, 3))  # (B, 1)
    return (-share.clamp_min(1e-12).log() * anywhere).mean()
