"""Empty cells around maps, so that a backbone can halve them; and places before and after."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from matpose.zoo.system import Backbone


def size_for(backbone: Backbone | type[Backbone], rows: int, cols: int) -> tuple[int, int]:
    """(rows, columns) that a backbone's halvings need.

    Example:
        >>> from matpose.zoo.backbones.shglass import SHGlass
        >>> size_for(SHGlass, 64, 32)
        (64, 64)
    """
    rows, cols = (-(-side // backbone.sides) * backbone.sides for side in (rows, cols))
    return rows, cols


def padded(maps: torch.Tensor, backbone: Backbone) -> torch.Tensor:
    """Maps (B, 1, H, W) with empty cells at both sides and the foot, as many as the backbone needs."""
    height, width = maps.shape[2:]
    rows, cols = size_for(backbone, height, width)
    left = (cols - width) // 2
    return F.pad(maps, (left, cols - width - left, 0, rows - height)) if (rows, cols) != (height, width) else maps


def to_padded(xy_norm: torch.Tensor, size: tuple[int, int], larger: tuple[int, int]) -> torch.Tensor:
    """Places in [-1, 1] over maps of (rows, columns) to places over the same maps, padded; the other way back too.

    Example:
        >>> to_padded(torch.tensor([1.0, 1.0]), (64, 32), (128, 64)).tolist()
        [0.5, 0.0]
    """
    share = xy_norm.new_tensor((size[1] / larger[1], size[0] / larger[0]))
    head = xy_norm.new_tensor((0.0, 1.0))
    return (xy_norm + head) * share - head
