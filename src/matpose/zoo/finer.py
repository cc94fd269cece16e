"""From a backbone's features to maps of a stride of four: what every head that draws maps begins with."""

from __future__ import annotations

from torch import nn

FINEST = 4  # input cells a heatmap cell: features that are coarser are refined first
WIDTH = 256  # of a deconvolution


class Finer(nn.Sequential):
    """Features that are coarser than a stride of four, brought there by 4x4 deconvolutions (Xiao et al., ECCV 2018).

    Args:
        channels, stride: of the features.

    Attributes:
        channels: of what comes out.

    Example:
        >>> import torch
        >>> Finer(8, 16)(torch.zeros(2, 8, 4, 2)).shape
        torch.Size([2, 256, 16, 8])
    """

    def __init__(self, channels: int, stride: int) -> None:
        layers: list[nn.Module] = []
        while stride > FINEST:
            layers += [nn.ConvTranspose2d(channels, WIDTH, 4, 2, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()]
            channels, stride = WIDTH, stride // 2
        super().__init__(*layers)
        self.channels = channels


def map_layer(channels: int, maps: int, kernel: int = 1) -> nn.Conv2d:
    """The convolution that draws maps: nothing at first, as most cells will stay."""
    layer = nn.Conv2d(channels, maps, kernel, padding=kernel // 2)
    nn.init.normal_(layer.weight, std=1e-3)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
