"""Distance between said and true places."""

from __future__ import annotations

from typing import Literal

import torch

from matpose.losses.weighted import weighted_mean

Norm = Literal["l1", "l2", "euclidean"]


def coordinate_loss(xy: torch.Tensor, truth: torch.Tensor, weight: torch.Tensor, norm: Norm) -> torch.Tensor:
    """Mean over joints of |dx| + |dy| ("l1"), dx^2 + dy^2 ("l2": DeepPose), or their root ("euclidean": DSNT).

    Args:
        xy, truth: (B, J, 2), any unit.
        weight: (B, J).
        norm: which distance.

    Example:
        >>> there, here, one = torch.tensor([[[3.0, -4.0]]]), torch.zeros(1, 1, 2), torch.ones(1, 1)
        >>> [coordinate_loss(there, here, one, norm).item() for norm in ("l1", "l2", "euclidean")]
        [7.0, 25.0, 5.0]
    """
    off = xy - truth
    if norm == "l1":
        distance = off.abs().sum(-1)
    elif norm == "l2":
        distance = off.square().sum(-1)
    else:
        distance = off.norm(dim=-1)
    return weighted_mean(distance, weight)
