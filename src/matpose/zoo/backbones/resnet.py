"""ResNet's residual blocks and trunk (He et al., CVPR 2016), and the deconvolutions of the simple pose baseline."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from matpose.zoo.system import JOINTS

UP = 256
"""Channels of every deconvolution."""


def conv_norm(channels: int, out: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, and BatchNorm."""
    return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(out))


class _Block(nn.Module):
    """relu(shortcut(x) + body(x)), the shortcut a 1x1 convolution where size or width change."""

    def __init__(self, body: nn.Sequential, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = body
        self.shortcut = nn.Identity() if (channels, stride) == (out, 1) else conv_norm(channels, out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.shortcut(x) + self.body(x))


class BasicBlock(_Block):
    """Two 3x3 convolutions.

    Args:
        channels: of the input.
        width: inside.
        stride: of the first.
    """

    expansion = 1
    """Output channels over ``width``."""

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        body = nn.Sequential(conv_norm(channels, width, 3, stride), nn.ReLU(), conv_norm(width, width, 3))
        super().__init__(body, channels, width, stride)


class Bottleneck(_Block):
    """1x1, 3x3 and 1x1 convolutions, the last four times as wide; arguments as of :class:`BasicBlock`."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        out = self.expansion * width
        body = nn.Sequential(
            conv_norm(channels, width),
            nn.ReLU(),
            conv_norm(width, width, 3, stride),
            nn.ReLU(),
            conv_norm(width, out),
        )
        super().__init__(body, channels, out, stride)


def stage(
    block: type[BasicBlock] | type[Bottleneck], channels: int, width: int, count: int, stride: int = 1
) -> nn.Sequential:
    """So many blocks in a row, the first of which changes size and width."""
    out = block.expansion * width
    return nn.Sequential(block(channels, width, stride), *(block(out, width) for _ in range(count - 1)))


class ResNet(nn.Sequential):
    """One-channel stem and four stages: (B, 1, H, W) to (B, C, h, w).

    The stem is the published 7x7 convolution of stride 2; with ``pool`` a 3x3 max-pool of stride 2 follows, also as
    published. The stages' strides are 1, 2, 2, 2: with the pool h = H / 32, without it H / 16.

    Args:
        block: of all stages.
        counts: blocks of the four stages.
        pool: whether the stem pools.

    Attributes:
        channels: C.
        stride: H / h.

    Example:
        >>> trunk = ResNet(BasicBlock, (2, 2, 2, 2), pool=False).eval()
        >>> trunk(torch.rand(2, 1, 64, 32)).shape, trunk.stride
        (torch.Size([2, 512, 4, 2]), 16)
    """

    def __init__(
        self, block: type[BasicBlock] | type[Bottleneck], counts: tuple[int, int, int, int], *, pool: bool
    ) -> None:
        channels, layers = 64, [conv_norm(1, 64, 7, 2), nn.ReLU()]
        if pool:
            layers.append(nn.MaxPool2d(3, 2, padding=1))
        for level, count in enumerate(counts):
            width = 64 * 2**level
            layers.append(stage(block, channels, width, count, stride=2 if level else 1))
            channels = block.expansion * width
        super().__init__(*layers)
        self.channels = channels
        self.stride = 32 if pool else 16
        he_start(self)


class Deconvolutions(nn.Sequential):
    """Three deconvolutions of 4x4 cells, stride 2 and 256 channels, with BatchNorm and ReLU: eight times the size.

    Source: Xiao, Wu and Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018; their start, weights
    of standard deviation .001.

    Args:
        channels: of the input.
    """

    def __init__(self, channels: int) -> None:
        layers = []
        for width in (channels, UP, UP):
            up = nn.ConvTranspose2d(width, UP, 4, 2, padding=1, bias=False)
            nn.init.normal_(up.weight, std=0.001)
            layers += [up, nn.BatchNorm2d(UP), nn.ReLU()]
        super().__init__(*layers)


def heatmap_head(channels: int) -> nn.Conv2d:
    """1x1 convolution to 14 heatmaps, which start near zero: weights of standard deviation .001."""
    head = nn.Conv2d(channels, JOINTS, 1)
    nn.init.normal_(head.weight, std=0.001)
    nn.init.zeros_(head.bias)  # pyright: ignore[reportArgumentType]
    return head


def he_start(module: nn.Module) -> None:
    """Start all convolutions as He et al. (ICCV 2015) do, by their outputs: so the ImageNet weights began, too."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
