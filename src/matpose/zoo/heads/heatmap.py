"""Heatmaps: a Gaussian on every joint, read at its peak, with the field's codings and losses to choose from."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from matpose.errors import ModelError
from matpose.losses.focal import PRIOR, focal
from matpose.losses.heatmap_mse import heatmap_mse
from matpose.losses.structure_aware import structure_aware
from matpose.zoo.coding.dark import decode_dark
from matpose.zoo.coding.gaussian import decode_quarter_shift, gaussian_maps, in_frame
from matpose.zoo.coding.parabola import decode_parabola
from matpose.zoo.finer import FINEST, Finer
from matpose.zoo.skeleton_tree import neighbourhoods
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth

Coding = Literal["plain", "dark", "parabola"]
Loss = Literal["mse", "focal", "structure"]
DECODE = {"plain": decode_quarter_shift, "dark": decode_dark, "parabola": decode_parabola}
ALPHA = 0.025  # of the structure-aware loss: 14 groups hold 40 joints, so both halves weigh about the same


class HeatmapSource(nn.Module):
    """Heatmaps of J joints: the backbone's own, or new ones on its features.

    New ones are a 1x1 convolution, behind as many 4x4 deconvolutions as bring coarser features to a stride of four
    (Xiao et al., ECCV 2018).

    Args:
        channels, stride: of the features; only new heatmaps need them.
        own: whether the backbone's own are taken; there are no parameters then.

    Example:
        >>> source = HeatmapSource(8, 16, own=False)
        >>> [maps.shape for maps in source(Seen(torch.zeros(2, 8, 4, 2), ()))]
        [torch.Size([2, 14, 16, 8])]
    """

    def __init__(self, channels: int, stride: int, *, own: bool) -> None:
        super().__init__()
        self.own = own
        self.layers = nn.Sequential()
        if not own:
            finer = Finer(channels, stride)
            self.layers.extend([*finer, nn.Conv2d(finer.channels, JOINTS, 1)])

    def forward(self, seen: Seen) -> tuple[torch.Tensor, ...]:
        """One or more of (B, J, h, w), the final one last."""
        if not self.own:
            return (self.layers(seen.features),)
        if not seen.heatmaps:
            raise ModelError("this backbone has no heatmaps of its own", mend="build the head with own=False")
        return seen.heatmaps


class HeatmapHead(Head):
    """Gaussians of the joints, learned at every stack or scale and read from the last.

    "plain" rounds the targets' centres to cells and reads a quarter of a cell towards the higher neighbour; "dark"
    does neither, nor does "parabola", which reads from a peak's neighbours alone, so to the last line but one of small
    maps (matpose.zoo.coding). "mse" is half the mean square (losses/heatmap_mse.py), "focal" the
    penalty-reduced one of CenterNet, which needs rounded centres, and "structure" that of MSS-Net. A joint off the map
    has no Gaussian and is not learned from.

    Args:
        channels: C of the backbone's features.
        stride: of the backbone's features.
        own: whether the backbone's own heatmaps are taken, without any parameter, rather than new ones.
        coding, loss: as above.
        sigma_cells: standard deviation of the Gaussians, in heatmap cells of every scale.

    Raises:
        ModelError: focal loss with another coding than the plain one.

    Example:
        >>> head = HeatmapHead(8, 2, own=False, coding="dark")
        >>> head.answer(head(Seen(torch.zeros(2, 8, 16, 8), ()))).xy_norm.shape
        torch.Size([2, 14, 2])
    """

    groups: torch.Tensor

    def __init__(
        self,
        channels: int,
        stride: int = FINEST,
        *,
        own: bool = True,
        coding: Coding = "plain",
        loss: Loss = "mse",
        sigma_cells: float = 2.0,
    ) -> None:
        super().__init__()
        if loss == "focal" and coding != "plain":
            raise ModelError("focal loss needs a cell that is exactly 1", mend='take coding "plain" with it')
        self.weights = {"heatmap": 1.0}
        self.coding = coding
        self.loss = loss
        self.sigma_cells = sigma_cells
        self.source = HeatmapSource(channels, stride, own=own)
        self.register_buffer("groups", neighbourhoods(), persistent=False)

    def forward(self, seen: Seen) -> tuple[torch.Tensor, ...]:
        """One or more of (B, J, h, w), the final one last; logits for the focal loss."""
        maps = self.source(seen)
        # CenterNet's first bias, as a constant, so that the backbone's own last layer needs no special start
        return tuple(one + PRIOR for one in maps) if self.loss == "focal" else maps

    def answer(self, output: tuple[torch.Tensor, ...]) -> Answer:
        maps = output[-1].sigmoid() if self.loss == "focal" else output[-1]
        return DECODE[self.coding](maps)

    def losses(self, output: tuple[torch.Tensor, ...], truth: Truth) -> dict[str, torch.Tensor]:
        """ "heatmap": the sum over stacks or scales (multi-scale supervision)."""
        return {"heatmap": torch.stack([self._loss(maps, truth) for maps in output]).sum()}

    def _loss(self, maps: torch.Tensor, truth: Truth) -> torch.Tensor:
        size = (maps.shape[2], maps.shape[3])
        target = gaussian_maps(truth.xy_norm, size, self.sigma_cells, rounded=self.coding == "plain")
        weight = truth.weight * in_frame(truth.xy_norm, size)
        if self.loss == "focal":
            return focal(maps, target, weight)
        if self.loss == "structure":
            return structure_aware(maps, target, weight, self.groups, ALPHA)
        return heatmap_mse(maps, target, weight)
