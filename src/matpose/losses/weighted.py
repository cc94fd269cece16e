"""The mean over those joints that may be learned from."""

from __future__ import annotations

import torch


def weighted_mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """sum w v / sum w, and 0 where no joint has any weight.

    Args:
        values: (B, J).
        weight: (B, J), 0 or more.

    Returns:
        A scalar.

    Example:
        >>> weighted_mean(torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[1.0, 1.0, 0.0]])).item()
        1.5
    """
    return (weight * values).sum() / weight.sum().clamp_min(1e-12)
