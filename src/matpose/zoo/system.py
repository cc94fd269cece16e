"""What every pose system of the zoo is made of: a backbone that sees, a head that answers and says what it lost.

Every backbone goes with every head, so that a technique is measured alone. Maps are
:func:`matpose.nn.scaling.scale_free` pressure, (B, 1, H, W) in 0..1, not blurred as for the product's own network.
Places are ``xy_norm``, in [-1, 1] over the outer edges of the map, cells at
:func:`matpose.nn.heatmap.cell_grid`'s centres.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import nn

JOINTS = 14


class Seen(NamedTuple):
    """What a backbone makes of B maps.

    Args:
        features: (B, C, h, w), the last features before any joint is named.
        heatmaps: each (B, J, h, w), the backbone's own answers, one of each stack or scale, the final one last; raw
            values, neither squashed nor normalised. Empty for a backbone that has none.
    """

    features: torch.Tensor
    heatmaps: tuple[torch.Tensor, ...]


class Truth(NamedTuple):
    """What is known of J joints of B people.

    Args:
        xy_norm: (B, J, 2); beyond [-1, 1] where a limb hangs over the edge.
        contact: (B, J) bool, whether the body presses on the mat there.
        weight: (B, J) float, 0 for a joint that must not be learned from.
        height: (B, J), how high a joint lies over the unloaded mat, in half-heights of the map; None if not known.
        parts: (B, H, W) int8, which part of the body presses on each cell, as
            :func:`matpose.zoo.part_labels.part_labels` says it; None if not known.
        pressure: (B, 1, H, W), any unit, what the body presses with, without what a sensor made of it; None if not
            known.

    For heads that find several people (:mod:`matpose.zoo.heads.grouping`) the first three may have an axis of people
    after B.
    """

    xy_norm: torch.Tensor
    contact: torch.Tensor
    weight: torch.Tensor
    height: torch.Tensor | None = None
    parts: torch.Tensor | None = None
    pressure: torch.Tensor | None = None


class Answer(NamedTuple):
    """J joints of B people.

    Args:
        xy_norm: (B, J, 2).
        score: (B, J), the higher the surer; comparable within one system only.
    """

    xy_norm: torch.Tensor
    score: torch.Tensor


class Backbone(nn.Module, ABC):
    """The contract of a backbone: ``forward(x)`` takes (B, 1, H, W) in 0..1 to :class:`Seen`.

    In eval mode a map alone answers as in any batch.

    Attributes:
        channels: C of its features.
        stride: input cells a feature cell, along both sides.
        sides: H and W must be multiples of it; maps of other sizes are padded with empty cells.
        heatmaps: how many of its own it answers with, one of each stack or scale; 0 for a backbone that needs a head.
    """

    channels: int
    stride: int
    sides: int
    heatmaps: int = 0

    @abstractmethod
    def forward(self, x: torch.Tensor) -> Seen:
        """What it sees of the maps."""


class Head(nn.Module, ABC):
    """The contract of a head.

    ``forward(seen)`` gives its raw output, whatever that is; ``answer(output)`` reads joints from it, differentiable or
    not, and exports to ONNX; ``losses(output, truth)`` gives named parts, unweighted scalars, whose weighted sum by
    ``weights`` is what training lowers. Nothing that only ``losses`` needs is computed in eval mode.

    Attributes:
        weights: name of each part to its weight.
    """

    weights: dict[str, float]

    @abstractmethod
    def forward(self, seen: Seen) -> Any:
        """The raw output."""

    @abstractmethod
    def answer(self, output: Any) -> Answer:
        """Joints of a raw output."""

    @abstractmethod
    def losses(self, output: Any, truth: Truth) -> dict[str, torch.Tensor]:
        """What the output lost, by parts."""


class System(nn.Module):
    """A backbone with a head: (B, 1, H, W) in 0..1 to :class:`Answer`.

    Args:
        backbone, head: of matching channels and stride.
    """

    def __init__(self, backbone: Backbone, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, x: torch.Tensor) -> Answer:
        return self.head.answer(self.head(self.backbone(x)))

    def loss(self, x: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
        """All parts, unweighted, and their weighted sum as "loss"."""
        parts = self.head.losses(self.head(self.backbone(x)), truth)
        return parts | {
            "loss": sum((self.head.weights[name] * value for name, value in parts.items()), x.new_zeros(()))
        }
