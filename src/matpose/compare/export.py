"""A trained system of the grid as one ONNX file: pressure in, joints out, for any ONNX runtime."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from matpose.atomic import atomic_path
from matpose.compare.fit import STAGE
from matpose.compare.grid import RECIPE_NAME, ROW_NAME, read_kept
from matpose.compare.recipe import CompareRecipe
from matpose.errors import ModelError
from matpose.nn.scaling import scale_free
from matpose.recording import JOINT_NAMES
from matpose.runtime.export import Exported, onnx_graph
from matpose.runtime.onnx_backend import INPUT
from matpose.runtime.parity import PEOPLE, parity_maps
from matpose.training.checkpoint import SafetensorsIO
from matpose.zoo.padding import padded, to_padded
from matpose.zoo.system import System
from matpose.zoo.systems import build_system

OUTPUTS = ("xy_norm", "score")
PARITY = 1e-3
"""Largest difference, of places in [-1, 1] and of scores; a peak is read between cells whose values are rounded."""


class OnPressure(nn.Module):
    """Scaling, empty cells around, the system: (1, 1, H, W) pressure in any unit to xy_norm (1, 14, 2), score (1, 14).

    Args:
        system: trained.
    """

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system = system

    def forward(self, pressure: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = padded(scale_free(pressure), self.system.backbone)
        found = self.system(x)
        size, larger = ((maps.shape[2], maps.shape[3]) for maps in (pressure, x))
        return to_padded(found.xy_norm, larger, size), found.score


def is_system(place: Path) -> bool:
    """Whether a folder is that of one system and seed of a grid."""
    return (place / ROW_NAME).is_file()


def export_system(place: Path, path: Path) -> Exported:
    """Write a system as it was at its best look; only if the file answers as the system does.

    The graph takes one map at a time, on the grid's canvas, which its metadata say.

    Args:
        place: folder of one system and seed.
        path: the file; replaced, if all goes well.

    Raises:
        MatposeError: a file there is damaged.
        ModelError: a system that did not train, or that saw crops, or one that the exporter cannot take, or a file that
            answers otherwise; nothing is written then.
    """
    row, asked = read_kept(place / ROW_NAME), read_kept(place.parent / RECIPE_NAME)
    if "failed" in row:
        raise ModelError(f"{row['system']} did not train: {row['failed']}", mend="export another one", path=place)
    choices = {key: value for key, value in asked.items() if key not in ("dataset", "version")}
    recipe = CompareRecipe(name=place.parent.name, systems=(row["system"],), **choices)
    if recipe.crop != "none":
        raise ModelError("it was trained on crops, which its graph would not make", mend="train with crop=none")
    module = OnPressure(trained_system(place, row, recipe)).eval()
    people = torch.from_numpy(parity_maps(recipe.canvas)[:PEOPLE])[:, None, None]
    with torch.inference_mode():
        expected = [module(one) for one in people]
    graph = onnx_graph(module, people[0], OUTPUTS, any_number=False)
    graph.model.metadata_props.update(_card(row, recipe))
    with atomic_path(path) as temporary:
        graph.save(temporary, external_data=False)
        parity = _differences(temporary, people, expected)
        if max(parity.values()) > PARITY:
            raise ModelError(f"the file answers otherwise than the system, by {parity}", mend="report this as a bug")
    return Exported(path, path.stat().st_size, parity)


def trained_system(place: Path, row: dict, recipe: CompareRecipe) -> System:
    """The system of a row, with the weights of its best look, in eval mode.

    Raises:
        ModelError: the weights are not there, not whole, or those of another version of the system.
    """
    system = build_system(row["system"], recipe.rows, recipe.cols, torch.rand(8, 14, 2))  # weights bring statistics
    kept = place / f"rate-{row['learning_rate']:g}" / "checkpoints" / f"{STAGE}-best.safetensors"
    state = SafetensorsIO().load_checkpoint(str(kept))["state_dict"]
    try:
        system.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})
    except RuntimeError:
        raise ModelError("weights of another version of the system", mend="train it again", path=kept) from None
    return system.eval()


def _differences(path: Path, people: torch.Tensor, expected: list[tuple[torch.Tensor, ...]]) -> dict[str, float]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = [session.run(list(OUTPUTS), {INPUT: one.numpy()}) for one in people]
    return {
        name: max(float(np.abs(np.asarray(a[k]) - b[k].numpy()).max()) for a, b in zip(found, expected, strict=True))
        for k, name in enumerate(OUTPUTS)
    }


def _card(row: dict, recipe: CompareRecipe) -> dict[str, str]:
    canvas = recipe.canvas
    return {
        "format": "matpose-system/1",
        "system": row["system"],
        "seed": str(row["seed"]),
        "samples": str(recipe.samples),
        "canvas": json.dumps({"rows": canvas.rows, "cols": canvas.cols, "cell_m": canvas.cell_m}),
        "joint_names": json.dumps(JOINT_NAMES),
        "outputs": "xy_norm in [-1, 1] over the canvas; score, the higher the surer",
        "notice": "Research use. Not a medical device.",
    }
