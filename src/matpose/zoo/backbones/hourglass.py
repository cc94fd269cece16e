"""The stacked hourglass (Newell et al., ECCV 2016): what three backbones share, whatever their blocks and heads.

Widths and counts are those of the models published with SLP: 256 channels, 4 halvings, 2 residuals wherever
there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn import functional as F

from matpose.zoo.system import JOINTS, Seen

WIDTH = 256
HALVINGS = 4
RESIDUALS = 2
STRIDE = 4
"""Of the stem, and so of features and heatmaps."""

SIDES = STRIDE * 2**HALVINGS
"""Both sides of a map must be multiples of it, so that the coarsest level has a cell."""


def unit(channels: int, out: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Pre-activation unit: BatchNorm, ReLU, convolution with bias."""
    return nn.Sequential(
        nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2)
    )


def shortcut(channels: int, out: int) -> nn.Module:
    """Identity, or a 1x1 convolution where the width changes."""
    return nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)


class Residual(nn.Module):
    """Pre-activation bottleneck: 1x1, 3x3 and 1x1 units at half the width.

    Args:
        channels: of the input.
        out: channels after it.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.units = nn.Sequential(unit(channels, out // 2), unit(out // 2, out // 2, 3), unit(out // 2, out))
        self.shortcut = shortcut(channels, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.units(x)


class Stem(nn.Sequential):
    """From (B, 1, H, W) to (B, 256, H / 4, W / 4).

    Args:
        block: makes a residual of (channels, out).
    """

    def __init__(self, block: Callable[[int, int], nn.Module] = Residual) -> None:
        super().__init__(unit(1, 64, 7, 2), block(64, 128), nn.MaxPool2d(2), block(128, 128), block(128, WIDTH))


class Hourglass(nn.Module):
    """Halve, go deeper, double, and add what was skipped.

    Args:
        halvings: how many more there are, this one included.
        skip: makes a residual of the finer side, from ``halvings``.
        inner: the same, of the coarser side.
    """

    def __init__(self, halvings: int, skip: Callable[[int], nn.Module], inner: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.skip = _twice(skip, halvings)
        self.before = _twice(inner, halvings)
        self.deeper = Hourglass(halvings - 1, skip, inner) if halvings > 1 else _twice(inner, halvings)
        self.after = _twice(inner, halvings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        coarse = self.after(self.deeper(self.before(F.max_pool2d(x, 2))))
        return self.skip(x) + F.interpolate(coarse, scale_factor=2.0, mode="nearest")


class Stack(nn.Module):
    """One hourglass, its features and its heatmaps, and the way back of both into the trunk.

    Args:
        hourglass: keeps (B, 256, h, w).
        head: (B, 256, h, w) to (B, J, h, w).
    """

    def __init__(self, hourglass: Hourglass, head: nn.Module) -> None:
        super().__init__()
        self.features = nn.Sequential(hourglass, _twice(lambda _: Residual(WIDTH, WIDTH), 0), unit(WIDTH, WIDTH))
        self.head = head
        self.features_back = nn.Conv2d(WIDTH, WIDTH, 1)
        self.heatmaps_back = nn.Conv2d(JOINTS, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 256, h, w) to features of the same shape, not rectified, and heatmaps (B, J, h, w)."""
        features = self.features(x)
        return features, self.head(features)

    def back(self, features: torch.Tensor, heatmaps: torch.Tensor) -> torch.Tensor:
        """What the next stack's input gains, (B, 256, h, w)."""
        return self.features_back(features) + self.heatmaps_back(heatmaps)


class TwoStacks(nn.Module):
    """Two stacks in a row, of which the second sees what the first one saw and said.

    The second's ``features_back`` and ``heatmaps_back``, 69,632 parameters, exist as in the published models and lead
    nowhere: they are not computed and get no gradient.

    Args:
        hourglass: makes an hourglass.
        heads: makes each stack's head.

    Example:
        >>> def residual(halvings):
        ...     return Residual(WIDTH, WIDTH)
        >>> heads = (nn.Conv2d(WIDTH, JOINTS, 1) for _ in range(2))
        >>> seen = TwoStacks((Hourglass(1, residual, residual) for _ in range(2)), heads)(torch.rand(1, WIDTH, 4, 8))
        >>> seen.features.shape, [tuple(maps.shape) for maps in seen.heatmaps]
        (torch.Size([1, 256, 4, 8]), [(1, 14, 4, 8), (1, 14, 4, 8)])
    """

    def __init__(self, hourglasses: Iterable[Hourglass], heads: Iterable[nn.Module]) -> None:
        super().__init__()
        self.first, self.second = (Stack(hourglass, head) for hourglass, head in zip(hourglasses, heads, strict=True))

    def forward(self, x: torch.Tensor) -> Seen:
        """The stem's (B, 256, h, w) to the second stack's features and both stacks' heatmaps."""
        features, heatmaps = self.first(x)
        last, answer = self.second(x + self.first.back(features, heatmaps))
        return Seen(last, (heatmaps, answer))


def _twice(block: Callable[[int], nn.Module], halvings: int) -> nn.Sequential:
    return nn.Sequential(*(block(halvings) for _ in range(RESIDUALS)))
