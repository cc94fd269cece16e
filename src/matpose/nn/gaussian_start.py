"""Where the decoder may start instead of a fully connected layer: features painted at the points."""

from __future__ import annotations

import torch
from torch import nn

from matpose.nn.heatmap import cell_grid


class GaussianStart(nn.Module):
    """sum_k exp(-|u - p_k|^2 / 2 s^2) K_F,k over the cells u of a small map.

    What is painted lies where the point is, so geometry cannot be bypassed (Jakab et al., NeurIPS 2018; BKinD, CVPR
    2022). No parameters.

    Args:
        size: (h, w) of the map.
        radius_cells: s, in cells of that map.

    Example:
        >>> k_c, k_f = torch.tensor([[[0.0, 0.5, 1.0]]]), torch.tensor([[[2.0]]])
        >>> GaussianStart((2, 1), 0.5)(k_c, k_f)[0, 0].flatten().tolist()[1]
        2.0
    """

    def __init__(self, size: tuple[int, int], radius_cells: float = 0.75) -> None:
        super().__init__()
        self.size = size
        self.radius_cells = radius_cells

    def forward(self, k_c: torch.Tensor, k_f: torch.Tensor) -> torch.Tensor:
        """Homogeneous positions (B, K, 3) over the canvas and features (B, K, f) to (B, f, h, w)."""
        height, width = self.size
        x, y = cell_grid(height, width, k_c)
        xy_norm = k_c[..., :2] / k_c[..., 2:].clamp_min(1e-6)
        off_x = (x - xy_norm[..., :1]) * (width / 2)  # (B, K, w), cells
        off_y = (y - xy_norm[..., 1:]) * (height / 2)  # (B, K, h)
        scale = -0.5 / self.radius_cells**2
        along, across = (scale * off_y**2).exp(), (scale * off_x**2).exp()
        return torch.einsum("bkh,bkw,bkf->bfhw", along, across, k_f)
