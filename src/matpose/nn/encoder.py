"""Encoder (paper, section 2.1): keypoint heatmaps H, pixel features F and positions C from a pressure map."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.nn.heatmap import Normalisation, activate, cell_grid
from matpose.nn.mobilenet import BlockSpec, InvertedResidual

Positions = Literal["homogeneous", "paper"]


class Encoded(NamedTuple):
    """What the encoder hands to the fuser.

    Args:
        heatmaps: H, (B, K, h, w), normalised.
        features: F, (B, f, h, w).
        positions: C, (B, 3, h, w).
    """

    heatmaps: torch.Tensor
    features: torch.Tensor
    positions: torch.Tensor


# MobileNetV3-Small as the released evaluation code cuts it: method.md's table, 125,552 parameters with the stem.
PAPER_BLOCKS = (
    BlockSpec(3, 16, 16, True, "relu", 2),
    BlockSpec(3, 72, 24, False, "relu", 2),
    BlockSpec(3, 88, 24, False, "relu", 1),
    BlockSpec(5, 96, 40, True, "hardswish", 1),
    BlockSpec(5, 240, 40, True, "hardswish", 1),
    BlockSpec(5, 120, 48, True, "hardswish", 1),
    BlockSpec(5, 288, 96, True, "hardswish", 1),
)

# The same family for a 64 x 32 canvas, behind a stem of stride 2: the wide blocks work at 16 x 8, where five-cell
# kernels see the whole body.
NATIVE_BLOCKS = (
    BlockSpec(3, 48, 24, True, "relu", 1),
    BlockSpec(5, 96, 40, True, "hardswish", 2),
    BlockSpec(5, 200, 40, True, "hardswish", 1),
    BlockSpec(5, 120, 48, True, "hardswish", 1),
    BlockSpec(5, 240, 80, True, "hardswish", 1),
)


class Encoder(nn.Module):
    """MobileNetV3 blocks to K heatmaps, one convolution to f features, cell positions.

    Heatmaps have ``1 / stride`` of the input's sides. Where the blocks go coarser than that, their maps are
    enlarged and the block output of heatmap size is added through a 1x1 convolution.

    Args:
        points: K.
        features: f.
        blocks: layer table.
        stem_stride: of the first convolution.
        stride: input cells a heatmap cell.
        normalisation: of the heatmaps, "softmax" or "sigmoid".
        sharpness: standard deviation of the heatmaps' logits at the start; at 1 a softmax over hundreds of cells is
            nearly even, and every point starts at the centre of the canvas.
        positions: C = (x, y, 1), "homogeneous"; or (largest value, row, column) of each cell, "paper".

    Raises:
        ValueError: the blocks never have the heatmaps' resolution.

    Example:
        >>> encoded = Encoder(32, 8, NATIVE_BLOCKS, stem_stride=2, stride=2)(torch.rand(2, 1, 64, 32))
        >>> encoded.heatmaps.shape, encoded.features.shape, encoded.positions.shape
        (torch.Size([2, 32, 32, 16]), torch.Size([2, 8, 32, 16]), torch.Size([2, 3, 32, 16]))
    """

    def __init__(
        self,
        points: int,
        features: int,
        blocks: tuple[BlockSpec, ...] = PAPER_BLOCKS,
        *,
        stem_stride: int = 1,
        stride: int = 4,
        normalisation: Normalisation = "softmax",
        positions: Positions = "homogeneous",
        sharpness: float = 1.0,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.normalisation: Normalisation = normalisation
        self.positions: Positions = positions
        self.stem = nn.Conv2d(1, 16, 3, stem_stride, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(16)
        channels, reached, fine = 16, stem_stride, None
        body = []
        for index, spec in enumerate(blocks):
            body.append(InvertedResidual(channels, spec))
            channels, reached = spec.out, reached * spec.stride
            if reached == stride:
                fine = (index, channels)
        if fine is None:
            raise ValueError(f"no block has stride {stride}")
        self.blocks = nn.ModuleList(body)
        self.head = nn.Conv2d(channels, points, 1, bias=False)
        self.logits_norm = nn.BatchNorm2d(points)
        self.fine_block: int | None = None
        if reached > stride:
            self.fine_block, fine_channels = fine
            self.fine_head = nn.Conv2d(fine_channels, points, 1, bias=False)
        self.feature = nn.Conv2d(1, features, stride, stride)
        self.feature_norm = nn.BatchNorm2d(features)
        nn.init.constant_(self.logits_norm.weight, sharpness)
        if normalisation == "sigmoid":
            # a sigmoid over thousands of cells has its mean at the canvas centre, until it is nearly exponential
            nn.init.constant_(self.logits_norm.bias, -8.0)

    def forward(self, x: torch.Tensor) -> Encoded:
        """(B, 1, H, W) scaled map to :class:`Encoded`."""
        return self.encode(x, *self.trunk(x))

    def trunk(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, H, W) scaled map to what the blocks make of it: the last map, and the one of heatmap size."""
        out = F.hardswish(self.stem_norm(self.stem(x)))
        fine = out
        for index, block in enumerate(self.blocks):
            out = block(out)
            if index == self.fine_block:
                fine = out
        return out, fine if self.fine_block is not None else out

    def encode(self, x: torch.Tensor, coarse: torch.Tensor, fine: torch.Tensor) -> Encoded:
        """The scaled map and its :meth:`trunk` to :class:`Encoded`."""
        features = F.relu(self.feature_norm(self.feature(x)))
        return Encoded(activate(self._heat(coarse, fine), self.normalisation), features, self._positions(x))

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) scaled map to the unnormalised heatmaps (B, K, h, w)."""
        return self._heat(*self.trunk(x))

    def _heat(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        out = self.head(coarse)
        if self.fine_block is not None:
            out = F.interpolate(out, size=fine.shape[2:], mode="bilinear") + self.fine_head(fine)
        return self.logits_norm(out)

    def _positions(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2] // self.stride, x.shape[3] // self.stride
        if self.positions == "homogeneous":
            across, along = cell_grid(height, width, x)
            grid = torch.stack(
                (
                    across.expand(height, width),
                    along[:, None].expand(height, width),
                    torch.ones(height, width, dtype=x.dtype, device=x.device),
                )
            )
            return grid.expand(x.shape[0], 3, height, width)  # `len` would freeze the batch in an export
        rows = torch.arange(height, dtype=x.dtype, device=x.device) / height
        cols = torch.arange(width, dtype=x.dtype, device=x.device) / width
        grid = torch.stack((rows[:, None].expand(height, width), cols.expand(height, width)))
        return torch.cat((F.max_pool2d(x, self.stride), grid.expand(x.shape[0], 2, height, width)), 1)
