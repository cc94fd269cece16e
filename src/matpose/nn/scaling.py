"""The network's view of pressure: the same for kPa, counts and any sensor gain, and for any mat's grid."""

from __future__ import annotations

import torch
from torch.nn import functional as F

PEAK = 3.0  # contact cells lie around 1; three times that, nine times the pressure, is a bony peak


def smoothed(pressure: torch.Tensor) -> torch.Tensor:
    """Pressure through a binomial filter of five cells, whose standard deviation is one cell; force is preserved.

    What differs when the same pressure was sensed by another grid is finer than that, and the root behind it would
    make much of a faint cell at the body's edge.

    Args:
        pressure: (B, 1, H, W); beyond the canvas there is none.

    Returns:
        (B, 1, H, W).

    Example:
        >>> smoothed(torch.ones(1, 1, 8, 8))[0, 0, 4, 4].item()
        1.0
    """
    kernel = pressure.new_tensor((1, 4, 6, 4, 1)) / 16
    along = F.conv2d(pressure, kernel.view(1, 1, -1, 1), padding=(2, 0))
    return F.conv2d(along, kernel.view(1, 1, 1, -1), padding=(0, 2))


def scale_free(pressure: torch.Tensor) -> torch.Tensor:
    """Square root of pressure over its own force-weighted mean, clipped to 0..1.

    The root keeps faint contact visible beside bony peaks; dividing by the map's own mean removes unit and gain;
    the clip bounds what a hot cell can do. An empty map stays zero.

    Args:
        pressure: (B, 1, H, W), any unit; negative readings count as zero.

    Returns:
        (B, 1, H, W) in 0..1.

    Example:
        >>> x = torch.rand(2, 1, 8, 4)
        >>> torch.allclose(scale_free(x), scale_free(7.5 * x), atol=1e-6)
        True
    """
    root = pressure.clamp_min(0).sqrt()
    return (root / _full_scale(root)).clamp_max(1.0)


def scaled_level(level: torch.Tensor, pressure: torch.Tensor) -> torch.Tensor:
    """What a pressure becomes on a map that :func:`scale_free` scales: where a threshold lies on it.

    Args:
        level: (B,) pressure, one for each map, in the maps' unit.
        pressure: (B, 1, H, W) the maps.

    Returns:
        (B, 1, 1, 1) in 0..1.

    Example:
        >>> x = torch.tensor([[[[0.0, 1.0, 4.0]]]])
        >>> bool(scaled_level(torch.tensor([4.0]), x) == scale_free(x)[..., 2])
        True
    """
    return (level.view(-1, 1, 1, 1).sqrt() / _full_scale(pressure.clamp_min(0).sqrt())).clamp_max(1.0)


def _full_scale(root: torch.Tensor) -> torch.Tensor:
    """(B, 1, 1, 1): the root of pressure that is scaled to 1, from the roots of all cells."""
    weight = root.sum((2, 3), keepdim=True).clamp_min(1e-12)
    mean = (root * root).sum((2, 3), keepdim=True) / weight
    return (PEAK * mean).clamp_min(1e-12)
