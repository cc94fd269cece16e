"""The torch backend of the detector: a run's folder, or its model file."""

from __future__ import annotations

from os import PathLike

import numpy as np
import torch

from matpose.nn.fold import folded
from matpose.runtime.found import Found
from matpose.runtime.pose_module import pose_module
from matpose.training.model_file import load_model


class TorchBackend:
    """A trained model behind the detector; see :class:`matpose.runtime.found.Backend`.

    Args:
        model: a run's folder or its model file.

    Raises:
        ModelError: no model there.
    """

    def __init__(self, model: str | PathLike[str]) -> None:
        trained = load_model(model)
        module, self.joint_names = pose_module(trained)
        self.canvas = trained.recipe.canvas
        self.points = trained.recipe.points
        self.postures = trained.postures
        self.mats: list[dict] = trained.facts.get("mats", [])
        self._module = folded(module).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @torch.inference_mode()
    def __call__(self, maps: np.ndarray) -> Found:
        """(B, H, W) float32 pressure on the canvas to :class:`Found`."""
        return Found(*(tensor.numpy() for tensor in self._module(torch.from_numpy(maps)[:, None])))
