"""The paper's equation 1: a weighted sum of squared error and structural dissimilarity."""

from __future__ import annotations

import torch

from matpose.losses.ssim import ssim


def reconstruction_loss(
    rebuilt: torch.Tensor, target: torch.Tensor, *, l2_weight: float, ssim_weight: float
) -> torch.Tensor:
    """L = a L2 + b (1 - SSIM), averaged over the batch.

    Args:
        rebuilt, target: (B, 1, H, W) scaled maps.
        l2_weight, ssim_weight: the paper's alpha and beta; it leaves both open.

    Returns:
        Scalar, zero for equal maps.

    Example:
        >>> x = torch.rand(2, 1, 16, 16)
        >>> float(reconstruction_loss(x, x, l2_weight=1, ssim_weight=1))
        0.0
    """
    l2 = (rebuilt - target).square().mean()
    return l2_weight * l2 + ssim_weight * (1 - ssim(rebuilt, target).mean())
