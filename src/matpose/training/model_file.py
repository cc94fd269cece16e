"""A trained model in one safetensors file: weights, recipe, posture head, and how it came to be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

import torch

from matpose import __version__
from matpose.errors import ModelError
from matpose.evaluation.posture_fit import Graph
from matpose.nn.efd import EFD
from matpose.nn.pose_net import PoseNet
from matpose.nn.posture_graph import PostureGraphNet
from matpose.training.build import build_efd, build_pose_net
from matpose.training.checkpoint import read_tensors, write_tensors
from matpose.training.recipe import Recipe

FORMAT = "matpose-model/1"
FILE_NAME = "model.safetensors"
NOTICE = "Research use. Not a medical device."


@dataclass(frozen=True)
class TrainedModel:
    """Everything prediction needs, in eval mode.

    Args:
        efd: the keypoint model.
        recipe: what it was trained by.
        posture: the posture head on points, or None.
        postures: classes of the posture head, or of the joint head, in order.
        facts: plain values for people: data, metrics, versions.
        joints: the same keypoint model with a joint head, which also says the posture; or None.
    """

    efd: EFD
    recipe: Recipe
    posture: PostureGraphNet | None = None
    postures: tuple[str, ...] = ()
    facts: dict = field(default_factory=dict)
    joints: PoseNet | None = None


def posture_net(recipe: Recipe, classes: int) -> PostureGraphNet:
    """The shipped kind of posture head: GraphSAGE on coordinates and features over the kNN graph."""
    graph = Graph()
    neighbours = min(graph.neighbours, recipe.points - 1)
    return PostureGraphNet(graph.layer, recipe.points, recipe.features, classes, neighbours=neighbours)


def save_model(path: Path, model: TrainedModel) -> None:
    """Write the model, whole or not at all."""
    tensors = {f"efd.{key}": value.contiguous() for key, value in model.efd.state_dict().items()}
    if model.posture is not None:
        tensors |= {f"posture.{key}": value.contiguous() for key, value in model.posture.state_dict().items()}
    if model.joints is not None:
        every = model.joints.state_dict().items()
        tensors |= {f"joints.{key}": value.contiguous() for key, value in every if not key.startswith("efd.")}
    head = {
        "format": FORMAT,
        "matpose": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "notice": NOTICE,
        "recipe": json.dumps(model.recipe.model_dump()),
        "postures": json.dumps(list(model.postures)),
        "facts": json.dumps(model.facts),
    }
    write_tensors(path, tensors, head)


def load_model(path: str | PathLike[str]) -> TrainedModel:
    """Read a model from its file or its run's folder.

    Raises:
        ModelError: not there, not whole, or from another version of the format.
    """
    file = Path(path)
    if file.is_dir():
        file = file / FILE_NAME
    if not file.is_file():
        raise ModelError("there is no trained model here", mend="train one: matpose train DATA -o RUN", path=file)
    tensors, head = read_tensors(file)
    if head.get("format") != FORMAT:
        raise ModelError(
            f"not a model of format {FORMAT}", mend="give a run's folder or its model.safetensors", path=file
        )
    try:
        recipe = Recipe(**json.loads(head["recipe"]))
        postures = tuple(json.loads(head["postures"]))
        efd = build_efd(recipe)
        efd.load_state_dict(_part(tensors, "efd."))
        of_joints = _part(tensors, "joints.")
        joints = build_pose_net(efd, recipe) if of_joints else None
        if joints is not None:
            joints.load_state_dict(of_joints | _part(tensors, "efd.", keep="efd."))
        posture = posture_net(recipe, len(postures)) if postures and joints is None else None
        if posture is not None:
            posture.load_state_dict(_part(tensors, "posture."))
        facts = json.loads(head["facts"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        problem = str(error).splitlines()[0]
        raise ModelError(f"the model does not fit this version ({problem})", mend="train it again", path=file) from None
    efd = efd.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return TrainedModel(
        efd.eval(), recipe, posture.eval() if posture else None, postures, facts, joints.eval() if joints else None
    )


def _part(tensors: dict[str, torch.Tensor], prefix: str, keep: str = "") -> dict[str, torch.Tensor]:
    return {keep + key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
