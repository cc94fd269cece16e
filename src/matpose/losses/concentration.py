"""Concentration: a point is the mean of one small blob, not of many far apart (Suwajanakorn et al., NeurIPS 2018)."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def concentration_loss(variance: torch.Tensor, *, radius: float) -> torch.Tensor:
    """mean relu(var_x + var_y - 2 radius^2): a blob of that radius on each axis costs nothing.

    Args:
        variance: (B, K), var_x + var_y of every heatmap.
        radius: allowed on each axis, in the root of the variance's unit.

    Returns:
        Scalar, in the variance's unit.

    Example:
        >>> float(concentration_loss(torch.tensor([[8.0, 11.0]]), radius=2.0))
        1.5
    """
    return F.relu(variance - 2 * radius**2).mean()
