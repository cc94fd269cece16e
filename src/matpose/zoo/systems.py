"""Every pose system by its name: BACKBONE, or BACKBONE+TECHNIQUE, any of one with any of the other."""

from __future__ import annotations

from collections.abc import Callable

import torch

from matpose.errors import ModelError
from matpose.zoo.backbones.cspnext_t import CSPNeXtTiny
from matpose.zoo.backbones.hrpose import HRPose
from matpose.zoo.backbones.native import Native
from matpose.zoo.backbones.pose_attention import PoseAttention
from matpose.zoo.backbones.pyranet import PyraNet
from matpose.zoo.backbones.resnet18 import ResNet18
from matpose.zoo.backbones.respose import ResPose
from matpose.zoo.backbones.shglass import SHGlass
from matpose.zoo.heads.blazepose import BlazePoseHead
from matpose.zoo.heads.body_parameters import BodyParametersHead
from matpose.zoo.heads.compositional import CompositionalHead
from matpose.zoo.heads.cross_entropy import CrossEntropyHead
from matpose.zoo.heads.deeppose import DeepPoseHead
from matpose.zoo.heads.dual_source import DualSourceHead
from matpose.zoo.heads.grouping import GroupingHead
from matpose.zoo.heads.heatmap import HeatmapHead
from matpose.zoo.heads.integral import IntegralHead
from matpose.zoo.heads.multi_scale import MultiScaleHead
from matpose.zoo.heads.multi_task import MultiTaskHead
from matpose.zoo.heads.part_mask import PartMaskHead
from matpose.zoo.heads.prtr import PRTRHead
from matpose.zoo.heads.residual_likelihood import ResidualLikelihoodHead
from matpose.zoo.heads.simcc import SimccHead
from matpose.zoo.heads.skeleton_maps import SkeletonMapsHead
from matpose.zoo.heads.transpose import TransPoseHead
from matpose.zoo.matpose_system import matpose_system
from matpose.zoo.padding import size_for, to_padded
from matpose.zoo.system import Backbone, Head, System

OURS = "matpose"
"""The system that ships: a backbone with a head of its own."""

BACKBONES: dict[str, type[Backbone]] = {
    "shglass": SHGlass,
    "pose_attention": PoseAttention,
    "pyranet": PyraNet,
    "hrpose": HRPose,
    "respose": ResPose,
    "resnet18": ResNet18,
    "cspnext_t": CSPNeXtTiny,
    "native": Native,
}
"""Those with heatmaps of their own are systems without any technique; the others need one."""

PAPER_SIDE = 256

Build = Callable[[Backbone, tuple[int, int], torch.Tensor], Head]


def _grid(size: tuple[int, int]) -> tuple[int, int]:
    """What regression pools to: four rows, and as many columns as keep cells square."""
    return 4, max(1, round(4 * size[1] / size[0]))


def _own_heatmaps(net: Backbone, size: tuple[int, int], poses: torch.Tensor) -> Head:
    """A backbone alone: coded as in the paper on maps of its size; on smaller ones, whose heatmap cells are wider than
    PCKh's tolerance, between cells, or nobody could place more than half of the joints."""
    if min(size) >= PAPER_SIDE:
        return HeatmapHead(net.channels, net.stride)
    return HeatmapHead(net.channels, net.stride, coding="parabola", sigma_cells=1.0)


