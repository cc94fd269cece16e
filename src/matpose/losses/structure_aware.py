"""Structure-aware loss of MSS-Net (Ke et al., ECCV 2018, arXiv 1803.09894, section 3.3)."""

from __future__ import annotations

import torch

from matpose.losses.heatmap_mse import heatmap_mse


def structure_aware(
    heatmaps: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, groups: torch.Tensor, alpha: float
) -> torch.Tensor:
    """(1/N) sum_n |P_n - G_n|^2 + alpha sum_n |P_Sn - G_Sn|^2, both halved and per cell as :func:`heatmap_mse` is.

    P_Sn is the combined map of joint n and its neighbours, taken as their sum: errors of neighbours that lie in one
    place are dearer together than apart. (Maps side by side would only weigh a joint by its number of bones.)

    Args:
        heatmaps: (B, J, h, w), P.
        target: (B, J, h, w), G.
        weight: (B, J); a joint without weight takes part in no group.
        groups: (N, J) of 0 and 1, the joints of every S_n.
        alpha: of the groups; 0 leaves :func:`heatmap_mse`, for weights of 0 and 1.

    Returns:
        A scalar.
    """
    off = (weight[..., None, None] * (heatmaps - target)).flatten(2)  # (B, J, hw)
    together = (groups.to(off) @ off).square().mean(-1).sum(-1).mean()
    return heatmap_mse(heatmaps, target, weight) + 0.5 * alpha * together
