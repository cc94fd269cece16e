"""MobileNetV3's inverted residual block with squeeze-and-excite (Howard et al., ICCV 2019, section 5)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F


class BlockSpec(NamedTuple):
    """One row of MobileNetV3's layer table.

    Args:
        kernel: side of the depthwise kernel, odd.
        expand: channels inside the block.
        out: channels after it.
        squeeze: whether squeeze-and-excite weighs its output.
        act: "relu" or "hardswish".
        stride: 1 or 2.
    """

    kernel: int
    expand: int
    out: int
    squeeze: bool
    act: str
    stride: int


ACTIVATIONS = {"relu": F.relu, "hardswish": F.hardswish}


class SqueezeExcite(nn.Module):
    """Weigh channels by what the whole map holds: x * hardsigmoid(W2 relu(W1 mean(x))).

    Both 1x1 convolutions are bias-free with BatchNorm behind them, as the published encoder has them.

    Args:
        channels: C; the squeeze is to C // 4.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.reduce_norm = nn.BatchNorm2d(channels // 4)
        self.expand = nn.Conv2d(channels // 4, channels, 1, bias=False)
        self.expand_norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = x.mean((2, 3), keepdim=True)  # (B, C, 1, 1)
        weight = F.relu(self.reduce_norm(self.reduce(pooled)))
        return x * F.hardsigmoid(self.expand_norm(self.expand(weight)))


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, linear 1x1 projection, squeeze-and-excite, shortcut.

    At stride 1 the input is added to the output, through a 1x1 convolution where the width changes.

    Args:
        channels: channels of the input.
        spec: the block's row of the layer table.

    Example:
        >>> block = InvertedResidual(16, BlockSpec(3, 72, 24, False, "relu", 2))
        >>> block(torch.zeros(2, 16, 8, 4)).shape
        torch.Size([2, 24, 4, 2])
    """

    def __init__(self, channels: int, spec: BlockSpec) -> None:
        super().__init__()
        self.act = ACTIVATIONS[spec.act]
        self.expand = nn.Conv2d(channels, spec.expand, 1, bias=False)
        self.expand_norm = nn.BatchNorm2d(spec.expand)
        self.depthwise = nn.Conv2d(
            spec.expand, spec.expand, spec.kernel, spec.stride, spec.kernel // 2, groups=spec.expand, bias=False
        )
        self.depthwise_norm = nn.BatchNorm2d(spec.expand)
        self.project = nn.Conv2d(spec.expand, spec.out, 1, bias=False)
        self.project_norm = nn.BatchNorm2d(spec.out)
        self.squeeze = SqueezeExcite(spec.out) if spec.squeeze else nn.Identity()
        self.residual = spec.stride == 1
        self.shortcut: nn.Module = nn.Identity()
        if self.residual and channels != spec.out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, spec.out, 1, bias=False), nn.BatchNorm2d(spec.out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.act(self.expand_norm(self.expand(x)))
        out = self.act(self.depthwise_norm(self.depthwise(out)))
        out = self.squeeze(self.project_norm(self.project(out)))
        return out + self.shortcut(x) if self.residual else out
