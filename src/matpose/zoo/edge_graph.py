"""The learned graph of AutoLink, and how it is drawn: one weight for every pair of points, straight lines between them.

Source: He, Wandt and Rhodin, "AutoLink: Self-supervised Learning of Human Skeletons and Object Outlines by Linking
Keypoints", NeurIPS 2022, arXiv 2205.10636, section 3.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from matpose.nn.heatmap import cell_grid
from matpose.zoo.segment_distance import segment_distance2

THICKNESS = 0.0625
"""Distance at which a line has faded to 1/e, in half-heights of the canvas: two cells, half a limb."""

FAINT = -4.0
"""Mean of the weights' logits at the start, where softplus is .02: an edge that helps lights up, the others are hardly
seen. Of 32 points all edges together would fill the body's outline, and no line could be told from another."""


class EdgeGraph(nn.Module):
    """One weight for every pair of points, the same in all maps, drawn as lines: max_e w_e exp(-d_e(u)^2 / s^2).

    Args:
        points: K, at least 2.

    Example:
        >>> EdgeGraph(4).draw(torch.rand(2, 4, 2), 32, 16).shape
        torch.Size([2, 1, 32, 16])
    """

    starts: torch.Tensor
    ends: torch.Tensor

    def __init__(self, points: int) -> None:
        super().__init__()
        starts, ends = torch.triu_indices(points, points, 1)
        self.register_buffer("starts", starts, persistent=False)
        self.register_buffer("ends", ends, persistent=False)
        self.logits = nn.Parameter(FAINT + torch.randn(len(starts)))

    def weights(self) -> torch.Tensor:
        """(K (K - 1) / 2,) positive."""
        return F.softplus(self.logits)

    def adjacency(self) -> torch.Tensor:
        """(K, K) the weights, symmetric, none from a point to itself: for graph nets and pictures."""
        points = int(self.ends[-1]) + 1
        upper = self.logits.new_zeros(points, points).index_put((self.starts, self.ends), self.weights())
        return upper + upper.T

    def draw(self, xy_norm: torch.Tensor, rows: int, cols: int) -> torch.Tensor:
        """The lines between points (B, K, 2) on a canvas of square cells: (B, 1, rows, cols)."""
        across, along = cell_grid(rows, cols, xy_norm)
        aspect = cols / rows  # lengths in half-heights
        x, y = (aspect * across).repeat(rows), along.repeat_interleave(cols)  # (P,)
        xy = xy_norm * xy_norm.new_tensor((aspect, 1.0))
        weights = self.weights()
        with torch.no_grad():
            # the gradient of a maximum goes to one edge a cell: which one, is found map by map and without a tape,
            # for the lines of all edges of all maps would fill the memory
            strength = weights.log()[:, None]  # (E, 1)
            strongest = torch.stack(
                [
                    (
                        strength - segment_distance2(x, y, one[self.starts, None], one[self.ends, None]) / THICKNESS**2
                    ).argmax(0)
                    for one in xy
                ]
            )  # (B, P)
        start, end = (
            torch.take_along_dim(xy, ends_of[strongest][..., None], 1) for ends_of in (self.starts, self.ends)
        )  # (B, P, 2)
        lines = weights[strongest] * torch.exp(-segment_distance2(x, y, start, end) / THICKNESS**2)
        return lines.view(-1, 1, rows, cols)
