"""How far places lie from straight segments: what lines and bones are drawn by."""

from __future__ import annotations

import torch


def segment_distance2(x, y, start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Squared distance of places from segments: |u - a - t (b - a)|^2, t = (u - a).(b - a) / |b - a|^2 in 0..1.

    Args:
        x, y: of the places; broadcast with the segments.
        start, end: (..., 2), in the same unit.

    Returns:
        (...), in that unit squared.

    Example:
        >>> float(segment_distance2(3.0, 2.0, torch.tensor([0.0, 0.0]), torch.tensor([1.0, 0.0])))
        8.0
    """
    (start_x, start_y), (along_x, along_y) = start.unbind(-1), (end - start).unbind(-1)
    x, y = x - start_x, y - start_y
    share = ((x * along_x + y * along_y) / (along_x**2 + along_y**2).clamp_min(1e-8)).clamp(0, 1)
    return (x - share * along_x) ** 2 + (y - share * along_y) ** 2
