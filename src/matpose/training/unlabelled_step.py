"""What maps without joints teach: two views must agree on the joints, and the map be rebuilt from its points."""

from __future__ import annotations

import torch

from matpose.losses.reconstruction import reconstruction_loss
from matpose.nn.joint_head import Joints
from matpose.nn.pose_net import PoseNet
from matpose.nn.scaling import scale_free
from matpose.nn.warp import Warp
from matpose.training.joint_step import moved
from matpose.training.objective import rebuild_and_terms, weights_of
from matpose.training.recipe import Recipe
from matpose.training.views import draw_views

AGREEMENT, OBJECTIVE, REAL_POSTURE = 0.5, 0.4, 0.15  # weights beside those of the labelled maps


def unlabelled_losses(
    net: PoseNet, recipe: Recipe, pressure: torch.Tensor, other_frame: torch.Tensor, generator: torch.Generator
) -> tuple[dict[str, torch.Tensor], Joints, Joints]:
    """Unweighted parts, and what was said of either view.

    Args:
        net: the model.
        recipe: of its EFD.
        pressure: (B, 1, H, W), any unit.
        other_frame: (B, 1, H, W), another frame of each map's recording, or the map itself.
        generator: the only source of chance.

    Returns:
        "agreement"; "objective", the weighted sum of what the points cost; each of its parts; both views' joints.
    """
    aspect = recipe.canvas.width_m / recipe.canvas.height_m
    (seen, warp), (again, other_warp) = (moved(pressure, generator, aspect=aspect) for _ in range(2))
    both = net.see_joints(torch.cat((seen, again)))
    half = len(pressure)
    first, second = (Joints(*(value[part] for value in both)) for part in (slice(half), slice(half, None)))
    views = draw_views(pressure, other_frame, recipe, generator)
    rebuilt, target, terms = rebuild_and_terms(net.efd, views, recipe)
    weights = {"l2_weight": recipe.l2_weight, "ssim_weight": recipe.ssim_weight}
    reconstruction = reconstruction_loss(rebuilt, scale_free(target), **weights)
    objective = reconstruction + sum(weight * terms[name] for name, weight in weights_of(recipe).items())
    parts = {
        "agreement": agreement(first, second, warp, other_warp, aspect=aspect),
        "objective": objective,
        "reconstruction": reconstruction,
    }
    return parts | terms, first, second


def agreement(joints: Joints, other: Joints, warp: Warp, other_warp: Warp, *, aspect: float) -> torch.Tensor:
    """How far two views of one map put its joints apart, weighted by how sure the other view is; no gradient there."""
    stretch = joints.xy_norm.new_tensor((aspect, 1.0))
    teacher = (other_warp.source(other.xy_norm) * stretch).detach()
    distance = (warp.source(joints.xy_norm) * stretch - teacher).norm(dim=-1)
    return (distance * other.trust.detach().sigmoid()).mean()
