"""PoseAttention: stacked hourglasses whose last head looks at every joint through an attention map of its own."""

from __future__ import annotations

import torch
from torch import nn

from matpose.zoo.backbones.hourglass import HALVINGS, SIDES, STRIDE, WIDTH, Hourglass, Stem, TwoStacks
from matpose.zoo.backbones.shglass import residual
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import JOINTS, Backbone, Seen

ITERATIONS = 3


class Attention(nn.Module):
    """Features weighed by one map, which some steps of a conditional random field's mean field have sharpened.

    Unary potentials u are a 3x3 convolution of the normalised features; a step is u + sigmoid(w norm(step before) + b).
    The neighbourhood is one cell (the published model's "local response norm size 1"), so that w is a number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(WIDTH)
        self.unary = nn.Conv2d(WIDTH, 1, 3, padding=1)
        self.steps = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1), nn.Sigmoid()) for _ in range(ITERATIONS)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(x)
        unary = weight = self.unary(x)
        for step in self.steps:
            weight = unary + step(weight)
        return x * weight


class PartAttention(nn.Module):
    """A head of (B, 256, h, w) to (B, J, h, w), of which every joint has its own :class:`Attention`."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Sequential(Attention(), nn.BatchNorm2d(WIDTH), nn.Conv2d(WIDTH, 1, 1)) for _ in range(JOINTS)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([part(x) for part in self.parts], 1)


class PoseAttention(Backbone):
    """Two stacked hourglasses with part attention in the last head: 12,686,164 parameters.

    Sides of maps are multiples of 64. One map of 256 x 256 costs 13.869 G convolution multiplications with the last
    stack's unused way back, which is not computed here, and 13.585 G without. Weights start as torch's own.

    Source: Chu et al., "Multi-Context Attention for Human Pose Estimation", CVPR 2017; counts as of the model published
    with SLP (Liu et al., TPAMI 2022). What differs from the paper, there and here: no attention over the whole body and
    none over several resolutions, so that the first stack has a plain head behind a BatchNorm; plain residuals for
    hourglass residual units; 2 stacks for 8. One input channel, 14 heatmaps.

    Raises:
        ModelError: maps of other sides.
    """

    channels = WIDTH
    stride = STRIDE
    sides = SIDES
    heatmaps = 2

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        plain = nn.Sequential(nn.BatchNorm2d(WIDTH), nn.Conv2d(WIDTH, JOINTS, 1))
        self.stacks = TwoStacks((Hourglass(HALVINGS, residual, residual) for _ in range(2)), (plain, PartAttention()))

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 64."""
        require_sides(x, self.sides, "pose_attention")
        return self.stacks(self.stem(x))
