"""What a detector's backend answers, and what it says of itself: the same for torch and for ONNX."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from matpose.canvas import Canvas


class Found(NamedTuple):
    """What a backend answers for B maps; a net's outputs have these names, and this order.

    Args:
        points_xy_norm: (B, K, 2) discovered points in [-1, 1] over the canvas.
        points_spread_m: (B, K) radius of the points' heatmaps, metres.
        joints_xy_norm: (B, J, 2) named joints in [-1, 1] over the canvas; J = 0 without a joint head.
        joints_confidence: (B, J) in 0..1.
        joints_contact: (B, J) in 0..1.
        posture: (B, P) probabilities of the backend's ``postures``; P = 0 without a posture head.
    """

    points_xy_norm: np.ndarray
    points_spread_m: np.ndarray
    joints_xy_norm: np.ndarray
    joints_confidence: np.ndarray
    joints_contact: np.ndarray
    posture: np.ndarray


class Backend(Protocol):
    """A model behind the detector.

    Args:
        canvas: the grid it was trained on.
        points: K, how many points it discovers.
        joint_names: of its joints, in order.
        postures: of its posture head, in order.
        mats: how recordings of its training were read: ``rows``, ``cols``, ``rotate``, ``mirror``.
    """

    canvas: Canvas
    points: int
    joint_names: tuple[str, ...]
    postures: tuple[str, ...]
    mats: list[dict]

    def __call__(self, maps: np.ndarray) -> Found:
        """(B, H, W) float32 pressure on the canvas, in any unit, to :class:`Found`."""
        ...
