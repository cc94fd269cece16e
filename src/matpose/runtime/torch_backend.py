"""The torch backend of the detector."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.nn.fold import folded
from matpose.training.model_file import load_model


class Found(NamedTuple):
    """What a backend answers for B maps.

    Args:
        xy_norm: (B, K, 2) points in [-1, 1] over the canvas.
        spread_m: (B, K) radius of the points' heatmaps, metres.
        probabilities: (B, P) of the backend's ``postures``; P = 0 without a posture head.
    """

    xy_norm: np.ndarray
    spread_m: np.ndarray
    probabilities: np.ndarray


class TorchBackend:
    """A trained model behind the detector.

    Args:
        model: a run's folder or its model file.

    Raises:
        ModelError: no model there.
    """

    def __init__(self, model: str | PathLike[str]) -> None:
        trained = load_model(model)
        self.canvas: Canvas = trained.recipe.canvas
        self.postures = trained.postures
        self.points = trained.recipe.points
        self.mats: list[dict] = trained.facts.get("mats", [])
        self._heatmap_cell_m = self.canvas.cell_m * trained.recipe.stride
        self._efd = folded(trained.efd).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._posture = trained.posture

    @torch.inference_mode()
    def __call__(self, maps: np.ndarray) -> Found:
        """(B, H, W) float32 pressure on the canvas to :class:`Found`."""
        points = self._efd.points(torch.from_numpy(maps)[:, None])
        if self._posture is None:
            probabilities = torch.empty(len(maps), 0)
        else:
            xy = points.xy_norm * points.xy_norm.new_tensor((self.canvas.width_m / self.canvas.height_m, 1.0))
            probabilities = self._posture(xy, points.features).softmax(-1)
        return Found(points.xy_norm.numpy(), points.spread_cells.numpy() * self._heatmap_cell_m, probabilities.numpy())
