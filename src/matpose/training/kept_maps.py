"""A run keeps maps of its validation people, so that its report can be drawn again without the recordings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from matpose.canvas import Canvas
from matpose.errors import ModelError
from matpose.training.checkpoint import read_tensors, write_tensors
from matpose.training.data import Maps

KEPT_NAME = "validation.safetensors"
MOST = 192  # 1.6 MB on the native canvas


def keep_maps(path: Path, maps: Maps) -> None:
    """Write at most ``MOST`` of the maps, evenly spaced, whole or not at all; no pickle.

    Args:
        path: the file.
        maps: those on which the best epoch is chosen.
    """
    chosen = maps.select(np.linspace(0, len(maps) - 1, min(MOST, len(maps))).round().astype(int))
    tensors = {name: getattr(chosen, name).contiguous() for name in ("pressure", "threshold", "mat", "coverage")}
    names = {name: json.dumps(getattr(chosen, name).tolist()) for name in ("subject", "recording", "posture")}
    canvas = {name: getattr(maps.canvas, name) for name in ("rows", "cols", "cell_m")}
    write_tensors(path, tensors, {**names, "canvas": json.dumps(canvas)})


def kept_maps(path: Path) -> Maps:
    """The maps that :func:`keep_maps` wrote.

    Raises:
        ModelError: not there, or not whole.
    """
    if not path.is_file():
        raise ModelError("the run keeps no maps of its validation people", mend="train again", path=path)
    tensors, facts = read_tensors(path)
    try:
        return Maps(
            **tensors,
            subject=np.array(json.loads(facts["subject"])),
            recording=np.array(json.loads(facts["recording"])),
            posture=np.array(json.loads(facts["posture"])),
            canvas=Canvas(**json.loads(facts["canvas"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"not the maps of a run ({error})", mend="train again", path=path) from None
