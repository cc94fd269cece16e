"""Matpose's own trunk as a backbone."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from matpose.nn.encoder import NATIVE_BLOCKS, Encoder
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import Backbone, Seen

WIDTH = 64


class Native(Backbone):
    """The trunk of Matpose's own model, its two maps fused to 64 channels at stride 2, no heatmaps: 111,877
    parameters.

    The MobileNetV3 blocks of :data:`matpose.nn.encoder.NATIVE_BLOCKS`, and the fusion with which
    :class:`matpose.nn.joint_head.JointHead` begins: the coarse map enlarged onto the fine one, and one more look over
    5 x 5 cells. Sides of maps are multiples of 4. One map of 64 x 32 costs 17.7 M convolution multiplications. Of the
    parameters, 113 are the encoder's heads for one point, which nothing calls.

    Raises:
        ModelError: maps of other sides.

    Example:
        >>> seen = Native().eval()(torch.rand(2, 1, 64, 32))
        >>> seen.features.shape, seen.heatmaps
        (torch.Size([2, 64, 32, 16]), ())
    """

    channels = WIDTH
    stride = 2
    sides = 4

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(1, 1, NATIVE_BLOCKS, stem_stride=2, stride=self.stride)
        coarse, fine = self.encoder.head.in_channels, self.encoder.fine_head.in_channels
        self.coarse = nn.Sequential(nn.Conv2d(coarse, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))
        self.fine = nn.Sequential(nn.Conv2d(fine, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))
        self.look = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 5, padding=2, groups=WIDTH, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.Hardswish(),
            nn.Conv2d(WIDTH, WIDTH, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
        )

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 4."""
        require_sides(x, self.sides, "native")
        coarse, fine = self.encoder.trunk(x)
        wide = F.interpolate(self.coarse(coarse), size=fine.shape[2:], mode="bilinear")
        seen = F.hardswish(wide + self.fine(fine))
        return Seen(F.hardswish(seen + self.look(seen)), ())
