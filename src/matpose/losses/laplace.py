"""Likelihood of a joint's place under a round Laplace distribution, whose scale the network says itself."""

from __future__ import annotations

import torch

from matpose.losses.weighted import weighted_mean

LEAST_LOG_SCALE = -5.0  # of half-heights: seven millimetres; below it a few sure joints would outweigh all others


def laplace_nll(distance: torch.Tensor, log_scale: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Mean of -log p, p(d) = exp(-|d| / b) / (2 pi b^2), without the constant.

    Residual log-likelihood estimation (Li et al., ICCV 2021) with the identity as its flow, in two dimensions.

    Args:
        distance: (B, J) between said and true place, any unit.
        log_scale: (B, J), log b; at the minimum b is half the mean distance.
        weight: (B, J), 0 for a joint that must not be learned from; by default all count.

    Returns:
        A scalar.

    Example:
        >>> laplace_nll(torch.tensor([[2.0]]), torch.tensor([[0.0]])).item()
        2.0
    """
    log_scale = log_scale.clamp_min(LEAST_LOG_SCALE)
    each = distance * (-log_scale).exp() + 2 * log_scale
    return each.mean() if weight is None else weighted_mean(each, weight)
