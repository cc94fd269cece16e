"""Skeleton maps: joints and bones drawn as Gaussians, the bones an auxiliary output that only training sees.

A bone is exp(-d(u)^2 / (2 s^2)), d the distance of a cell from the segment between two joints; a joint is a segment of
no length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from matpose.losses.heatmap_mse import heatmap_mse
from matpose.zoo.coding.drawn import heatmap_loss
from matpose.zoo.coding.gaussian import to_cells
from matpose.zoo.coding.parabola import decode_parabola
from matpose.zoo.finer import FINEST, Finer, map_layer
from matpose.zoo.segment_distance import segment_distance2
from matpose.zoo.skeleton_tree import PARENTS
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


def segment_maps(start: torch.Tensor, end: torch.Tensor, size: tuple[int, int], sigma_cells: float) -> torch.Tensor:
    """Gaussian segments at their real-valued places, nothing rounded; differentiable in both ends.

    Args:
        start, end: (..., 2) ``xy_norm``; the same for a point.
        size: (h, w) of the maps, whose cells are square.
        sigma_cells: standard deviation across the segment.

    Returns:
        (..., h, w) in 0..1.

    Example:
        >>> middle = torch.zeros(1, 2)
        >>> segment_maps(middle, middle, (4, 4), 1.0)[0, 1, 1].log().item()  # half a cell aside along both sides
        -0.25
    """
    first, last = (to_cells(place, size)[..., None, None, :] for place in (start, end))
    y, x = (torch.arange(cells, dtype=start.dtype, device=start.device) for cells in size)
    return torch.exp(-segment_distance2(x, y[:, None], first, last) / (2 * sigma_cells**2))


BONES = tuple((joint, parent) for joint, parent in enumerate(PARENTS) if parent >= 0)
"""The 13 of the tree."""


class Skeleton(NamedTuple):
    """What :class:`SkeletonMapsHead` draws.

    Args:
        heatmaps: (B, J, h, w).
        bones: (B, E, h, w) of E bones; None in eval mode.
    """

    heatmaps: torch.Tensor
    bones: torch.Tensor | None


class SkeletonMapsHead(Head):
    """Heatmaps of joints, and in training maps of bones, so that features know what runs between two joints.

    Parts "heatmap" and "bone": half the mean square from Gaussians. A bone counts by the product of its joints'
    weights.

    Args:
        channels, stride: of the features.
        bones: E pairs of joints.
        sigma_cells: of the Gaussians, in heatmap cells.

    Example:
        >>> head = SkeletonMapsHead(8)
        >>> output = head(Seen(torch.rand(2, 8, 16, 8), ()))
        >>> output.heatmaps.shape, output.bones.shape
        (torch.Size([2, 14, 16, 8]), torch.Size([2, 13, 16, 8]))
    """

    ends: torch.Tensor

    def __init__(
        self,
        channels: int,
        stride: int = FINEST,
        *,
        bones: Sequence[tuple[int, int]] = BONES,
        sigma_cells: float = 1.0,
    ) -> None:
        super().__init__()
        self.weights = {"heatmap": 1.0, "bone": 1.0}
        self.sigma_cells = sigma_cells
        self.register_buffer("ends", torch.tensor(list(bones)).T, persistent=False)  # (2, E)
        self.finer = Finer(channels, stride)
        self.heatmaps = map_layer(self.finer.channels, JOINTS)
        self.bones = map_layer(self.finer.channels, len(bones))

    def forward(self, seen: Seen) -> Skeleton:
        features = self.finer(seen.features)
        return Skeleton(self.heatmaps(features), self.bones(features) if self.training else None)

    def answer(self, output: Skeleton) -> Answer:
        return decode_parabola(output.heatmaps)

    def losses(self, output: Skeleton, truth: Truth) -> dict[str, torch.Tensor]:
        """Of what eval mode does not draw, nothing is said."""
        parts = {"heatmap": heatmap_loss(output.heatmaps, truth, self.sigma_cells)}
        if output.bones is not None:
            (start, end), (one, other) = (part[:, self.ends].unbind(1) for part in (truth.xy_norm, truth.weight))
            wanted = segment_maps(start, end, (output.bones.shape[2], output.bones.shape[3]), self.sigma_cells)
            parts["bone"] = heatmap_mse(output.bones, wanted, one * other)
        return parts
