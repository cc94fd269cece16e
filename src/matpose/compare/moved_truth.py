"""What is known of simulated people once their maps have been moved, and once they have been padded."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from matpose.canvas import Canvas
from matpose.nn.heatmap import cell_centres
from matpose.nn.warp import Warp
from matpose.training.joint_maps import JointMaps
from matpose.zoo.crops import Box, crop, to_crop, to_map
from matpose.zoo.padding import to_padded
from matpose.zoo.part_labels import BESIDE
from matpose.zoo.system import Truth

NOWHERE = 3.0  # where joints are put whose place nobody knows: on no patch of a map


def moved_truth(maps: JointMaps, contact: torch.Tensor, warp: Warp, canvas: Canvas, box: Box | None = None) -> Truth:
    """The truth about maps that were moved, and then cropped.

    Places, parts and pressure follow exactly, parts by the nearest cell; warps never mirror, so that left stays left.
    Heights grow with a warp's scale, as those of a larger body do. Where it also stretches one way more than the
    other, or bends, by some per cent, no body is like that, and heights stay as they are.

    Args:
        maps: as they were; NaN where nobody knows a joint.
        contact: (B, 14) bool, which joints press on the maps that are shown.
        warp: of the maps.
        canvas: their grid.
        box: of the crops, which have as many cells as the maps.

    Returns:
        What is known; heights, parts and pressure if the maps have details. A joint has weight if it is known, and on
        the map.
    """
    xy_norm = warp.arrives(maps.xy_norm)
    if box is not None:
        xy_norm = to_crop(xy_norm, box)
    truth = Truth(xy_norm.nan_to_num(NOWHERE), contact, (xy_norm.abs() <= 1).all(-1).float())
    if maps.joints_xyz_m is None or maps.parts is None:
        return truth
    height = maps.joints_xyz_m[..., 2] / (canvas.height_m / 2) * warp.scale[:, None]
    pressure = warp.maps(maps.pressure.float()).clamp_min(0)
    if box is not None:
        height, pressure = height / box.half[:, 1:], crop(pressure, box, (pressure.shape[2], pressure.shape[3]))
    return truth._replace(height=height, parts=_moved_parts(maps.parts, warp, box), pressure=pressure)


def padded_truth(truth: Truth, size: tuple[int, int], larger: tuple[int, int]) -> Truth:
    """The truth about maps with empty cells around them, as :func:`matpose.zoo.padding.padded` sets them.

    Args:
        truth: about maps of (rows, columns) ``size``.
        larger: (rows, columns) with the empty cells, of whose parts nothing is known.
    """
    left = (larger[1] - size[1]) // 2
    around = (left, larger[1] - size[1] - left, 0, larger[0] - size[0])
    return truth._replace(
        xy_norm=to_padded(truth.xy_norm, size, larger),
        height=None if truth.height is None else truth.height * (size[0] / larger[0]),
        parts=None if truth.parts is None else F.pad(truth.parts, around, value=BESIDE),
        pressure=None if truth.pressure is None else F.pad(truth.pressure, around),
    )


def _moved_parts(parts: torch.Tensor, warp: Warp, box: Box | None) -> torch.Tensor:
    """(B, H, W) int8: of each cell what lay nearest to where it comes from, ``BESIDE`` where that is off the map."""
    rows, cols = parts.shape[1:]
    grid = cell_centres(rows, cols, warp.scale)[None]
    source = warp.source(grid if box is None else to_map(grid, box)).view(len(parts), rows, cols, 2)
    codes = F.grid_sample((parts - BESIDE)[:, None].float(), source, mode="nearest", align_corners=False)
    return (codes[:, 0] + BESIDE).to(torch.int8)
