"""Fuser (paper, Algorithm 1): keypoint positions and features from heatmaps, raised to one width and joined."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import nn

from matpose.nn.encoder import Encoded
from matpose.nn.heatmap import soft_argmax

FullyConnected = Literal["joint", "shared"]


class Fused(NamedTuple):
    """What the fuser hands to the decoder.

    Args:
        xy_norm: (B, K, 2) point positions in [-1, 1] over the canvas.
        positions: K_C, (B, K, 3).
        features: K_F, (B, K, f).
        vector: the algorithm's output, (B, K, 2f).
    """

    xy_norm: torch.Tensor
    positions: torch.Tensor
    features: torch.Tensor
    vector: torch.Tensor


class Fuser(nn.Module):
    """K_C = H C; K_F = H F; K_C' = FC(K_C); output = [K_C', K_F].

    Args:
        points: K.
        features: f.
        fully_connected: "joint", one layer 3K -> Kf over all points (the released model), or "shared",
            one layer 3 -> f used at every point.

    Example:
        >>> maps = torch.full((1, 4, 8, 8), 1 / 64)
        >>> Fuser(4, 2)(Encoded(maps, torch.rand(1, 2, 8, 8), torch.rand(1, 3, 8, 8))).vector.shape
        torch.Size([1, 4, 4])
    """

    def __init__(self, points: int, features: int, fully_connected: FullyConnected = "joint") -> None:
        super().__init__()
        self.fully_connected: FullyConnected = fully_connected
        joint = fully_connected == "joint"
        self.expand = nn.Linear(3 * points, features * points) if joint else nn.Linear(3, features)

    def forward(self, encoded: Encoded) -> Fused:
        """:class:`Encoded` to :class:`Fused`."""
        xy_norm, k_c, k_f = self.pool(encoded)
        return Fused(xy_norm, k_c, k_f, self.join(k_c, k_f))

    def pool(self, encoded: Encoded) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Means of the heatmaps (B, K, 2), K_C (B, K, 3) and K_F (B, K, f): all that prediction needs."""
        heatmaps, features, positions = encoded
        weights = heatmaps.flatten(2)  # (B, K, hw)
        at_points = torch.bmm(weights, torch.cat((features, positions), 1).flatten(2).mT)  # (B, K, f + 3)
        k_f, k_c = at_points.split((features.shape[1], 3), dim=2)
        return soft_argmax(heatmaps), k_c, k_f

    def join(self, k_c: torch.Tensor, k_f: torch.Tensor) -> torch.Tensor:
        """Positions (B, K, 3) and features (B, K, f), of one map or of two, to the decoder's input (B, K, 2f)."""
        raised = self.expand(k_c.flatten(1)).view_as(k_f) if self.fully_connected == "joint" else self.expand(k_c)
        return torch.cat((raised, k_f), 2)
