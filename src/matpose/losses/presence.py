"""CRWT stage 1 (paper, section 2.4): is there pressure on a cell or not, as a two-channel classification."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def presence_loss(logits: torch.Tensor, present: torch.Tensor, on_mat: torch.Tensor) -> torch.Tensor:
    """Cross-entropy over the cells of the mat.

    Args:
        logits: (B, 2, H, W); channel 1 says "pressure", channel 0 "none".
        present: (B, 1, H, W) bool.
        on_mat: (B, 1, H, W) bool, cells that lie on the mat; the others are known to be empty.

    Returns:
        Scalar.

    Example:
        >>> on = torch.ones(1, 1, 2, 2, dtype=torch.bool)
        >>> round(float(presence_loss(torch.zeros(1, 2, 2, 2), on, on)), 4)  # log 2
        0.6931
    """
    per_cell = F.cross_entropy(logits, present[:, 0].long(), reduction="none")  # (B, H, W)
    return (per_cell * on_mat[:, 0]).sum() / on_mat.sum().clamp_min(1)
