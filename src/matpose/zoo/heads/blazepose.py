"""BlazePose: coordinates and visibility regressed on features that heatmaps and offsets taught; those never run later.

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", CVPRW 2020, arXiv 2006.10204, sections
2.3 and 2.4. Offsets are those of Papandreou et al., CVPR 2017, section 3.2: from each cell near a joint to the joint.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.losses.coordinate import coordinate_loss
from matpose.losses.weighted import weighted_mean
from matpose.zoo.coding.drawn import heatmap_loss
from matpose.zoo.coding.gaussian import to_cells
from matpose.zoo.finer import FINEST, Finer
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth

GRID = (4, 2)
"""To so many rows and columns the last features are averaged: where on the map something is, stays known."""


def conv_block(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, BatchNorm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )


class Blaze(NamedTuple):
    """What :class:`BlazePoseHead` gives.

    Args:
        xy_norm: (B, J, 2).
        visible: (B, J) logits: does the body press there, and is it seen?
        maps: (B, 3, J, h, w), heatmap and offsets along x and y, in cells; None in eval mode.
    """

    xy_norm: torch.Tensor
    visible: torch.Tensor
    maps: torch.Tensor | None


class BlazePoseHead(Head):
    """A trunk taught by heatmaps and offsets, and a regression on it from which no gradient flows back.

    Parts: "heatmap", half the mean square from Gaussians; "offset", L1 within ``radius`` cells of a joint, in cells;
    "place", L1 of coordinates; "visibility", cross-entropy with ``contact``. What eval mode does not compute has
    no part. The backbone learns from the maps alone.

    Args:
        channels, stride: of the features.
        width: channels inside.
        sigma_cells: of the Gaussians, in heatmap cells.
        radius: of a joint's offsets, heatmap cells.

    Example:
        >>> head = BlazePoseHead(8, width=16).eval()
        >>> output = head(Seen(torch.rand(2, 8, 16, 8), ()))
        >>> output.xy_norm.shape, output.maps is None
        (torch.Size([2, 14, 2]), True)
    """

    def __init__(
        self,
        channels: int,
        stride: int = FINEST,
        *,
        width: int = 64,
        sigma_cells: float = 1.0,
        radius: float = 2.0,
    ) -> None:
        super().__init__()
        self.weights = {"heatmap": 10.0, "offset": 0.1, "place": 1.0, "visibility": 0.1}
        self.sigma_cells = sigma_cells
        self.radius = radius
        finer = Finer(channels, stride)
        self.trunk = nn.Sequential(finer, conv_block(finer.channels, width), conv_block(width, width))
        self.maps = nn.Conv2d(width, 3 * JOINTS, 1)
        self.regression = nn.Sequential(conv_block(width, width, 2), conv_block(width, 2 * width))
        self.read = nn.Linear(2 * width * GRID[0] * GRID[1], 3 * JOINTS)

    def forward(self, seen: Seen) -> Blaze:
        taught = self.trunk(seen.features)
        looked = self.regression(taught.detach())
        read = self.read(F.adaptive_avg_pool2d(looked, GRID).flatten(1)).unflatten(1, (-1, 3))  # (B, J, 3)
        maps = self.maps(taught).unflatten(1, (3, -1)) if self.training else None
        return Blaze(read[..., :2], read[..., 2], maps)

    def answer(self, output: Blaze) -> Answer:
        return Answer(output.xy_norm, output.visible.sigmoid())

    def losses(self, output: Blaze, truth: Truth) -> dict[str, torch.Tensor]:
        seen = F.binary_cross_entropy_with_logits(output.visible, truth.contact.to(output.visible), reduction="none")
        parts = {
            "place": coordinate_loss(output.xy_norm, truth.xy_norm, truth.weight, "l1"),
            "visibility": weighted_mean(seen, truth.weight),
        }
        if output.maps is not None:
            heatmaps, offsets = output.maps[:, 0], output.maps[:, 1:]
            parts["heatmap"] = heatmap_loss(heatmaps, truth, self.sigma_cells)
            wanted = offsets_to(truth.xy_norm, (heatmaps.shape[2], heatmaps.shape[3]))
            near = (wanted.square().sum(1) <= self.radius**2) * truth.weight[..., None, None]  # (B, J, h, w)
            parts["offset"] = weighted_mean((offsets - wanted).abs().mean(1), near)
        return parts


def offsets_to(xy_norm: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """From every cell's centre to every joint, cells: (B, J, 2) to (B, 2, J, h, w), x and y.

    Example:
        >>> offsets_to(torch.zeros(1, 1, 2), (2, 2))[0, :, 0, 0].tolist()  # the upper row: x, then y
        [[0.5, -0.5], [0.5, 0.5]]
    """
    x, y = to_cells(xy_norm, size)[..., None, None].unbind(2)  # each (B, J, 1, 1)
    down, right = (torch.arange(cells, dtype=xy_norm.dtype, device=xy_norm.device) for cells in size)
    shape = (*xy_norm.shape[:2], *size)
    return torch.stack(((x - right).expand(shape), (y - down[:, None]).expand(shape)), 1)
