"""Checkpoints without pickle: tensors in safetensors, everything else as JSON in its header, one file, atomic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from matpose.atomic import atomic_path
from matpose.errors import ModelError


def pack(tree: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Replace every tensor in nested dictionaries and lists by a reference, and collect it in ``tensors``.

    Raises:
        TypeError: a value that JSON cannot hold; a checkpoint must not lose anything in silence.
    """
    if isinstance(tree, torch.Tensor):
        key = f"t{len(tensors)}"
        tensors[key] = tree.detach().cpu().contiguous().clone()
        return {"tensor": key}
    if isinstance(tree, dict):
        return {"items": [[pack(key, tensors), pack(value, tensors)] for key, value in tree.items()]}
    if isinstance(tree, tuple):
        return {"tuple": [pack(value, tensors) for value in tree]}
    if isinstance(tree, list):
        return [pack(value, tensors) for value in tree]
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if isinstance(tree, Path):
        return str(tree)
    raise TypeError(f"a checkpoint cannot hold a {type(tree).__name__}")


def unpack(tree: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Undo :func:`pack`.

    Example:
        >>> held = {}
        >>> unpack(pack({1: (torch.ones(2), "a")}, held), held)
        {1: (tensor([1., 1.]), 'a')}
    """
    if isinstance(tree, list):
        return [unpack(value, tensors) for value in tree]
    if isinstance(tree, dict):
        if "tensor" in tree:
            return tensors[tree["tensor"]]
        if "tuple" in tree:
            return tuple(unpack(value, tensors) for value in tree["tuple"])
        return {unpack(key, tensors): unpack(value, tensors) for key, value in tree["items"]}
    return tree


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], facts: dict[str, str]) -> None:
    """One atomic safetensors file with ``facts`` in its header."""
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=facts)


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and header facts of a safetensors file.

    Raises:
        ModelError: not a whole safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"not a whole model file ({error})", mend="train again, or copy it anew", path=path) from None


class SafetensorsIO(CheckpointIO):
    """Lightning's checkpoints through :func:`pack`: weights, optimiser, scheduler and loops, no pickle."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        tensors: dict[str, torch.Tensor] = {}
        tree = pack(checkpoint, tensors)
        write_tensors(Path(path), tensors, {"checkpoint": json.dumps(tree)})

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        tensors, facts = read_tensors(Path(path))
        if "checkpoint" not in facts:
            raise ModelError("this is a model, not a checkpoint", mend="resume from a run's folder", path=path)
        return unpack(json.loads(facts["checkpoint"]), tensors)

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)
