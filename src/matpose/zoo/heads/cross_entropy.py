"""Softmax heatmaps learned by cross-entropy and read around their peak: SimCC's labels, in two dimensions."""

from __future__ import annotations

import torch

from matpose.losses.heatmap_cross_entropy import SIGMA_CELLS, heatmap_cross_entropy
from matpose.nn.heatmap import activate, around_peak, cell_centres, soft_argmax
from matpose.nn.joint_head import AROUND
from matpose.zoo.finer import FINEST
from matpose.zoo.heads.heatmap import HeatmapSource
from matpose.zoo.system import Answer, Head, Seen, Truth


class CrossEntropyHead(Head):
    """What our own head does with its heatmaps, without its second look at each joint.

    Args:
        channels, stride: of the backbone's features.
        own: whether the backbone's own heatmaps are taken, without any parameter, rather than new ones.

    Example:
        >>> head = CrossEntropyHead(8, own=True)
        >>> delta = torch.zeros(1, 14, 4, 4); delta[..., 3, 0] = 1000
        >>> head.answer(head(Seen(torch.zeros(1, 8, 4, 4), (delta,)))).xy_norm[0, 0].tolist()
        [-0.75, 0.75]
    """

    def __init__(self, channels: int, stride: int = FINEST, *, own: bool = True) -> None:
        super().__init__()
        self.weights = {"heatmap": 1.0}
        self.source = HeatmapSource(channels, stride, own=own)

    def forward(self, seen: Seen) -> tuple[torch.Tensor, ...]:
        """Logits, one or more of (B, J, h, w), the final one last."""
        return self.source(seen)

    def answer(self, output: tuple[torch.Tensor, ...]) -> Answer:
        """Means around the peaks; the score is the largest share of a cell."""
        maps = activate(output[-1], "softmax")
        read = around_peak(maps.flatten(2), _cells(maps), AROUND * maps.shape[2] / 2)
        return Answer(soft_argmax(read.view_as(maps)), maps.amax((2, 3)))

    def losses(self, output: tuple[torch.Tensor, ...], truth: Truth) -> dict[str, torch.Tensor]:
        """ "heatmap": the sum over stacks or scales."""
        return {"heatmap": torch.stack([_loss(logits, truth) for logits in output]).sum()}


def _cells(maps: torch.Tensor) -> torch.Tensor:
    """(hw, 2), centres of the cells from the map's, in cells."""
    height, width = maps.shape[2:]
    return cell_centres(height, width, maps) * maps.new_tensor((width / 2, height / 2))


def _loss(logits: torch.Tensor, truth: Truth) -> torch.Tensor:
    height, width = logits.shape[2:]
    there = truth.xy_norm * logits.new_tensor((width / 2, height / 2))
    places = _cells(logits).expand(len(there), -1, 2)
    return heatmap_cross_entropy(logits, places, there, sigma=SIGMA_CELLS, weight=truth.weight)
