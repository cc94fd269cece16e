"""Rotations as six numbers, without the jumps that angles and quaternions have.

Source: Zhou, Barnes, Lu, Yang and Li, "On the Continuity of Rotation Representations in Neural Networks", CVPR 2019,
arXiv 1812.07035: the first two columns of the matrix, which Gram and Schmidt make orthonormal again.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

NO_TURN = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def turn_of(six: torch.Tensor) -> torch.Tensor:
    """Six numbers to the rotation matrix that they stand for.

    Args:
        six: (..., 6), two columns of any length; neither is zero nor along the other.

    Returns:
        (..., 3, 3).

    Example:
        >>> turn_of(torch.tensor([0.0, 2.0, 0.0, -3.0, 1.0, 0.0])).int().tolist()
        [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    """
    first = F.normalize(six[..., :3], dim=-1)
    rest = six[..., 3:]
    second = F.normalize(rest - (first * rest).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack((first, second, torch.linalg.cross(first, second)), -1)


def six_of(turn: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (..., 3, 3) to their first two columns, (..., 6).

    Example:
        >>> tuple(six_of(torch.eye(3)).tolist()) == NO_TURN
        True
    """
    return turn[..., :2].mT.flatten(-2)
