"""RESpose: the simple baseline, ResNet-101 and three deconvolutions."""

from __future__ import annotations

import torch

from matpose.zoo.backbones.resnet import UP, Bottleneck, Deconvolutions, ResNet, heatmap_head
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import Backbone, Seen


class ResPose(Backbone):
    """ResNet-101, three deconvolutions of 256 channels, 14 heatmaps at stride 4: 52,984,782 parameters.

    Sides of maps are multiples of 32. One map of 256 x 256 costs 11.978 G convolution multiplications.

    Source: Xiao, Wu and Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018; counts as of the
    model published with SLP (Liu et al., TPAMI 2022). What differs from the paper: one input channel, and no weights
    from ImageNet, in whose place the trunk starts as He et al.; deconvolutions and head start as the paper's.

    Raises:
        ModelError: maps of other sides.

    Example:
        >>> with torch.device("meta"):
        ...     seen = ResPose()(torch.zeros(2, 1, 64, 32))
        >>> seen.features.shape, seen.heatmaps[0].shape
        (torch.Size([2, 256, 16, 8]), torch.Size([2, 14, 16, 8]))
    """

    channels = UP
    stride = 4
    sides = 32
    heatmaps = 1

    def __init__(self) -> None:
        super().__init__()
        self.trunk = ResNet(Bottleneck, (3, 4, 23, 3), pool=True)
        self.up = Deconvolutions(self.trunk.channels)
        self.head = heatmap_head(UP)

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 32."""
        require_sides(x, self.sides, "respose")
        features = self.up(self.trunk(x))
        return Seen(features, (self.head(features),))
