"""What a model says of itself: its cost, and the metadata that an exported file carries."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import torch

from matpose import __version__
from matpose.evaluation.cost import conv_macs, paper_convention, parameters
from matpose.nn.efd import EFD
from matpose.nn.pose_net import PoseNet
from matpose.runtime.onnx_backend import FORMAT
from matpose.training.model_file import NOTICE, TrainedModel
from matpose.training.recipe import Recipe

LICENCE = "Apache-2.0; a model also stands under the terms of the recordings that it learned from"
PEOPLE = ("train_subjects", "validation_subjects")


def costs(efd: EFD, recipe: Recipe, joints: PoseNet | None = None) -> dict:
    """Parameters and multiplications of a keypoint model, as `matpose info` prints them.

    Args:
        efd: the keypoint model.
        recipe: of that model.
        joints: the same with a joint head, if there is one.
    """
    x = torch.zeros(1, 1, recipe.rows, recipe.cols)
    encoder_macs = conv_macs(efd.encoder, x)
    return {
        "name": recipe.name,
        "parameters": parameters(efd if joints is None else joints),
        "encoder": {
            "parameters": parameters(efd.encoder),
            "conv_macs": encoder_macs,
            "input": list(x.shape),
        },
        "fuser": {"parameters": parameters(efd.fuser)},
        "decoder": {"parameters": parameters(efd.decoder), "conv_macs": conv_macs(efd, x) - encoder_macs},
        **({} if joints is None else {"joints": _head_costs(joints, x, encoder_macs)}),
        "paper_convention": paper_convention(efd.encoder, x) if recipe.blocks == "paper" else None,
    }


def _head_costs(joints: PoseNet, x: torch.Tensor, encoder_macs: int) -> dict:
    return {"parameters": parameters(joints.head), "conv_macs": conv_macs(joints, x) - encoder_macs}


def card(model: TrainedModel, joint_names: tuple[str, ...]) -> dict[str, str]:
    """Metadata of an exported model; all but words are JSON.

    A file travels further than a run's folder, so people are counted in it, not named.

    Args:
        model: the trained model.
        joint_names: of its joints, in order.
    """
    recipe = model.recipe
    facts = {key: len(value) if key in PEOPLE else value for key, value in model.facts.items() if key != "mats"}
    return {
        "format": FORMAT,
        "name": recipe.name,
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "licence": LICENCE,
        "notice": NOTICE,
        "recipe": json.dumps(recipe.model_dump()),
        "canvas": json.dumps({"rows": recipe.rows, "cols": recipe.cols, "cell_m": recipe.canvas.cell_m}),
        "points": json.dumps(recipe.points),
        "joint_names": json.dumps(joint_names),
        "postures": json.dumps(model.postures),
        "mats": json.dumps(model.facts.get("mats", [])),
        "facts": json.dumps(facts),
        "cost": json.dumps(costs(model.efd, recipe, model.joints)),
    }
