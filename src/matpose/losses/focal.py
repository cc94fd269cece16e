"""Penalty-reduced focal loss of CenterNet (Zhou et al., 2019, arXiv 1904.07850, eq. 1)."""

from __future__ import annotations

import torch
from torch.nn import functional as F

ALPHA, BETA = 2, 4
PRIOR = -2.19  # logit of .1: at the start, hardly any cell is a joint


def focal(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """-(1/N) sum of (1 - p)^2 log p where G is 1, and of (1 - G)^4 p^2 log(1 - p) elsewhere.

    Args:
        logits: (B, J, h, w); p is their sigmoid.
        target: (B, J, h, w) in 0..1, G; around rounded centres, or no cell is 1.
        weight: (B, J); N is its sum.

    Returns:
        A scalar.

    Example:
        >>> round(focal(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), torch.ones(1, 1)).item(), 4)  # .25 log 2
        0.1733
    """
    p = logits.sigmoid()
    joint = (1 - p) ** ALPHA * F.logsigmoid(logits)
    other = (1 - target) ** BETA * p**ALPHA * F.logsigmoid(-logits)
    each = torch.where(target == 1, joint, other).sum((2, 3))
    return -(weight * each).sum() / weight.sum().clamp_min(1)
