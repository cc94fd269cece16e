"""HRpose: HRNet-W32, branches of four sizes that see each other again and again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from matpose.zoo.backbones.resnet import BasicBlock, Bottleneck, conv_norm, he_start, heatmap_head, stage
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import Backbone, Seen

WIDTHS = (32, 64, 128, 256)
"""Channels of the branches, at strides 4, 8, 16 and 32."""

MODULES = {2: 1, 3: 4, 4: 3}
"""Exchanges with so many branches."""

BLOCKS = 4
"""Residual blocks of a branch between two exchanges."""


class Exchange(nn.Module):
    """Residual blocks in every branch, then every branch as the sum of all.

    A finer branch comes down by 3x3 convolutions of stride 2, a coarser one up by a 1x1 convolution and nearest
    enlargement.

    Args:
        branches: how many come in.
        outputs: how many of them, the finest, go out.
    """

    def __init__(self, branches: int, outputs: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(stage(BasicBlock, width, width, BLOCKS) for width in WIDTHS[:branches])
        self.paths = nn.ModuleList(
            nn.ModuleList(_path(source, target) for source in range(branches)) for target in range(outputs)
        )

    def forward(self, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        maps = [blocks(x) for blocks, x in zip(self.blocks, maps, strict=True)]
        mixed = []
        for target, paths in zip(maps, self.paths, strict=False):
            parts = [path(x) for path, x in zip(paths, maps, strict=True)]  # pyright: ignore[reportArgumentType]
            mixed.append(F.relu(reduce(torch.add, (_enlarged(part, target) for part in parts))))
        return mixed


class HRPose(Backbone):
    """HRNet-W32, stages of 1, 4 and 3 exchanges, 14 heatmaps at stride 4: 28,534,862 parameters.

    Features are the finest branch's 32 channels. Sides of maps are multiples of 32. One map of 256 x 256 costs 10.174 G
    convolution multiplications.

    Source: Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation", CVPR 2019; counts as
    of the model published with SLP (Liu et al., TPAMI 2022). What differs from the paper: one input channel, and no
    weights from ImageNet, in whose place all starts as He et al., but for the head of standard deviation .001.

    Raises:
        ModelError: maps of other sides.

    Example:
        >>> with torch.device("meta"):
        ...     seen = HRPose()(torch.zeros(2, 1, 64, 32))
        >>> seen.features.shape, seen.heatmaps[0].shape
        (torch.Size([2, 32, 16, 8]), torch.Size([2, 14, 16, 8]))
    """

    channels = WIDTHS[0]
    stride = 4
    sides = 32
    heatmaps = 1

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv_norm(1, 64, 3, 2), nn.ReLU(), conv_norm(64, 64, 3, 2), nn.ReLU(), stage(Bottleneck, 64, 64, 4)
        )
        wide = 64 * Bottleneck.expansion
        # two branches start from the stem, a third and a fourth each from the coarsest before it
        self.starts = nn.ModuleList((_start(wide, WIDTHS[0], 1), _start(wide, WIDTHS[1], 2)))
        self.news = nn.ModuleList(_start(fine, coarse, 2) for fine, coarse in pairwise(WIDTHS[1:]))
        self.stages = nn.ModuleList(_exchanges(branches, count) for branches, count in MODULES.items())
        he_start(self)
        self.head = heatmap_head(WIDTHS[0])

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 32."""
        require_sides(x, self.sides, "hrpose")
        x = self.stem(x)
        maps = [start(x) for start in self.starts]
        for index, exchanges in enumerate(self.stages):
            if index:
                maps = [*maps, self.news[index - 1](maps[-1])]
            maps = exchanges(maps)
        return Seen(maps[0], (self.head(maps[0]),))


def _start(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(conv_norm(channels, out, 3, stride), nn.ReLU())


def _exchanges(branches: int, count: int) -> nn.Sequential:
    """A stage; of the last one nothing but the finest branch is looked at."""
    last = 1 if branches == len(WIDTHS) else branches
    return nn.Sequential(*(Exchange(branches, branches if k < count - 1 else last) for k in range(count)))


def _path(source: int, target: int) -> nn.Module:
    """From one branch to another's width, and down to its size."""
    if source == target:
        return nn.Identity()
    if source > target:
        return conv_norm(WIDTHS[source], WIDTHS[target])
    steps = [_start(WIDTHS[source], WIDTHS[source], 2) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, conv_norm(WIDTHS[source], WIDTHS[target], 3, 2))


def _enlarged(part: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    factor = target.shape[3] // part.shape[3]
    return part if factor == 1 else F.interpolate(part, scale_factor=float(factor), mode="nearest")
