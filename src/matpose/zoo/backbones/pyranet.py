"""PyraNet: stacked hourglasses whose residuals look at many scales at once."""

from __future__ import annotations

from itertools import chain

import torch
from torch import nn
from torch.nn import functional as F

from matpose.zoo.backbones.hourglass import (
    HALVINGS,
    SIDES,
    STRIDE,
    WIDTH,
    Hourglass,
    Residual,
    Stem,
    TwoStacks,
    shortcut,
    unit,
)
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import JOINTS, Backbone, Seen

SCALES = 30
"""The published model's "cardinality": scales of a pyramid, the coarsest half the size."""

NARROWING = 6
"""The published model's "base width": a pyramid has so many times fewer channels than its residual."""


class Pyramid(nn.Module):
    """Sum over 30 scales of: fractional max-pool, 3x3 convolution, nearest enlargement to the input's size.

    Fractional max-pooling (Graham, arXiv 1412.6071) takes the largest of two cells at n places along each side, drawn
    at random. Here they are as even as can be, ``i (size - 2) // (n - 1)`` for i = 0..n - 1, what torch's own pooling
    does with a draw of 0, in training as later: the same map always has the same answer, and the graph exports. The
    pooled maps are chosen from one 2x2 max-pool of stride 1.

    Args:
        channels: of input and output.

    Example:
        >>> Pyramid(3)(torch.rand(1, 3, 8, 4)).shape
        torch.Size([1, 3, 8, 4])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(SCALES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        windows = F.max_pool2d(x, 2, stride=1)  # every 2 x 2 window's largest, (B, C, H - 1, W - 1)
        out = torch.zeros_like(x)
        starts = [[window_starts(side, level) for level in range(1, SCALES + 1)] for side in x.shape[2:]]
        cells = [
            [nearest(side, len(level)) for level in levels] for side, levels in zip(x.shape[2:], starts, strict=True)
        ]
        places = (_tensors(levels, x.device) for levels in (*starts, *cells))
        for scale, rows, cols, cell_rows, cell_cols in zip(self.scales, *places, strict=True):
            y = scale(windows.index_select(2, rows).index_select(3, cols))
            out = out + y.index_select(2, cell_rows).index_select(3, cell_cols)
        return out


def _tensors(levels: list[list[int]], device: torch.device) -> tuple[torch.Tensor, ...]:
    """All levels in one transfer."""
    return torch.tensor(list(chain.from_iterable(levels)), device=device).split([len(level) for level in levels])


def window_starts(size: int, level: int) -> list[int]:
    """First cells of the n pooling windows along a side of ``size`` cells, n = floor(2^(-level / 30) size).

    Example:
        >>> window_starts(8, 30)
        [0, 2, 4, 6]
    """
    count = int(size * 2 ** (-level / SCALES))
    return [place * (size - 2) // (count - 1) for place in range(count)]


def nearest(size: int, count: int) -> list[int]:
    """For each of ``size`` cells, which of ``count`` along the same side nearest enlargement takes.

    Example:
        >>> nearest(5, 3)
        [0, 0, 1, 1, 2]
    """
    return [cell * count // size for cell in range(size)]


class PyramidResidual(nn.Module):
    """Pre-activation residual of two branches, a plain 3x3 and a narrow :class:`Pyramid`.

    Args:
        channels: of the input.
        out: channels after it.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        half, narrow = out // 2, out // NARROWING
        self.plain = nn.Sequential(unit(channels, half), unit(half, half, 3))
        self.scaled = nn.Sequential(
            unit(channels, narrow), nn.BatchNorm2d(narrow), nn.ReLU(), Pyramid(narrow), unit(narrow, half)
        )
        self.join = unit(half, out)
        self.shortcut = shortcut(channels, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.join(self.plain(x) + self.scaled(x))


class PyraNet(Backbone):
    """Two stacked hourglasses of pyramid residuals: 27,221,110 parameters.

    The stem's residuals are pyramids; so are an hourglass's skips but at the coarsest of four levels, and what lies
    inside but at the coarsest two. Sides of maps are multiples of 64. One map of 256 x 256 costs 24.364 G convolution
    multiplications with the last stack's unused way back, which is not computed here, and 24.081 G without. Weights
    start as torch's own, not as the paper's for branches.

    Source: Yang et al., "Learning Feature Pyramids for Human Pose Estimation", ICCV 2017; counts as of the model
    published with SLP (Liu et al., TPAMI 2022). What differs from the paper, there and here: 30 scales in a sixth of
    the width for 4 scales; 2 stacks for 8. Here alone: where the pools look is not drawn, see :class:`Pyramid`; and the
    coarsest scale is half the size, of which rounding takes a cell from the published model (24.349 G).

    Raises:
        ModelError: maps of other sides.
    """

    channels = WIDTH
    stride = STRIDE
    sides = SIDES
    heatmaps = 2

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem(PyramidResidual)
        self.stacks = TwoStacks(
            (Hourglass(HALVINGS, _skip, _inner) for _ in range(2)), (nn.Conv2d(WIDTH, JOINTS, 1) for _ in range(2))
        )

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 64."""
        require_sides(x, self.sides, "pyranet")
        return self.stacks(self.stem(x))


def _skip(halvings: int) -> nn.Module:
    return PyramidResidual(WIDTH, WIDTH) if halvings > 1 else Residual(WIDTH, WIDTH)


def _inner(halvings: int) -> nn.Module:
    return PyramidResidual(WIDTH, WIDTH) if halvings > 2 else Residual(WIDTH, WIDTH)
