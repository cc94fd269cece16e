"""Cross-entropy of a softmax heatmap with a narrow Gaussian on the truth."""

from __future__ import annotations

import torch

from matpose.losses.weighted import weighted_mean

SIGMA_CELLS = 0.5  # of a heatmap: how wide the Gaussians are that joints are learned with


def heatmap_cross_entropy(
    logits: torch.Tensor, places: torch.Tensor, truth: torch.Tensor, *, sigma: float, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean over joints of -sum_u G(u) log P(u), P the softmax of the logits, G a Gaussian whose sum is 1.

    Its gradient is P - G, as strong where a heatmap is sure of a wrong place as where it knows nothing yet. These are
    SimCC's smoothed labels (Li et al., ECCV 2022, arXiv 2107.03332) in two dimensions. Of a joint beyond the cells, G
    lies on the nearest ones.

    Args:
        logits: (B, J, h, w).
        places: (B, hw, 2) of the cells, in the frame of ``truth``.
        truth: (B, J, 2).
        sigma: of the Gaussian, in that frame's unit; some half a cell.
        weight: (B, J), 0 for a joint that must not be learned from; by default all count.

    Returns:
        A scalar; at its least the entropy of G.

    Example:
        >>> places = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]])
        >>> even = torch.zeros(1, 1, 1, 2)
        >>> round(heatmap_cross_entropy(even, places, torch.tensor([[[1.0, 0.0]]]), sigma=0.1).item(), 4)  # log 2
        0.6931
    """
    target = (-torch.cdist(truth, places).square() / (2 * sigma**2)).softmax(-1)
    each = -(target * logits.flatten(2).log_softmax(-1)).sum(-1)
    return each.mean() if weight is None else weighted_mean(each, weight)
