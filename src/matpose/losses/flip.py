"""Flip: a mirrored person has mirrored points, whose left and right channels are exchanged."""

from __future__ import annotations

import torch


def mirror_permutation(points: int) -> torch.Tensor:
    """Which channel is the other side of which: neighbours, and the last quarter, on the midline, their own.

    Args:
        points: K.

    Returns:
        (K,) int64, its own inverse.

    Example:
        >>> mirror_permutation(8).tolist()
        [1, 0, 3, 2, 5, 4, 6, 7]
    """
    index = torch.arange(points)
    paired = 2 * (3 * points // 8)
    return torch.where(index < paired, index ^ 1, index)


def flip_loss(flipped_xy: torch.Tensor, xy: torch.Tensor) -> torch.Tensor:
    """mean_k |p_k(flip A) - flip p_pi(k)(A)|, pi = :func:`mirror_permutation`.

    Args:
        flipped_xy: (B, K, 2) points of the mirrored map; x = 0 is the canvas's midline.
        xy: (B, K, 2) points of the map itself. No gradient flows to them.

    Returns:
        Scalar, in the points' unit.

    Example:
        >>> xy = torch.tensor([[[0.2, 0.0], [-0.5, 1.0]]])
        >>> float(flip_loss(xy * torch.tensor([-1.0, 1.0]), xy))  # two points of K = 2 have no other side
        0.0
    """
    mirrored = xy.detach()[:, mirror_permutation(xy.shape[1])] * xy.new_tensor((-1.0, 1.0))
    return (flipped_xy - mirrored).norm(dim=-1).mean()
