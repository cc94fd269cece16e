"""Our own system in the zoo: the trunk and joint head that ship, trained like every other."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from matpose.losses.heatmap_cross_entropy import SIGMA_CELLS, heatmap_cross_entropy
from matpose.losses.laplace import laplace_nll
from matpose.losses.weighted import weighted_mean
from matpose.nn.encoder import NATIVE_BLOCKS, Encoder
from matpose.nn.heatmap import cell_centres
from matpose.nn.joint_head import JointHead, Joints
from matpose.zoo.backbones.sizes import require_sides
from matpose.zoo.system import Answer, Backbone, Head, Seen, System, Truth

HEAT, CONTACT = 2.0, 0.3


class TwoMaps(NamedTuple):
    """Two maps of a trunk, in place of one: (B, C, h / 2, w / 2) and (B, C', h, w)."""

    coarse: torch.Tensor
    fine: torch.Tensor


class MatposeTrunk(Backbone):
    """The encoder's trunk; its "features" are :class:`TwoMaps`, which only :class:`MatposeHead` can read."""

    stride = 2
    sides = 4

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(1, 1, NATIVE_BLOCKS, stem_stride=2, stride=self.stride)
        self.channels = self.encoder.head.in_channels

    def forward(self, x: torch.Tensor) -> Seen:
        require_sides(x, self.sides, "matpose")
        return Seen(TwoMaps(*self.encoder.trunk(x)), ())  # pyright: ignore[reportArgumentType]


class MatposeHead(Head):
    """:class:`matpose.nn.joint_head.JointHead` with its likelihood, without posture and trust, which need more truth.

    Its losses, their weights and the Gaussian's width are those of the weights that ship.

    Args:
        trunk: what it looks at.
        aspect: width / height of the map.
    """

    def __init__(self, trunk: MatposeTrunk, aspect: float) -> None:
        super().__init__()
        self.weights = {"place": 1.0, "heat": HEAT, "contact": CONTACT}
        self.aspect = aspect
        self.head = JointHead(trunk.channels, trunk.encoder.fine_head.in_channels, aspect)

    def forward(self, seen: Seen) -> Joints:
        return self.head(*seen.features)

    def answer(self, output: Joints) -> Answer:
        return Answer(output.xy_norm, -output.log_scale)

    def losses(self, output: Joints, truth: Truth) -> dict[str, torch.Tensor]:
        stretch = output.xy_norm.new_tensor((self.aspect, 1.0))
        there = truth.xy_norm * stretch
        distance = (output.xy_norm * stretch - there).norm(dim=-1)
        height, width = output.logits.shape[2:]
        cells = cell_centres(height, width, output.logits) * stretch
        sigma = SIGMA_CELLS * 2 / height  # in half-heights
        pressed = F.binary_cross_entropy_with_logits(output.contact, truth.contact.float(), reduction="none")
        return {
            "place": laplace_nll(distance, output.log_scale, truth.weight),
            "heat": heatmap_cross_entropy(
                output.logits, cells.expand(len(there), -1, 2), there, sigma=sigma, weight=truth.weight
            ),
            "contact": weighted_mean(pressed, truth.weight),
        }


def matpose_system(size: tuple[int, int]) -> System:
    """Ours, for maps of (rows, columns).

    Example:
        >>> matpose_system((64, 32)).eval()(torch.rand(2, 1, 64, 32)).xy_norm.shape
        torch.Size([2, 14, 2])
    """
    trunk = MatposeTrunk()
    return System(trunk, MatposeHead(trunk, size[1] / size[0]))
