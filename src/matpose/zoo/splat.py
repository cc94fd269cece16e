"""Forces at places, as a map of cells: what a mat feels of a body's skin, with a gradient to every place and force."""

from __future__ import annotations

import torch


def splat(xy_norm: torch.Tensor, force: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Every force is that of a square of one cell about its place, shared by area among the four cells it covers.

    The sum of the map is the sum of the forces; only what lies beyond the map's edges is not on it.

    Args:
        xy_norm: (B, N, 2) in [-1, 1] over the map's outer edges.
        force: (B, N).
        size: (rows, columns).

    Returns:
        (B, 1, rows, columns) force of each cell.

    Example:
        >>> splat(torch.tensor([[[-0.5, 0.25]]]), torch.tensor([[8.0]]), (2, 4))[0, 0].tolist()
        [[1.0, 1.0, 0.0, 0.0], [3.0, 3.0, 0.0, 0.0]]
    """
    rows, cols = size
    # one ring of cells about the map takes what lies beyond it
    x = ((xy_norm[..., 0] + 1) * (cols / 2) + 0.5).clamp(0, cols + 1)
    y = ((xy_norm[..., 1] + 1) * (rows / 2) + 0.5).clamp(0, rows + 1)
    # what is no number has to reach the sum as that, not as a cell that there is none of
    left, top = (at.detach().floor().nan_to_num().clamp_max(most) for at, most in ((x, cols), (y, rows)))
    right, down = x - left, y - top
    first = (top * (cols + 2) + left).long()
    cells = torch.cat((first, first + 1, first + cols + 2, first + cols + 3), 1)
    shares = torch.cat(((1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right), 1)
    ringed = force.new_zeros(len(force), (rows + 2) * (cols + 2)).scatter_add(1, cells, shares * force.repeat(1, 4))
    return ringed.view(-1, 1, rows + 2, cols + 2)[:, :, 1:-1, 1:-1]
