"""CSPNeXt-tiny: RTMPose-t's backbone, for small maps."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import Backbone, Seen

STEM = 24
"""Channels of the stem."""

STAGES = ((48, 1), (96, 2), (192, 2), (384, 2))
"""Channels and stride of every stage; each has one block."""


def conv(channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, BatchNorm, SiLU."""
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out),
        nn.SiLU(),
    )


class Block(nn.Module):
    """3x3 convolution, then a 5x5 depthwise and a 1x1 one; the input is added if ``residual``."""

    def __init__(self, channels: int, *, residual: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels, 3), conv(channels, channels, 5, groups=channels), conv(channels, channels)
        )
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.residual else self.body(x)


class CrossStage(nn.Module):
    """Half of the channels go through a block, half round it; what the whole map holds weighs both.

    Args:
        channels: of input and output.
        residual: of the block.
    """

    def __init__(self, channels: int, *, residual: bool) -> None:
        super().__init__()
        self.through = nn.Sequential(conv(channels, channels // 2), Block(channels // 2, residual=residual))
        self.round = conv(channels, channels // 2)
        self.attention = nn.Conv2d(channels, channels, 1)
        self.join = conv(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat((self.through(x), self.round(x)), 1)
        return self.join(x * F.hardsigmoid(self.attention(x.mean((2, 3), keepdim=True))))


class SpatialPyramid(nn.Module):
    """Largest values of 5 x 5, 9 x 9 and 13 x 13 cells beside every cell's own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = conv(channels, channels // 2)
        self.join = conv(2 * channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.squeeze(x)
        pooled = (F.max_pool2d(x, side, 1, padding=side // 2) for side in (5, 9, 13))
        return self.join(torch.cat((x, *pooled), 1))


class CSPNeXtTiny(Backbone):
    """CSPNeXt-tiny, 384 channels at stride 8, no heatmaps: 2,348,484 parameters.

    RTMPose-t without its head, which classifies rows and columns (SimCC). Published strides are 2 for the stem and the
    first stage too, 32 in all, which leaves 2 x 1 cells of a map of 64 x 32. Here those two are 1, and 8 x 4 cells
    remain, as many as of a photograph of 256 x 128. Sides are multiples of 8. One map of 64 x 32 costs 192 M
    convolution multiplications.

    Source: Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", arXiv 2212.07784; Jiang et
    al., "RTMPose", arXiv 2303.07399. What differs: those strides; one input channel; no weights from ImageNet, in whose
    place weights start as torch's own, as the paper's do.

    Raises:
        ModelError: maps of other sides.

    Example:
        >>> seen = CSPNeXtTiny().eval()(torch.rand(2, 1, 64, 32))
        >>> seen.features.shape, seen.heatmaps
        (torch.Size([2, 384, 8, 4]), ())
    """

    channels = STAGES[-1][0]
    stride = 8
    sides = 8

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(1, STEM // 2, 3), conv(STEM // 2, STEM // 2, 3), conv(STEM // 2, STEM, 3)]
        channels = STEM
        for width, stride in STAGES:
            coarsest = width == self.channels
            layers.append(conv(channels, width, 3, stride))
            if coarsest:
                layers.append(SpatialPyramid(width))
            layers.append(CrossStage(width, residual=not coarsest))
            channels = width
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 8."""
        require_sides(x, self.sides, "cspnext_t")
        return Seen(self.layers(x), ())
