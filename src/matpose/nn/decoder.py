"""Decoder (paper, section 2.3): a fully connected layer to a small map, then RebuildNet. Used in training only."""

from __future__ import annotations

from math import prod
from typing import Literal

import torch
from torch import nn

from matpose.nn.gaussian_start import GaussianStart
from matpose.nn.rebuildnet import RebuildNet

Start = Literal["fc", "gaussian", "both"]


class Decoder(nn.Module):
    """What the fuser made of K keypoints back to a pressure map.

    Args:
        points, features: K and f.
        canvas: (H, W) of the map to rebuild, each divisible by 4.
        rebuild: the RebuildNet; its ``start_channels`` maps of a quarter of the canvas are what it starts from.
        start: who makes these maps: "fc", a fully connected layer (the paper); "gaussian", the f features painted at
            the points; "both", the last f of the maps painted, the others by the layer.
        standardise: bring every input number of the layer to unit variance first. Means over a whole map hardly differ
            from one person to the next.

    Example:
        >>> decoder = Decoder(4, 2, (64, 32), RebuildNet((8, 8, 8), 4, outputs=1))
        >>> decoder(torch.zeros(3, 4, 4), torch.ones(3, 4, 3)).shape
        torch.Size([3, 1, 64, 32])
    """

    def __init__(
        self,
        points: int,
        features: int,
        canvas: tuple[int, int],
        rebuild: RebuildNet,
        *,
        start: Start = "fc",
        standardise: bool = False,
    ) -> None:
        super().__init__()
        height, width = canvas[0] // 4, canvas[1] // 4
        self.features = features
        self.fully_connected: nn.Linear | None = None
        self.gaussian = None if start == "fc" else GaussianStart((height, width))
        if start != "gaussian":
            own = rebuild.start_channels - (features if self.gaussian else 0)
            self.start = (own, height, width)
            self.standardise = nn.BatchNorm1d(points * 2 * features) if standardise else nn.Identity()
            self.fully_connected = nn.Linear(points * 2 * features, prod(self.start))
        self.rebuild = rebuild

    def forward(self, vector: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """The fuser's vector (B, K, 2f) and positions K_C (B, K, 3) to (B, outputs, H, W)."""
        start = []
        if self.fully_connected is not None:
            start.append(self.fully_connected(self.standardise(vector.flatten(1))).unflatten(1, self.start))
        if self.gaussian is not None:
            start.append(self.gaussian(positions, vector[..., self.features :]))  # the second half is K_F
        return self.rebuild(torch.cat(start, 1))
