"""The network's input scaling: the same for kPa, counts and any sensor gain."""

from __future__ import annotations

import torch

PEAK = 3.0  # contact cells lie around 1; three times that, nine times the pressure, is a bony peak


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
    weight = root.sum((2, 3), keepdim=True).clamp_min(1e-12)
    mean = (root * root).sum((2, 3), keepdim=True) / weight  # (B, 1, 1, 1)
    return (root / (PEAK * mean).clamp_min(1e-12)).clamp_max(1.0)