TECHNIQUES: dict[str, Build] = {
    "heatmap": lambda net, size, poses: HeatmapHead(net.channels, net.stride, own=net.heatmaps > 0),
    "dark": lambda net, size, poses: HeatmapHead(net.channels, net.stride, own=net.heatmaps > 0, coding="dark"),
    "focal": lambda net, size, poses: HeatmapHead(net.channels, net.stride, own=net.heatmaps > 0, loss="focal"),
    "structure_aware": lambda net, size, poses: HeatmapHead(
        net.channels, net.stride, own=net.heatmaps > 0, coding="dark", loss="structure"
    ),
    "multi_scale": lambda net, size, poses: MultiScaleHead(
        net.heatmaps, HeatmapHead(net.channels, net.stride, coding="dark")
    ),
    "integral": lambda net, size, poses: IntegralHead(net.channels, net.stride, own=net.heatmaps > 0),
    "dsnt": lambda net, size, poses: IntegralHead(net.channels, net.stride, own=net.heatmaps > 0, dsnt=True),
    "cross_entropy": lambda net, size, poses: CrossEntropyHead(net.channels, net.stride, own=net.heatmaps > 0),
    "simcc": lambda net, size, poses: SimccHead(net.channels, net.stride, size),
    "deeppose": lambda net, size, poses: DeepPoseHead(net.channels, grid=_grid(size)),
    "compositional": lambda net, size, poses: CompositionalHead(net.channels, poses, grid=_grid(size)),
    "rle": lambda net, size, poses: ResidualLikelihoodHead(net.channels, grid=_grid(size)),
    # smaller than the paper's, where d is 256 and hidden 1024, as maps and backbones are here
    "transpose": lambda net, size, poses: TransPoseHead(net.channels, net.stride, width=96, layers=3, hidden=192),
    "blazepose": lambda net, size, poses: BlazePoseHead(net.channels, net.stride),
    "prtr": lambda net, size, poses: PRTRHead(net.channels),
    "multi_task": lambda net, size, poses: MultiTaskHead(net.channels),
    "dual_source": lambda net, size, poses: DualSourceHead(net.channels, net.stride),
    "grouping": lambda net, size, poses: GroupingHead(net.channels, net.stride),
    "skeleton": lambda net, size, poses: SkeletonMapsHead(net.channels, net.stride),
    "parts": lambda net, size, poses: PartMaskHead(net.channels, net.stride),
    "body": lambda net, size, poses: BodyParametersHead(net.channels, poses, size, grid=_grid(size)),
}

DETAILED = ("parts", "body")
"""Techniques that learn from more than joints on the map, where the truth knows it."""


def learns_detail(name: str) -> bool:
    """Whether a system's technique is one of ``DETAILED``.

    Example:
        >>> learns_detail("native+body"), learns_detail("shglass")
        (True, False)
    """
    return name.partition("+")[2] in DETAILED


def check_system(name: str) -> None:
    """Refuse a name, without building anything.

    Raises:
        ModelError: no such backbone or technique, or a backbone that needs a technique and was given none.
    """
    if name == OURS:
        return
    which, plus, technique = name.partition("+")
    if which not in BACKBONES or (plus and technique not in TECHNIQUES):
        raise ModelError(
            f"there is no system {name!r}",
            mend=f"use {OURS}, or one of {', '.join(BACKBONES)}, with + and one of {', '.join(TECHNIQUES)}",
        )
    if not plus and not BACKBONES[which].heatmaps:
        raise ModelError(f"{which} names no joints by itself", mend=f"add a technique, such as {which}+simcc")
    if technique == "multi_scale" and BACKBONES[which].heatmaps < 2:
        raise ModelError(f"{which} has no two heatmaps to join", mend="use a backbone with stacks, such as shglass")


def build_system(name: str, rows: int, cols: int, poses: torch.Tensor) -> System:
    """A fresh system.

    Args:
        name: "matpose", a backbone with heatmaps of its own, or "BACKBONE+TECHNIQUE".
        rows, cols: of the canvas.
        poses: (N, 14, 2) in [-1, 1] over the canvas, from which compositional regression takes its bones' statistics.

    Raises:
        ModelError: as :func:`check_system`.

    Example:
        >>> build_system("native+dark", 64, 32, torch.rand(8, 14, 2)).eval()(torch.rand(1, 1, 64, 32)).score.shape
        torch.Size([1, 14])
    """
    check_system(name)
    if name == OURS:
        return matpose_system((rows, cols))
    which, _, technique = name.partition("+")
    backbone = BACKBONES[which]()
    size = size_for(backbone, rows, cols)
    build = TECHNIQUES[technique] if technique else _own_heatmaps
    return System(backbone, build(backbone, size, to_padded(poses, (rows, cols), size)))
