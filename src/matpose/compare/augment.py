"""What is done to maps before a system learns from them: contact that is lost, is where none should be, or covered."""

from __future__ import annotations

from typing import Literal

import torch

from matpose.training.joint_maps import JointMaps
from matpose.training.joint_step import patches, without_contact
from matpose.zoo.masking import occlude, transplant_joint
from matpose.zoo.system import Truth

Masking = Literal["none", "contact", "transplant", "boxes"]
EDGE = 0.9  # of the map's sides, within which a transplanted joint comes to lie


def masked(
    maps: JointMaps, masking: Masking, generator: torch.Generator, *, aspect: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pressure (B, 1, H, W), and what of it may still be called contact, (B, 14) bool.

    Args:
        maps: B of them.
        masking: "contact", MSS-Net's keypoint masking: some lose what presses around a joint; "transplant", its other
            half: some have it a second time elsewhere; "boxes", BlazePose's: rectangles without pressure; or "none".
        generator: the only source of chance.
        aspect: width / height of the maps.
    """
    pressure = maps.pressure.float()
    if masking == "contact":
        pressure, lost = without_contact(maps, generator, aspect=aspect)
        return pressure, maps.contact & ~lost
    if masking == "transplant":
        which, radius = patches(maps, generator)
        to_norm = EDGE * (2 * torch.rand(len(maps), 2, generator=generator) - 1)
        return transplant_joint(pressure, maps.xy_norm, which, radius, aspect, to_norm), maps.contact
    if masking == "boxes":
        truth = Truth(maps.xy_norm, maps.contact, torch.ones(maps.contact.shape))
        pressure, truth = occlude(pressure, truth, generator)
        return pressure, truth.contact
    return pressure, maps.contact
