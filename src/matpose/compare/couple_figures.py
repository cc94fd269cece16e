"""How well a pose system finds two people on one mat: from above by anybody's, from below by one that groups."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from matpose.canvas import Canvas
from matpose.compare.couples import Couples, couple_canvas
from matpose.compare.look import Look, answered
from matpose.evaluation.joint_score import TOLERANCE
from matpose.nn.scaling import scale_free
from matpose.zoo.crops import Box, contact_box, crop, to_map
from matpose.zoo.heads.grouping import GroupingHead
from matpose.zoo.padding import padded, to_padded
from matpose.zoo.system import Answer, System
from matpose.zoo.top_down import people


@torch.no_grad()
def couple_figures(system: System, couples: Couples, canvas: Canvas, look: Look) -> dict[str, dict[str, float]]:
    """Figures of :func:`couple_score` by "top_down", and by "bottom_up" where the head groups and sees whole maps.

    Args:
        system: in eval mode, of maps on the canvas.
        couples: on :func:`~matpose.compare.couples.couple_canvas` of it.
        canvas: the grid of one person.
        look: how the system was trained to look.
    """
    size, wide = (canvas.rows, canvas.cols), couple_canvas(canvas)
    maps = couples.pressure.float()
    found = {"top_down": [_from_above(system, one, size, look).xy_norm for one in maps]}
    if isinstance(system.head, GroupingHead) and look.crop == "none":
        found["bottom_up"] = [
            one.xy_norm for some in maps.split(32) for one in _from_below(system, system.head, some)
        ]  # fmt: skip
    return {way: couple_score(places, couples, wide.width_m / wide.height_m) for way, places in found.items()}


def couple_score(found: list[torch.Tensor], couples: Couples, aspect: float) -> dict[str, float]:
    """PCKh@.2 over both people, each given to the answer that makes most of it, and how often there were two.

    Args:
        found: of each map (P, 14, 2), in ``xy_norm``.
        couples: the truth.
        aspect: width over height of the maps.

    Returns:
        ``pckh20``, a joint of somebody who was not found being wrong; ``two_found``, the share of maps with two.

    Example:
        >>> truth = torch.rand(1, 2, 14, 2)
        >>> couples = Couples(torch.zeros(1, 1, 8, 8), truth, torch.full((1, 2), 0.3))
        >>> couple_score([truth[0].flip(0)], couples, 1.0)
        {'pckh20': 1.0, 'two_found': 1.0}
        >>> couple_score([truth[0, :1]], couples, 1.0)["two_found"]
        0.0
    """
    stretch = torch.tensor((aspect, 1.0))
    right = 0
    for places, truth, head in zip(found, couples.xy_norm, couples.head_norm, strict=True):
        far = ((places[:, None] - truth) * stretch).norm(dim=-1)  # (P, 2, J)
        count = (far < TOLERANCE * head[:, None]).sum(-1).numpy()
        right += int(count[linear_sum_assignment(count, maximize=True)].sum())
    return {
        "pckh20": right / couples.xy_norm[..., 0].numel(),
        "two_found": float(np.mean([len(places) == 2 for places in found])),
    }


def _from_above(system: System, pressure: torch.Tensor, size: tuple[int, int], look: Look) -> Answer:
    """Each region of contact on (1, H, W) as the system sees somebody alone: in a crop, or a window of its own size."""
    each = people(pressure[0])
    if look.crop != "none":
        return answered(system, each, look, size)
    middle = contact_box(each, 1.0).centre[:, 0]
    narrow = torch.tensor((size[1] / pressure.shape[2], 1.0))
    window = Box(torch.stack((middle, torch.zeros_like(middle)), 1), narrow.expand(len(each), 2))
    found = answered(system, crop(each, window, size), look)
    return Answer(to_map(found.xy_norm, window), found.score)


def _from_below(system: System, head: GroupingHead, pressure: torch.Tensor) -> list[Answer]:
    """Everybody on (B, 1, H, W), joints told apart by their tags."""
    x = padded(scale_free(pressure), system.backbone)
    size, wide = ((maps.shape[2], maps.shape[3]) for maps in (pressure, x))
    found = head.everybody(head(system.backbone(x)))
    return [Answer(to_padded(one.xy_norm, wide, size), one.score) for one in found]
