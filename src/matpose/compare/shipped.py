"""The model that ships beside the grid: what a user has without any training, which had a larger budget of its own."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

import numpy as np
import torch

from matpose.compare.look import Look
from matpose.compare.material import Material
from matpose.compare.recipe import CompareRecipe
from matpose.compare.row import measured
from matpose.recording import JOINT_NAMES
from matpose.runtime.detector import SHIPPED
from matpose.runtime.onnx_backend import OnnxBackend
from matpose.zoo.system import Answer

NAME = "matpose, as it ships (onnxruntime)"


def fits(recipe: CompareRecipe) -> bool:
    """Whether the grid's canvas is the model's own, looked at once and whole: it takes no other."""
    backend = _backend()
    return (
        backend.canvas == recipe.canvas and recipe.look == Look() and tuple(backend.joint_names) == tuple(JOINT_NAMES)
    )


def digest() -> str:
    """Which model it is."""
    return hashlib.sha256(SHIPPED.read_bytes()).hexdigest()[:8]


def shipped_row(recipe: CompareRecipe, material: Material) -> dict[str, Any]:
    """Its figures on the grid's test people, like those of :func:`matpose.compare.row.trained_row`.

    It has no curve and no rate.
    """
    return {"system": NAME, "seed": 0, **measured(shipped_answers, recipe, material, seed=0)}


def parameters() -> int:
    """Of what finds points and joints."""
    cost = json.loads(_backend().card["cost"])
    return sum(cost[part]["parameters"] for part in ("encoder", "joints"))


def shipped_answers(pressure: torch.Tensor) -> Answer:
    """Joints of (B, 1, H, W) pressure on the model's canvas; it also computes points, contact and posture."""
    found = _backend()(pressure[:, 0].numpy().astype(np.float32, copy=False))
    return Answer(torch.from_numpy(found.joints_xy_norm), torch.from_numpy(found.joints_confidence))


@cache
def _backend() -> OnnxBackend:
    return OnnxBackend(SHIPPED)
