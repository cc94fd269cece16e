"""Integral regression: a joint is the mean of its heatmap (Sun et al., ECCV 2018; Nibali et al., 2018)."""

from __future__ import annotations

import torch

from matpose.losses.coordinate import coordinate_loss
from matpose.losses.js_divergence import js_divergence
from matpose.nn.heatmap import activate, soft_argmax
from matpose.zoo.coding.gaussian import gaussian_maps
from matpose.zoo.finer import FINEST
from matpose.zoo.heads.heatmap import HeatmapSource
from matpose.zoo.system import Answer, Head, Seen, Truth

SIGMA_CELLS = 1.0  # of DSNT's Gaussian


class IntegralHead(Head):
    """p = sum_u softmax(beta h)(u) u, learned by the places' error alone, or as DSNT.

    Plain, the error is L1 (Sun et al. found it best). DSNT's is Euclidean, and its heatmaps shall be Gaussians of one
    cell around the truth, by their Jensen-Shannon divergence (arXiv 1801.07372, eq. 10 and 12).

    Args:
        channels, stride: of the backbone's features.
        own: whether the backbone's own heatmaps are taken, without any parameter, rather than new ones.
        beta: sharpness of the softmax.
        dsnt: whether to learn as DSNT does.

    Example:
        >>> head = IntegralHead(8, own=True)
        >>> delta = torch.zeros(1, 14, 4, 4); delta[..., 3, 0] = 1000
        >>> head.answer(head(Seen(torch.zeros(1, 8, 4, 4), (delta,)))).xy_norm[0, 0].tolist()
        [-0.75, 0.75]
    """

    def __init__(
        self, channels: int, stride: int = FINEST, *, own: bool = True, beta: float = 1.0, dsnt: bool = False
    ) -> None:
        super().__init__()
        self.weights = {"place": 1.0} | ({"js": 1.0} if dsnt else {})
        self.beta = beta
        self.dsnt = dsnt
        self.source = HeatmapSource(channels, stride, own=own)

    def forward(self, seen: Seen) -> tuple[torch.Tensor, ...]:
        """One or more of (B, J, h, w), each summing to 1, the final one last."""
        return tuple(activate(self.beta * maps, "softmax") for maps in self.source(seen))

    def answer(self, output: tuple[torch.Tensor, ...]) -> Answer:
        """Means; the score is the largest share of a cell."""
        return Answer(soft_argmax(output[-1]), output[-1].amax((2, 3)))

    def losses(self, output: tuple[torch.Tensor, ...], truth: Truth) -> dict[str, torch.Tensor]:
        """ "place", and for DSNT "js": sums over stacks or scales."""
        norm = "euclidean" if self.dsnt else "l1"
        place = [coordinate_loss(soft_argmax(maps), truth.xy_norm, truth.weight, norm) for maps in output]
        parts = {"place": torch.stack(place).sum()}
        if self.dsnt:
            parts["js"] = torch.stack([_divergence(maps, truth) for maps in output]).sum()
        return parts


def _divergence(maps: torch.Tensor, truth: Truth) -> torch.Tensor:
    target = gaussian_maps(truth.xy_norm, (maps.shape[2], maps.shape[3]), SIGMA_CELLS)
    mass = target.sum((2, 3), keepdim=True)  # none is left of a Gaussian far off the map
    return js_divergence(maps, target / mass.clamp_min(1e-12), truth.weight * (mass[..., 0, 0] > 1e-12))
