"""Heatmaps as Gaussians, and joints a quarter of a cell from their highest cell towards its higher neighbours.

Places in cells have whole numbers at the cells' centres: cell (0, 0)'s centre is (0, 0), its outer corner (-.5, -.5).
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from matpose.zoo.system import Answer


def to_cells(xy_norm: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Places in [-1, 1] to cells of a map.

    Args:
        xy_norm: (..., 2).
        size: (h, w) of the map.

    Returns:
        (..., 2), x and y in cells.

    Example:
        >>> to_cells(torch.tensor([-1.0, 0.0]), (2, 4)).tolist()
        [-0.5, 0.5]
    """
    return (xy_norm + 1) * xy_norm.new_tensor((size[1] / 2, size[0] / 2)) - 0.5


def to_norm(xy_cells: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The inverse of :func:`to_cells`."""
    return (xy_cells + 0.5) * xy_cells.new_tensor((2 / size[1], 2 / size[0])) - 1


def nearest_cell(xy_norm: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The cell that a place lies in, (..., 2), whole numbers."""
    return (to_cells(xy_norm, size) + 0.5).floor()


def in_frame(xy_norm: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(...) bool: whether a place (..., 2) lies in some cell of a map of that (h, w)."""
    cell = nearest_cell(xy_norm, size)
    return ((cell >= 0) & (cell < cell.new_tensor((size[1], size[0])))).all(-1)


def gaussian_maps(
    xy_norm: torch.Tensor, size: tuple[int, int], sigma_cells: float = 2.0, *, rounded: bool = False
) -> torch.Tensor:
    """exp(-|u - p|^2 / 2 sigma^2) at the centres u of all cells.

    Rounded is the field's older way (Tompson et al., NeurIPS 2014), which moves the truth by .38 cells on average but
    has a cell that is exactly 1; the real-valued centre is DARK's encoding (Zhang et al., CVPR 2020, eq. 11).

    Args:
        xy_norm: (B, J, 2).
        size: (h, w) of the maps.
        sigma_cells: standard deviation, in cells of these maps.
        rounded: whether p is the centre of its cell rather than the place itself.

    Returns:
        (B, J, h, w) in 0..1.

    Example:
        >>> gaussian_maps(torch.tensor([[[-0.7, 0.7]]]), (4, 4), rounded=True)[0, 0, 3, 0].item()
        1.0
    """
    centre = nearest_cell(xy_norm, size) if rounded else to_cells(xy_norm, size)
    along_x, along_y = (torch.arange(n, dtype=xy_norm.dtype, device=xy_norm.device) for n in (size[1], size[0]))
    x = torch.exp(-((along_x - centre[..., :1]) ** 2) / (2 * sigma_cells**2))  # (B, J, w)
    y = torch.exp(-((along_y - centre[..., 1:]) ** 2) / (2 * sigma_cells**2))  # (B, J, h)
    return y[..., :, None] * x[..., None, :]


class Peak(NamedTuple):
    """The highest cell of every map: its column, its row and its height, each (B, J)."""

    x: torch.Tensor
    y: torch.Tensor
    height: torch.Tensor


def peaks(heatmaps: torch.Tensor) -> Peak:
    """The highest cells of (B, J, h, w)."""
    height, index = heatmaps.flatten(2).max(-1)
    width = heatmaps.shape[3]
    return Peak(index % width, index // width, height)


def beside(heatmaps: torch.Tensor, peak: Peak, right: int, down: int) -> torch.Tensor:
    """What the maps (B, J, h, w) hold so many cells beside their peaks, (B, J); the edge's value beyond the edge."""
    height, width = heatmaps.shape[2:]
    index = (peak.y + down).clamp(0, height - 1) * width + (peak.x + right).clamp(0, width - 1)
    return heatmaps.flatten(2).gather(2, index[..., None])[..., 0]


def answer_at(peak: Peak, offset_cells: torch.Tensor, size: tuple[int, int]) -> Answer:
    """Joints so far from their peaks: offsets (B, J, 2) in cells, maps of (h, w)."""
    xy_cells = torch.stack((peak.x, peak.y), -1).to(offset_cells) + offset_cells
    return Answer(to_norm(xy_cells, size), peak.height)


def decode_quarter_shift(heatmaps: torch.Tensor) -> Answer:
    """A quarter of a cell from the highest cell's centre towards the higher neighbour, along x and along y.

    .19 cells off on average (Newell et al., ECCV 2016). A peak on the border stays where it is across it.

    Args:
        heatmaps: (B, J, h, w).

    Returns:
        Joints; the score is the highest cell's value.
    """
    peak = peaks(heatmaps)
    height, width = heatmaps.shape[2:]
    x = (beside(heatmaps, peak, 1, 0) - beside(heatmaps, peak, -1, 0)).sign()
    y = (beside(heatmaps, peak, 0, 1) - beside(heatmaps, peak, 0, -1)).sign()
    x = x * ((peak.x > 0) & (peak.x < width - 1))
    y = y * ((peak.y > 0) & (peak.y < height - 1))
    return answer_at(peak, torch.stack((x, y), -1) / 4, (height, width))
