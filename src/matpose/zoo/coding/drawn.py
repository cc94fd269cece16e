"""What drawn maps cost that should be Gaussians at the joints."""

from __future__ import annotations

import torch

from matpose.losses.heatmap_mse import heatmap_mse
from matpose.zoo.coding.gaussian import gaussian_maps, in_frame
from matpose.zoo.system import Truth


def heatmap_loss(heatmaps: torch.Tensor, truth: Truth, sigma_cells: float) -> torch.Tensor:
    """Half the mean square from Gaussians at the joints; those off the map do not count."""
    size = (heatmaps.shape[2], heatmaps.shape[3])
    wanted = gaussian_maps(truth.xy_norm, size, sigma_cells)
    return heatmap_mse(heatmaps, wanted, truth.weight * in_frame(truth.xy_norm, size))
