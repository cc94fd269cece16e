"""Two people on one mat: pairs of maps to learn grouping from, and simulated couples to be tested on."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from matpose.canvas import Canvas
from matpose.errors import DatasetError
from matpose.mat import preset
from matpose.quality import clean
from matpose.training.checkpoint import read_tensors, write_tensors
from matpose.training.data import UNFIT
from matpose.training.joint_maps import HEAD_TOP, THORAX
from matpose.zoo.padding import to_padded
from matpose.zoo.system import Truth

MAT = "carpet"  # the preset on which two have room
APART_M = (0.7, 1.0)  # between the middles of two maps laid over each other; on the mat they lie some 0.9 apart


@dataclass(frozen=True)
class Couples:
    """N maps of two people each.

    Args:
        pressure: (N, 1, H, W) float16, kPa.
        xy_norm: (N, 2, 14, 2) float32, in [-1, 1] over the map.
        head_norm: (N, 2) float32, length of the head segment in half-heights.
    """

    pressure: torch.Tensor
    xy_norm: torch.Tensor
    head_norm: torch.Tensor

    def __len__(self) -> int:
        return len(self.pressure)


def couple_canvas(canvas: Canvas) -> Canvas:
    """The canvas, wide enough for two.

    Example:
        >>> couple_canvas(Canvas()).cols, couple_canvas(Canvas(256, 256, 0.010)).cols
        (64, 256)
    """
    cells = ceil(preset(MAT).width_m / canvas.cell_m / 8) * 8
    return Canvas(canvas.rows, max(canvas.cols, cells), canvas.cell_m)


def simulated_couples(
    path: Path,
    count: int,
    canvas: Canvas,
    *,
    seed: int,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> Couples:
    """Couples at rest on :data:`MAT`; from the file where an earlier call left them.

    Args:
        path: a ``*.safetensors``.
        count: how many.
        canvas: the grid of the systems; the maps are on :func:`couple_canvas` of it.
        seed: of the population.
        workers: processes.
        progress: told the number that are made.

    Raises:
        DatasetError: the file holds others.
    """
    wide = couple_canvas(canvas)
    asked = json.dumps({"couples": count, "canvas": [wide.rows, wide.cols, wide.cell_m], "mat": MAT, "seed": seed})
    if path.is_file():
        tensors, head = read_tensors(path)
        if head.get("asked") != asked:
            raise DatasetError("other couples were kept there", mend="name another file, or remove it", path=path)
        return Couples(**tensors)
    from matpose.workers import in_order

    found = []
    with closing(in_order(partial(_couple, canvas=wide, seed=seed), range(count), workers)) as made:
        for done, one in enumerate(made, 1):
            found += one
            progress(done)
    tensors = {
        name: torch.from_numpy(np.stack([one[name] for one in found])) for name in ("pressure", "xy_norm", "head_norm")
    }
    write_tensors(path, tensors, {"asked": asked})
    return Couples(**tensors)


def _couple(index: int, *, canvas: Canvas, seed: int) -> list[dict[str, np.ndarray]]:
    """In a worker: one couple, or nothing where the map is unfit."""
    from matpose.simulate.couple import draw_couple
    from matpose.simulate.generate import recording_of

    mat = preset(MAT)
    sample = draw_couple(index, seed=seed, mat=mat)
    recording = recording_of(sample, mat)
    if recording.flags[0] & np.uint16(UNFIT) or sample.partner is None:
        return []
    recording, _ = clean(recording)
    origin_m = canvas.origin_over(recording)
    joints_m = np.stack((sample.joints_m, sample.partner.joints_m))
    head_m = np.linalg.norm(joints_m[:, HEAD_TOP] - joints_m[:, THORAX], axis=-1)
    xy_norm = 2 * (joints_m[..., :2] - np.array(origin_m)) / (canvas.width_m, canvas.height_m) - 1
    return [{
        "pressure": canvas.resample(recording.frames, mat, origin_m).astype(np.float16),
        "xy_norm": xy_norm.astype(np.float32),
        "head_norm": (head_m / (canvas.height_m / 2)).astype(np.float32),
    }]  # fmt: skip


def side_by_side(
    pressure: torch.Tensor, truth: Truth, canvas: Canvas, generator: torch.Generator
) -> tuple[torch.Tensor, Truth]:
    """Pairs out of maps of one person each, as a mat for two would read them: where both press, loads add.

    Args:
        pressure: (B, 1, H, W) on the canvas; every map lies left in one pair and right in another.
        truth: of them.
        canvas: the grid.
        generator: draws how far apart they lie.

    Returns:
        Pressure (B, 1, H, W') on :func:`couple_canvas`, and a truth with an axis of two people after B.
    """
    size, wide = (canvas.rows, canvas.cols), couple_canvas(canvas)
    low, high = APART_M
    apart_m = low + (high - low) * float(torch.rand((), generator=generator))
    apart = round(apart_m / canvas.cell_m)
    first = (wide.cols - canvas.cols - apart) // 2
    both, places = pressure.new_zeros(len(pressure), 1, wide.rows, wide.cols), []
    order = (torch.arange(len(pressure)), torch.arange(len(pressure)).roll(1))
    for start, whose in zip((first, first + apart), order, strict=True):
        both = both + F.pad(pressure[whose], (start, wide.cols - canvas.cols - start))
        aside = truth.xy_norm.new_tensor((2 * (start + canvas.cols / 2) / wide.cols - 1, 0.0))
        places.append(to_padded(truth.xy_norm[whose], size, (wide.rows, wide.cols)) + aside)
    xy_norm = torch.stack(places, 1)
    contact, weight = (torch.stack([part[whose] for whose in order], 1) for part in (truth.contact, truth.weight))
    return both, Truth(xy_norm, contact, weight * (xy_norm.abs() <= 1).all(-1))
