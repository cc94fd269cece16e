"""RebuildNet (paper, section 2.3 and Fig. 2): from a quarter-size map to the full canvas."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def _conv_norm_relu(channels: int, out: int, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )


class ExpansionLayer(nn.Module):
    """Three parallel dilated convolutions see near and far, are merged, and the map is doubled.

    Args:
        channels: channels in.
        out: channels out.
        dilation: use the rates 1, 3 and 5; else only 1 (the paper's "- dilation" ablation).

    Example:
        >>> ExpansionLayer(8, 4)(torch.zeros(2, 8, 16, 8)).shape
        torch.Size([2, 4, 32, 16])
    """

    def __init__(self, channels: int, out: int, *, dilation: bool = True) -> None:
        super().__init__()
        rates = (1, 3, 5) if dilation else (1,)
        self.branches = nn.ModuleList(_conv_norm_relu(channels, out, dilation=rate) for rate in rates)
        self.merge = _conv_norm_relu(len(rates) * out, out, kernel=1)
        self.enlarge = nn.Sequential(
            nn.ConvTranspose2d(out, out, 2, stride=2, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.enlarge(self.merge(torch.cat([branch(x) for branch in self.branches], 1)))


def _resample(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    if x.shape[2] == height:
        return x
    if x.shape[2] > height:
        factor = x.shape[2] // height
        return F.avg_pool2d(x, factor)
    return F.interpolate(x, size=(height, width), mode="nearest")


class ExchangeLayer(nn.Module):
    """Four parallel routes of different resolution, which mix all of themselves after every stage.

    On the paper's canvas the routes are 64, 128, 256 and 512 cells wide: a quarter, a half, once and twice the
    output. The layer's own resolution is left as it was, and its input is added to its output.

    Args:
        channels: channels in and out.
        width: channels on every route.
        factors: the routes' sizes relative to the input.
        stages: how often the routes convolve and exchange.

    Example:
        >>> ExchangeLayer(8, 4)(torch.zeros(2, 8, 32, 16)).shape
        torch.Size([2, 8, 32, 16])
    """

    def __init__(
        self,
        channels: int,
        width: int,
        factors: tuple[float, ...] = (0.25, 0.5, 1, 2),
        stages: int = 2,
    ) -> None:
        super().__init__()
        self.factors = factors
        self.enter = _conv_norm_relu(channels, width, kernel=1)
        self.stages = nn.ModuleList(
            nn.ModuleList(_conv_norm_relu(width, width) for _ in factors) for _ in range(stages)
        )
        self.leave = nn.Conv2d(width, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        sizes = [(int(height * factor), int(width * factor)) for factor in self.factors]
        entered = self.enter(x)
        routes = [_resample(entered, *size) for size in sizes]
        for index, stage in enumerate(self.stages):
            routes = [convolve(route) for convolve, route in zip(stage, routes, strict=True)]  # pyright: ignore[reportArgumentType]
            # after the last stage only the layer's own resolution is still needed
            wanted = sizes if index + 1 < len(self.stages) else [(height, width)]
            routes = [sum(_resample(route, *size) for route in routes) / len(sizes) for size in wanted]
        return x + self.leave(routes[0])


class RebuildNet(nn.Module):
    """Expansion, exchange, expansion, exchange: the backbone; two convolutions: the head of the task.

    Args:
        widths: channels at a quarter, a half and the full canvas.
        exchange_width: channels of the exchange routes.
        start_channels: channels of the map it starts from; the paper has one.
        routes: sizes of the exchange routes relative to the canvas.
        outputs: channels of the head: 2 for presence (CRWT stage 1), 1 for pressure (stage 2).
        dilation, exchange: the paper's ablation switches.

    Example:
        >>> RebuildNet((16, 12, 8), 4, outputs=1)(torch.zeros(2, 1, 16, 8)).shape
        torch.Size([2, 1, 64, 32])
    """

    def __init__(
        self,
        widths: tuple[int, int, int],
        exchange_width: int,
        *,
        outputs: int,
        start_channels: int = 1,
        routes: tuple[float, ...] = (0.25, 0.5, 1, 2),
        dilation: bool = True,
        exchange: bool = True,
    ) -> None:
        super().__init__()
        quarter, half, full = widths
        # a route has one size throughout, so at half the canvas it is twice as large relative to the layer
        at_half = tuple(2 * factor for factor in routes)
        layers = [
            _conv_norm_relu(start_channels, quarter),
            ExpansionLayer(quarter, half, dilation=dilation),
            ExchangeLayer(half, exchange_width, at_half) if exchange else nn.Identity(),
            ExpansionLayer(half, full, dilation=dilation),
            ExchangeLayer(full, exchange_width, routes) if exchange else nn.Identity(),
        ]
        self.backbone = nn.Sequential(*layers)
        self.start_channels = start_channels
        self.full = full
        self.head = self.new_head(outputs)

    def new_head(self, outputs: int) -> nn.Sequential:
        """A fresh head for another task."""
        return nn.Sequential(_conv_norm_relu(self.full, 8), nn.Conv2d(8, outputs, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, start_channels, H/4, W/4) to (B, outputs, H, W)."""
        return self.head(self.backbone(x))
