"""Jensen-Shannon divergence between maps: DSNT's regulariser (Nibali et al., 2018, arXiv 1801.07372, eq. 10)."""

from __future__ import annotations

import torch

from matpose.losses.weighted import weighted_mean


def js_divergence(heatmaps: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean over joints of KL(P || M) / 2 + KL(G || M) / 2, M = (P + G) / 2, in nats.

    Args:
        heatmaps: (B, J, h, w), P; each sums to 1.
        target: (B, J, h, w), G; each sums to 1.
        weight: (B, J).

    Returns:
        A scalar in 0..log 2.

    Example:
        >>> left, right = torch.eye(2).view(2, 1, 1, 1, 2)
        >>> round(js_divergence(left, right, torch.ones(1, 1)).item(), 4)  # log 2
        0.6931
    """
    middle = _log(0.5 * (heatmaps + target))
    parts = heatmaps * (_log(heatmaps) - middle) + target * (_log(target) - middle)
    return weighted_mean(0.5 * parts.sum((2, 3)), weight)


def _log(maps: torch.Tensor) -> torch.Tensor:
    """A sharp softmax underflows to 0, where the logarithm's gradient would be no number."""
    return maps.clamp_min(1e-12).log()
