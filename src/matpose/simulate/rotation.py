"""Quaternions (w, x, y, z), as MuJoCo has them."""

from __future__ import annotations

import numpy as np


def about(axis: int, angle_rad: float) -> np.ndarray:
    """Turn about an axis: (4,).

    Example:
        >>> about(0, np.pi).round(6).tolist()
        [0.0, 1.0, 0.0, 0.0]
    """
    quaternion = np.zeros(4)
    quaternion[0], quaternion[1 + axis] = np.cos(angle_rad / 2), np.sin(angle_rad / 2)
    return quaternion


def times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """First b, then a: (4,).

    Example:
        >>> times(about(2, 1.0), about(2, 0.5)).round(6).tolist() == about(2, 1.5).round(6).tolist()
        True
    """
    w, v, u, t = a[0], a[1:], b[0], b[1:]
    return np.concatenate([[w * u - v @ t], w * t + u * v + np.cross(v, t)])
