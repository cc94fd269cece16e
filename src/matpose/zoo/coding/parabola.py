"""Decoding between cells by a parabola: exact on sampled Gaussians, one line of cells from the border."""

from __future__ import annotations

import torch

from matpose.zoo.coding.gaussian import Peak, answer_at, beside, peaks
from matpose.zoo.system import Answer


def decode_parabola(heatmaps: torch.Tensor) -> Answer:
    """Every map's highest cell, refined by :func:`beside_peak`; its height is the score.

    DARK's wider differences see too little of maps of a few cells.

    Example:
        >>> from matpose.zoo.coding.gaussian import gaussian_maps
        >>> place = torch.tensor([[[0.1, -0.3]]])
        >>> torch.allclose(decode_parabola(gaussian_maps(place, (16, 8), 1.0)).xy_norm, place, atol=1e-5)
        True
    """
    return beside_peak(heatmaps, peaks(heatmaps))


def beside_peak(heatmaps: torch.Tensor, peak: Peak) -> Answer:
    """Between cells: a parabola through the logarithms of a cell and its neighbours, along each side.

    Exact on Gaussians. On the border, across it, the cell's centre stands.

    Args:
        heatmaps: (B, J, h, w).
        peak: the cells, each of (B, J).
    """
    log = heatmaps.clamp_min(1e-3).log()
    offsets = []
    for place, size, right, down in ((peak.x, heatmaps.shape[3], 1, 0), (peak.y, heatmaps.shape[2], 0, 1)):
        before, here, after = (beside(log, peak, step * right, step * down) for step in (-1, 0, 1))
        shift = (after - before) / (2 * (2 * here - before - after).clamp_min(1e-4))
        inside = (place > 0) & (place < size - 1)
        offsets.append(shift.clamp(-0.5, 0.5).where(inside, 0.0))
    return answer_at(peak, torch.stack(offsets, -1), (heatmaps.shape[2], heatmaps.shape[3]))
