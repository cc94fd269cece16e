"""How a pose system looks at a map: at the whole or closer, once or at several scales; and what it answers there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from matpose.nn.scaling import scale_free
from matpose.training.joint_maps import JointMaps
from matpose.zoo.crops import Box, contact_box, crop, on_crop, to_crop
from matpose.zoo.padding import padded, to_padded
from matpose.zoo.scales import at_scales
from matpose.zoo.system import Answer, System

Crop = Literal["none", "full", "upper"]
Take = Literal["average", "best"]
SHARE: dict[Crop, float | None] = {"none": None, "full": 1.0, "upper": 0.5}
"""Of the contact's height, from the head side: what a crop shows."""


@dataclass(frozen=True)
class Look:
    """The same in training and in tests, but for the scales, which are for tests alone.

    Args:
        crop: "none" for the whole map; "full" or "upper" for what is around the contact or the head side of it.
        scales: one answer of so many enlargements.
        take: the mean of their answers, or for every joint the one with the highest score.
    """

    crop: Crop = "none"
    scales: tuple[float, ...] = (1.0,)
    take: Take = "average"

    def closer(self, pressure: torch.Tensor, xy_norm: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps (B, 1, H, W) and places (B, N, 2) on them, to crops of the same size and places on these."""
        box = self.box(pressure)
        if box is None:
            return pressure, xy_norm
        return crop(pressure, box, _size(pressure)), to_crop(xy_norm, box)

    def seen(self, pressure: torch.Tensor) -> torch.Tensor:
        """What a network is shown of (B, 1, H, W)."""
        box = self.box(pressure)
        return scale_free(pressure if box is None else crop(pressure, box, _size(pressure)))

    def asked(self, maps: JointMaps) -> JointMaps:
        """The maps, and which joints a test asks for: of the upper body those on its crop, else all of them."""
        if self.crop != "upper":
            return maps
        _, near = self.closer(maps.pressure.float(), maps.xy_norm)
        beyond = (near.abs() > 1).any(-1, keepdim=True)
        return replace(maps, xy_norm=maps.xy_norm.masked_fill(beyond, float("nan")))

    def box(self, pressure: torch.Tensor) -> Box | None:
        """Where the crops of (B, 1, H, W) are; None for the whole maps."""
        share = SHARE[self.crop]
        rows, cols = _size(pressure)
        return None if share is None else contact_box(pressure, cols / rows, share=share)


def answered(
    system: System, pressure: torch.Tensor, look: Look | None = None, size: tuple[int, int] | None = None
) -> Answer:
    """Joints of (B, 1, H, W) pressure, any unit.

    Args:
        system: in eval mode.
        pressure: maps.
        look: how it looks; by default once at the whole.
        size: (rows, cols) of a crop; by default those of the maps.

    Returns:
        Places in [-1, 1] over the maps, cropped, padded or not.
    """
    look = look or Look()

    def net(x: torch.Tensor) -> Answer:
        wide = padded(x, system.backbone)
        found = at_scales(system, wide, look.scales, take=look.take)
        return Answer(to_padded(found.xy_norm, _size(wide), _size(x)), found.score)

    share = SHARE[look.crop]
    if share is None:
        return net(scale_free(pressure))
    return on_crop(net, pressure, size or _size(pressure), share=share)


def _size(maps: torch.Tensor) -> tuple[int, int]:
    return maps.shape[2], maps.shape[3]
