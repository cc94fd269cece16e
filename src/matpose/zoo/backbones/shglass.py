"""SHGlass: two stacked hourglasses."""

from __future__ import annotations

import torch
from torch import nn

from matpose.zoo.backbones.hourglass import HALVINGS, SIDES, STRIDE, WIDTH, Hourglass, Residual, Stem, TwoStacks
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import JOINTS, Backbone, Seen


class SHGlass(Backbone):
    """Stacked hourglass of 2 stacks, 256 channels, 2 residuals, 4 halvings: 12,638,878 parameters.

    Sides of maps are multiples of 64. One map of 256 x 256 costs 13.736 G convolution multiplications with the last
    stack's unused way back, which is not computed here, and 13.452 G without. Weights start as torch's own.

    Source: Newell, Yang and Deng, "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016; counts as of the
    model published with SLP (Liu et al., TPAMI 2022). What differs from the paper, there and here: 2 stacks for 8,
    pre-activation also in the stem, one input channel, 14 heatmaps.

    Raises:
        ModelError: maps of other sides.

    Example:
        >>> with torch.device("meta"):
        ...     seen = SHGlass()(torch.zeros(2, 1, 128, 64))
        >>> seen.features.shape, [tuple(maps.shape) for maps in seen.heatmaps]
        (torch.Size([2, 256, 32, 16]), [(2, 14, 32, 16), (2, 14, 32, 16)])
    """

    channels = WIDTH
    stride = STRIDE
    sides = SIDES
    heatmaps = 2

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        self.stacks = TwoStacks(
            (Hourglass(HALVINGS, residual, residual) for _ in range(2)),
            (nn.Conv2d(WIDTH, JOINTS, 1) for _ in range(2)),
        )

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 64."""
        require_sides(x, self.sides, "shglass")
        return self.stacks(self.stem(x))


def residual(halvings: int) -> nn.Module:
    """The same residual at every level."""
    return Residual(WIDTH, WIDTH)
