"""SimCC: a joint's column and its row as two classifications (Li et al., ECCV 2022, arXiv 2107.03332)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from matpose.errors import ModelError
from matpose.losses.weighted import weighted_mean
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


class Bins(NamedTuple):
    """Logits of J joints of B people: (B, J, n_x) and (B, J, n_y), over the whole width and height of the map."""

    x: torch.Tensor
    y: torch.Tensor


def bin_centres(count: int, like: torch.Tensor) -> torch.Tensor:
    """(count,) in [-1, 1] over the map's outer edges."""
    return (torch.arange(count, dtype=like.dtype, device=like.device) + 0.5) * (2 / count) - 1


def smoothed_label(place_norm: torch.Tensor, count: int) -> torch.Tensor:
    """A Gaussian over the bins that sums to 1; a joint beyond the edge is of the edge's bins.

    Its standard deviation is RTMPose's, sqrt(count / 16) bins (Jiang et al., 2023, arXiv 2303.07399).

    Args:
        place_norm: (B, J), x or y.
        count: of bins.

    Returns:
        (B, J, count).

    Example:
        >>> smoothed_label(torch.tensor([[-0.5]]), 16).argmax().item()  # -.5 lies between the bins 3 and 4
        3
    """
    off = (bin_centres(count, place_norm) - place_norm[..., None]) * (count / 2)  # bins
    return (-(off**2) / (2 * count / 16)).softmax(-1)


class SimccHead(Head):
    """One map a joint, flattened, and two layers that all joints share, to split bins a cell along x and along y.

    Its loss is the Kullback-Leibler divergence of the softmax from a smoothed label, both axes together.

    Args:
        channels, stride: of the backbone's features.
        size: (H, W) of the maps that the backbone sees; the layers are made for it.
        split: bins a cell.

    Raises:
        ModelError: features of another size, in ``forward``.

    Example:
        >>> head = SimccHead(8, 2, (64, 32))
        >>> [axis.shape for axis in head(Seen(torch.zeros(2, 8, 32, 16), ()))]
        [torch.Size([2, 14, 64]), torch.Size([2, 14, 128])]
    """

    def __init__(self, channels: int, stride: int, size: tuple[int, int], *, split: int = 2) -> None:
        super().__init__()
        self.weights = {"bins": 1.0}
        self.size = (size[0] // stride, size[1] // stride)
        cells = self.size[0] * self.size[1]
        self.maps = nn.Conv2d(channels, JOINTS, 1)
        self.x = nn.Linear(cells, split * size[1])
        self.y = nn.Linear(cells, split * size[0])

    def forward(self, seen: Seen) -> Bins:
        if seen.features.shape[2:] != self.size:
            raise ModelError(
                f"features of {tuple(seen.features.shape[2:])} cells, and layers made for {self.size}",
                mend="build the head for the size of the maps",
            )
        maps = self.maps(seen.features).flatten(2)  # (B, J, hw)
        return Bins(self.x(maps), self.y(maps))

    def answer(self, output: Bins) -> Answer:
        """Centres of the likeliest bins; the score is the smaller of their two shares."""
        places, shares = [], []
        for logits in output:
            share, index = logits.softmax(-1).max(-1)
            places.append(bin_centres(logits.shape[2], logits)[index])
            shares.append(share)
        return Answer(torch.stack(places, -1), torch.minimum(*shares))

    def losses(self, output: Bins, truth: Truth) -> dict[str, torch.Tensor]:
        divergence = torch.zeros_like(truth.weight)
        for axis, logits in enumerate(output):
            label = smoothed_label(truth.xy_norm[..., axis], logits.shape[2])
            divergence = divergence + (label * (label.clamp_min(1e-12).log() - logits.log_softmax(-1))).sum(-1)
        return {"bins": weighted_mean(divergence, truth.weight)}
