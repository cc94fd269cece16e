"""DARK: distribution-aware decoding of heatmaps (Zhang et al., CVPR 2020, arXiv 1910.06278, section 3.1)."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from matpose.zoo.coding.gaussian import answer_at, beside, peaks
from matpose.zoo.system import Answer

KERNEL = 11  # cells, for targets of two cells of standard deviation
STEP = 2  # cells of a second difference, and what one step may go at most
LEAST = 1e-10  # below which a logarithm says nothing


def blurred(heatmaps: torch.Tensor, kernel: int) -> torch.Tensor:
    """Maps (B, J, h, w) through a Gaussian of so many cells, whose peaks keep their height.

    The standard deviation is OpenCV's for a kernel of that length, two cells for eleven, as in the paper's code.
    """
    sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
    along = torch.arange(kernel, dtype=heatmaps.dtype, device=heatmaps.device) - kernel // 2
    weights = torch.exp(-(along**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    height, width = heatmaps.shape[2:]
    maps = heatmaps.reshape(-1, 1, height, width)
    out = F.conv2d(maps, weights.view(1, 1, -1, 1), padding=(kernel // 2, 0))
    out = F.conv2d(out, weights.view(1, 1, 1, -1), padding=(0, kernel // 2))
    scale = maps.amax((2, 3), keepdim=True) / out.amax((2, 3), keepdim=True).clamp_min(LEAST)
    return (out * scale).view_as(heatmaps)


def decode_dark(heatmaps: torch.Tensor, kernel: int = KERNEL) -> Answer:
    """One Newton step from the highest cell on the logarithm of the blurred map: p = m - H^-1 g.

    For a Gaussian the logarithm is a parabola, so the step ends at its centre. There is no step on the two outermost
    lines of cells, nor where the map is no hill around its peak; none is longer than the differences reach.

    Args:
        heatmaps: (B, J, h, w); trained on Gaussians, so not below zero but by error.
        kernel: length of the blur, cells, odd; 1 for none.

    Returns:
        Joints; the score is the highest cell's value.

    Example:
        >>> from matpose.zoo.coding.gaussian import gaussian_maps
        >>> decode_dark(gaussian_maps(torch.tensor([[[0.1, 0.2]]]), (32, 32))).xy_norm.mul(100).round().tolist()
        [[[10.0, 20.0]]]
    """
    peak = peaks(heatmaps)
    height, width = heatmaps.shape[2:]
    logs = blurred(heatmaps, kernel).clamp_min(LEAST).log()

    def log(right: int, down: int) -> torch.Tensor:
        return beside(logs, peak, right, down)

    g_x = (log(1, 0) - log(-1, 0)) / 2
    g_y = (log(0, 1) - log(0, -1)) / 2
    h_xx = (log(STEP, 0) - 2 * log(0, 0) + log(-STEP, 0)) / STEP**2
    h_yy = (log(0, STEP) - 2 * log(0, 0) + log(0, -STEP)) / STEP**2
    h_xy = (log(1, 1) - log(-1, 1) - log(1, -1) + log(-1, -1)) / 4
    determinant = h_xx * h_yy - h_xy**2
    inside = (peak.x >= STEP) & (peak.x < width - STEP) & (peak.y >= STEP) & (peak.y < height - STEP)
    hill = inside & (determinant > 0) & (h_xx < 0)
    step = torch.stack((h_yy * g_x - h_xy * g_y, h_xx * g_y - h_xy * g_x), -1) / -determinant.where(hill, 1)[..., None]
    return answer_at(peak, step.where(hill[..., None], 0).clamp(-STEP, STEP), (height, width))
