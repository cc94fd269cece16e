"""How good joints in space are, of systems that know them in space."""

from __future__ import annotations

import torch

from matpose.canvas import Canvas
from matpose.compare.look import Look
from matpose.training.joint_maps import JointMaps
from matpose.zoo.crops import to_map
from matpose.zoo.heads.body_parameters import BodyParametersHead
from matpose.zoo.padding import padded, to_padded
from matpose.zoo.system import System


@torch.no_grad()
def space_score(system: System, maps: JointMaps, canvas: Canvas, look: Look) -> dict[str, float]:
    """Mean distance of joints from the truth in three dimensions.

    Args:
        system: in eval mode.
        maps: with joints in space; those whose place is NaN are not asked for.
        canvas: the grid of the maps.
        look: how the system looks at them; of several scales it takes the plain one.

    Returns:
        ``mpjpe_cm``, the mean over all joints of all people, none aligned; nothing for a system whose joints lie in
        the plane, or for maps without details.
    """
    head = system.head
    if not isinstance(head, BodyParametersHead) or maps.joints_xyz_m is None:
        return {}
    found_m = []
    for some in maps.pressure.float().split(64):
        x = padded(look.seen(some), system.backbone)
        xy_norm, height = head.places(head(system.backbone(x)))
        size, larger = (some.shape[2], some.shape[3]), (x.shape[2], x.shape[3])
        xy_norm, height = to_padded(xy_norm, larger, size), height * (larger[0] / size[0])
        if (box := look.box(some)) is not None:
            xy_norm, height = to_map(xy_norm, box), height * box.half[:, 1:]
        size_m = xy_norm.new_tensor((canvas.width_m, canvas.height_m))
        found_m.append(torch.cat(((xy_norm + 1) / 2 * size_m, height[..., None] * canvas.height_m / 2), -1))
    off_m = (torch.cat(found_m) - maps.joints_xyz_m).norm(dim=-1)
    return {"mpjpe_cm": float(off_m[maps.xy_norm.isfinite().all(-1)].mean() * 100)}
