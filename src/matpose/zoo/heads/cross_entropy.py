"""Softmax heatmaps learned by cross-entropy and read as their mean: SimCC's labels, in two dimensions."""

from __future__ import annotations

import torch

from matpose.losses.heatmap_cross_entropy import heatmap_cross_entropy
from matpose.nn.heatmap import activate, cell_grid, soft_argmax
from matpose.zoo.finer import FINEST
from matpose.zoo.heads.heatmap import HeatmapSource
from matpose.zoo.system import Answer, Head, Seen, Truth

SIGMA_CELLS = 0.5


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
        """Means; the score is the largest share of a cell."""
        maps = activate(output[-1], "softmax")
        return Answer(soft_argmax(maps), maps.amax((2, 3)))

    def losses(self, output: tuple[torch.Tensor, ...], truth: Truth) -> dict[str, torch.Tensor]:
        """ "heatmap": the sum over stacks or scales."""
        return {"heatmap": torch.stack([_loss(logits, truth) for logits in output]).sum()}


def _loss(logits: torch.Tensor, truth: Truth) -> torch.Tensor:
    height, width = logits.shape[2:]
    cells = logits.new_tensor((width / 2, height / 2))
    places = torch.stack(torch.meshgrid(*cell_grid(height, width, logits), indexing="xy"), -1).view(1, -1, 2) * cells
    there = truth.xy_norm * cells
    return heatmap_cross_entropy(
        logits, places.expand(len(there), -1, 2), there, sigma=SIGMA_CELLS, weight=truth.weight
    )
