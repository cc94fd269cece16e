"""DeepPose: coordinates straight from the features (Toshev and Szegedy, CVPR 2014, arXiv 1312.4659)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from matpose.losses.coordinate import coordinate_loss
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


class PooledRegression(nn.Sequential):
    """Numbers for every joint from features, averaged over the map or over each field of a coarse grid.

    Args:
        channels: C of the features.
        numbers: for every joint.
        grid: (rows, columns) of the fields; the features' size is a multiple of them.

    Example:
        >>> PooledRegression(8, 2, (4, 2))(torch.zeros(3, 8, 16, 8)).shape
        torch.Size([3, 14, 2])
    """

    def __init__(self, channels: int, numbers: int, grid: tuple[int, int]) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(grid),
            nn.Flatten(),
            nn.Linear(channels * grid[0] * grid[1], JOINTS * numbers),
            nn.Unflatten(1, (JOINTS, numbers)),
        )


class DeepPoseHead(Head):
    """Pooled features to 2 J coordinates; the first stage, without the cascade.

    Args:
        channels: C of the backbone's features.
        grid: (rows, columns) that the features are pooled to; the original flattened 6 x 6, later ones pool all.
        norm: of the coordinates' error.

    Example:
        >>> head = DeepPoseHead(8)
        >>> head.answer(head(Seen(torch.zeros(2, 8, 4, 2), ()))).xy_norm.shape
        torch.Size([2, 14, 2])
    """

    def __init__(self, channels: int, *, grid: tuple[int, int] = (1, 1), norm: Literal["l1", "l2"] = "l1") -> None:
        super().__init__()
        self.weights = {"place": 1.0}
        self.norm: Literal["l1", "l2"] = norm
        self.regression = PooledRegression(channels, 2, grid)

    def forward(self, seen: Seen) -> torch.Tensor:
        """(B, J, 2), x and y in [-1, 1] over the map."""
        return self.regression(seen.features)

    def answer(self, output: torch.Tensor) -> Answer:
        """The coordinates; it does not know how sure they are, so every score is 1."""
        return Answer(output, torch.ones_like(output[..., 0]))

    def losses(self, output: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
        return {"place": coordinate_loss(output, truth.xy_norm, truth.weight, self.norm)}
