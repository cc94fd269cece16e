"""One step of learning joints from simulated maps, whose truth is known."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from matpose.evaluation.joint_score import TOLERANCE
from matpose.losses.heatmap_cross_entropy import SIGMA_CELLS, heatmap_cross_entropy
from matpose.losses.laplace import laplace_nll
from matpose.nn.heatmap import cell_centres
from matpose.nn.pose_net import PoseNet
from matpose.nn.warp import Warp, random_warp
from matpose.training.joint_maps import JointMaps
from matpose.training.response import responded
from matpose.zoo.masking import mask_joint

WEIGHTS = {"place": 1.0, "heat": 2.0, "trust": 0.2, "contact": 0.3, "posture": 0.3}
TURN_DEG, SCALE, SHIFT, BEND = 18.0, 0.08, 0.12, 0.01  # in half-heights; bones hardly bend
OBLONG = 0.12  # pitches are often guessed
LOST, LOST_RADIUS = 0.4, (0.05, 0.14)  # share of maps where a joint loses its contact, over so many half-heights
DROPPED = 0.15  # share of maps that lose a row or a column


def moved(pressure: torch.Tensor, generator: torch.Generator, *, aspect: float) -> tuple[torch.Tensor, Warp]:
    """Maps (B, 1, H, W) elsewhere, by another sensor, now and then without a line; and the way back."""
    count, _, height, width = pressure.shape
    warp = random_warp(count, aspect, generator, turn_deg=TURN_DEG, scale=SCALE, shift=SHIFT, bend=BEND, oblong=OBLONG)
    seen = responded(warp.maps(pressure).clamp_min(0), generator)
    for axis, size in ((2, height), (3, width)):
        dropped = torch.rand(count, generator=generator) < DROPPED / 2
        line = torch.randint(size, (count,), generator=generator)
        kept = torch.arange(size) != line[:, None]
        seen = seen * (kept | ~dropped[:, None]).view(count, 1, *((-1, 1) if axis == 2 else (1, -1)))
    return seen, warp


def patches(maps: JointMaps, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A joint of every map, (B,), and how far around it the map is changed, (B,) in half-heights; 0 for most maps."""
    count, joints = maps.xy_norm.shape[:2]
    low, high = LOST_RADIUS
    radius = low + (high - low) * torch.rand(count, generator=generator)
    radius = radius * (torch.rand(count, generator=generator) < LOST)
    return torch.randint(joints, (count,), generator=generator), radius


def without_contact(maps: JointMaps, generator: torch.Generator, *, aspect: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pressure (B, 1, H, W), of some maps without the contact around a joint; and which joints lost theirs, (B, 14)."""
    which, radius = patches(maps, generator)
    return mask_joint(maps.pressure.float(), maps.xy_norm, which, radius, aspect)


def labelled_losses(
    net: PoseNet, maps: JointMaps, generator: torch.Generator, *, aspect: float
) -> dict[str, torch.Tensor]:
    """What joints on simulated maps cost, each part unweighted.

    Places are compared where the body lay before the map was moved, so that bending needs no inverse.
    """
    stretch = maps.xy_norm.new_tensor((aspect, 1.0))
    truth = maps.xy_norm * stretch
    pressure, lost = without_contact(maps, generator, aspect=aspect)
    seen, warp = moved(pressure, generator, aspect=aspect)
    joints = net.see_joints(seen)
    height, width = joints.logits.shape[2:]
    cells = cell_centres(height, width, joints.logits)[None]
    sigma = SIGMA_CELLS * 2 / height  # in half-heights
    distance = (warp.source(joints.xy_norm) * stretch - truth).norm(dim=-1)
    right = (distance.detach() < TOLERANCE * maps.head_norm[:, None]).float()
    contact = F.binary_cross_entropy_with_logits(joints.contact, maps.contact.float(), weight=(~lost).float())
    return {
        "place": laplace_nll(distance, joints.log_scale),
        "heat": heatmap_cross_entropy(joints.logits, warp.source(cells) * stretch, truth, sigma=sigma),
        "trust": F.binary_cross_entropy_with_logits(joints.trust, right),
        "contact": contact,
        "posture": F.cross_entropy(joints.posture, maps.posture),
    }
