"""Decoder (paper, section 2.3): a fully connected layer to a small map, then RebuildNet. Used in training only."""

from __future__ import annotations

from math import prod

import torch
from torch import nn

from matpose.nn.rebuildnet import RebuildNet


class Decoder(nn.Module):
    """(B, K, 2f) keypoint vectors back to a pressure map.

    Args:
        points, features: K and f.
        canvas: (H, W) of the map to rebuild, each divisible by 4.
        rebuild: the RebuildNet; its ``start_channels`` maps of a quarter of the canvas are what the fully connected
            layer makes.
        standardise: bring every input number to unit variance first. Means over a whole map hardly differ from one
            person to the next.

    Example:
        >>> decoder = Decoder(4, 2, (64, 32), RebuildNet((8, 8, 8), 4, outputs=1))
        >>> decoder(torch.zeros(3, 4, 4)).shape
        torch.Size([3, 1, 64, 32])
    """

    def __init__(
        self,
        points: int,
        features: int,
        canvas: tuple[int, int],
        rebuild: RebuildNet,
        *,
        standardise: bool = False,
    ) -> None:
        super().__init__()
        self.standardise = nn.BatchNorm1d(points * 2 * features) if standardise else nn.Identity()
        self.start = (rebuild.start_channels, canvas[0] // 4, canvas[1] // 4)
        self.fully_connected = nn.Linear(points * 2 * features, prod(self.start))
        self.rebuild = rebuild

    def forward(self, vector: torch.Tensor) -> torch.Tensor:
        return self.rebuild(self.fully_connected(self.standardise(vector.flatten(1))).unflatten(1, self.start))
