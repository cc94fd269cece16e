"""ResNet-18 with the simple baseline's deconvolutions, for small maps."""

from __future__ import annotations

import torch

from matpose.zoo.backbones.resnet import UP, BasicBlock, Deconvolutions, ResNet, heatmap_head
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import Backbone, Seen


class ResNet18(Backbone):
    """ResNet-18, three deconvolutions of 256 channels, 14 heatmaps at stride 2: 15,369,678 parameters.

    The stem keeps its 7x7 convolution of stride 2 and loses its max-pool, so that a map of 64 x 32 cells has 4 x 2 at
    the coarsest instead of 2 x 1, and heatmaps of 32 x 16. Sides are multiples of 16. One map of 64 x 32 costs 465 M
    convolution multiplications.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; Xiao, Wu and Wei, "Simple Baselines
    for Human Pose Estimation and Tracking", ECCV 2018. What differs: the pool; one input channel; no weights from
    ImageNet, in whose place the trunk starts as He et al.; deconvolutions and head start as the paper's.

    Raises:
        ModelError: maps of other sides.

    Example:
        >>> with torch.device("meta"):
        ...     seen = ResNet18()(torch.zeros(2, 1, 64, 32))
        >>> seen.features.shape, seen.heatmaps[0].shape
        (torch.Size([2, 256, 32, 16]), torch.Size([2, 14, 32, 16]))
    """

    channels = UP
    stride = 2
    sides = 16
    heatmaps = 1

    def __init__(self) -> None:
        super().__init__()
        self.trunk = ResNet(BasicBlock, (2, 2, 2, 2), pool=False)
        self.up = Deconvolutions(self.trunk.channels)
        self.head = heatmap_head(UP)

    def forward(self, x: torch.Tensor) -> Seen:
        """(B, 1, H, W) in 0..1, H and W multiples of 16."""
        require_sides(x, self.sides, "resnet18")
        features = self.up(self.trunk(x))
        return Seen(features, (self.head(features),))
