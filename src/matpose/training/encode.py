"""Points and features of many maps at once, as the posture nets take them."""

from __future__ import annotations

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.nn.efd import EFD, batches_that_fit


@torch.inference_mode()
def encode(efd: EFD, pressure: torch.Tensor, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Points of pressure maps.

    Args:
        efd: in eval mode.
        pressure: (N, 1, H, W), any unit.
        canvas: the grid of the maps.

    Returns:
        xy (N, K, 2) in half-heights of the canvas, origin at its centre; features (N, K, f).
    """
    found = [efd.points(part) for part in batches_that_fit(pressure)]
    stretch = torch.tensor((canvas.width_m / canvas.height_m, 1.0))
    xy = torch.cat([points.xy_norm for points in found]) * stretch
    return xy.numpy(), torch.cat([points.features for points in found]).numpy()
