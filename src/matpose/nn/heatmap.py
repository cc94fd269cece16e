"""From heatmaps to points: normalised maps, their means and their spread."""

from __future__ import annotations

from typing import Literal

import torch

Normalisation = Literal["softmax", "sigmoid"]


def activate(logits: torch.Tensor, normalisation: Normalisation) -> torch.Tensor:
    """Relative importance of every cell for every point: the paper's H.

    Args:
        logits: (B, K, h, w).
        normalisation: "softmax" over the cells (the released model), or "sigmoid" per cell (the text).

    Returns:
        (B, K, h, w); softmax maps sum to 1 over the cells.
    """
    if normalisation == "softmax":
        return logits.flatten(2).softmax(-1).view_as(logits)
    return logits.sigmoid()


def cell_grid(height: int, width: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Centres of the cells in [-1, 1] over the canvas's outer edges: x (w,) and y (h,).

    Example:
        >>> cell_grid(2, 4, torch.zeros(1))[0].tolist()
        [-0.75, -0.25, 0.25, 0.75]
    """
    x = (torch.arange(width, dtype=like.dtype, device=like.device) + 0.5) * (2 / width) - 1
    y = (torch.arange(height, dtype=like.dtype, device=like.device) + 0.5) * (2 / height) - 1
    return x, y


def cell_centres(height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """All of :func:`cell_grid`'s cells, (height * width, 2), row by row.

    Example:
        >>> cell_centres(1, 2, torch.zeros(1)).tolist()
        [[-0.5, 0.0], [0.5, 0.0]]
    """
    return torch.stack(torch.meshgrid(*cell_grid(height, width, like), indexing="xy"), -1).view(-1, 2)


def soft_argmax(heatmaps: torch.Tensor) -> torch.Tensor:
    """Mean position of every heatmap: p_k = sum_u P_k(u) u / sum_u P_k(u).

    Args:
        heatmaps: (B, K, h, w), non-negative.

    Returns:
        (B, K, 2): x and y in [-1, 1] over the canvas.

    Example:
        >>> delta = torch.zeros(1, 1, 4, 4)
        >>> delta[0, 0, 3, 0] = 1
        >>> soft_argmax(delta).tolist()
        [[[-0.75, 0.75]]]
    """
    x, y = cell_grid(heatmaps.shape[2], heatmaps.shape[3], heatmaps)
    mass = heatmaps.sum((2, 3)).clamp_min(1e-12)  # (B, K)
    mean_x = (heatmaps.sum(2) * x).sum(-1) / mass
    mean_y = (heatmaps.sum(3) * y).sum(-1) / mass
    return torch.stack((mean_x, mean_y), -1)


def spread_cells(heatmaps: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Root-mean-square radius of every heatmap around its mean, (B, K), in heatmap cells: see :func:`variance_cells`.

    Its gradient is not finite for a heatmap of one cell; that of the variance is.
    """
    return variance_cells(heatmaps, mean).sqrt()


def variance_cells(heatmaps: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Variance along x plus variance along y of every heatmap around its mean, in heatmap cells.

    Args:
        heatmaps: (B, K, h, w), non-negative.
        mean: (B, K, 2), their :func:`soft_argmax`.

    Returns:
        (B, K).
    """
    height, width = heatmaps.shape[2:]
    x, y = cell_grid(height, width, heatmaps)
    mass = heatmaps.sum((2, 3)).clamp_min(1e-12)
    off_x = (x - mean[..., :1]) * (width / 2)  # (B, K, w)
    off_y = (y - mean[..., 1:]) * (height / 2)  # (B, K, h)
    variance = ((heatmaps.sum(2) * off_x**2).sum(-1) + (heatmaps.sum(3) * off_y**2).sum(-1)) / mass
    return variance.clamp_min(0)


def around_peak(maps: torch.Tensor, places: torch.Tensor, radius: float) -> torch.Tensor:
    """What of every heatmap lies within a radius of its highest cell; 0 elsewhere.

    A heatmap that wavers between two places has its mean at neither; what is around its peak has it at one.

    Args:
        maps: (B, J, cells), non-negative.
        places: (cells, 2), where the cells are, any frame.
        radius: in that frame's unit.

    Returns:
        (B, J, cells), not normalised: its sum is the share of the mass that lies there.

    Example:
        >>> places = torch.tensor([[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]])
        >>> around_peak(torch.tensor([[[0.25, 0.5, 0.25]]]), places, 2.0).tolist()
        [[[0.25, 0.5, 0.0]]]
    """
    peak = places[maps.argmax(-1)]  # (B, J, 2)
    # as |u - p|^2 = |u|^2 - 2 u.p + |p|^2, which needs no (B, J, cells, 2)
    squared = places.square().sum(-1) - 2 * peak @ places.mT + peak.square().sum(-1, keepdim=True)
    return maps * (squared <= radius**2)
