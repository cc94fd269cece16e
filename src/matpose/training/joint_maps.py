"""Simulated maps with their joints: what the joint head learns from, made once by many workers and kept in one file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.errors import DatasetError
from matpose.mat import preset
from matpose.quality import clean
from matpose.training.checkpoint import read_tensors, write_tensors

POSTURES = ("supine", "prone", "left", "right")
"""Classes of the posture head, in order."""

BODIES_A_PIECE = 16
PRONE = 8  # every so many bodies one is prone for certain, as sleepers seldom are


@dataclass(frozen=True)
class JointMaps:
    """N maps on one canvas, with the truth about who lies there.

    Args:
        pressure: (N, 1, H, W) float16, kPa.
        xy_norm: (N, 14, 2) float32, joints in [-1, 1] over the canvas; beyond it where a limb hangs over.
        contact: (N, 14) bool.
        posture: (N,) int64, index into ``POSTURES``.
        head_norm: (N,) float32, length of the head segment in half-heights of the canvas, on which PCKh stands.
        body: (N,) int64; maps of one body are maps of the same moment.
        mat: (N,) int64, index into the mats that were asked for.
    """

    pressure: torch.Tensor
    xy_norm: torch.Tensor
    contact: torch.Tensor
    posture: torch.Tensor
    head_norm: torch.Tensor
    body: torch.Tensor
    mat: torch.Tensor

    def __len__(self) -> int:
        return len(self.pressure)

    def select(self, chosen: torch.Tensor) -> JointMaps:
        """Some of them: (N,) bool, or indices."""
        return JointMaps(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def digest(self) -> str:
        """Short hash of all that is in them."""
        every = hashlib.sha256()
        for field in fields(self):
            every.update(getattr(self, field.name).contiguous().numpy().tobytes())
        return every.hexdigest()[:16]


def simulated_joint_maps(
    path: Path,
    bodies: int,
    canvas: Canvas,
    *,
    mats: Sequence[str],
    readings: int,
    seed: int,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> JointMaps:
    """Bodies at rest, each read several times, on the canvas; from the file where an earlier call left them.

    Args:
        path: a ``*.safetensors``.
        bodies: how many people, lain down once each.
        canvas: the grid of the network.
        mats: presets to draw from.
        readings: maps of each body.
        seed: of the population.
        workers: processes; the maps do not depend on their number.
        progress: told the number of bodies that are made.

    Raises:
        DatasetError: the file holds other maps.
    """
    asked = json.dumps({
        "bodies": bodies, "canvas": [canvas.rows, canvas.cols, canvas.cell_m], "mats": list(mats),
        "readings": readings, "seed": seed,
    })  # fmt: skip
    if path.is_file():
        tensors, head = read_tensors(path)
        if head.get("asked") != asked:
            raise DatasetError("other maps were kept there", mend="name another file, or remove it", path=path)
        return JointMaps(**tensors)
    from matpose.simulate.workers import in_order

    pieces = [range(start, min(start + BODIES_A_PIECE, bodies)) for start in range(0, bodies, BODIES_A_PIECE)]
    work = partial(_piece, canvas=canvas, mats=tuple(mats), readings=readings, seed=seed)
    made: list[dict[str, np.ndarray]] = []
    with closing(in_order(work, pieces, workers)) as finished:
        for piece, columns in zip(pieces, finished, strict=True):
            made.append(columns)
            progress(piece.stop)
    tensors = {name: torch.from_numpy(np.concatenate([columns[name] for columns in made])) for name in made[0]}
    write_tensors(path, tensors, {"asked": asked})
    return JointMaps(**tensors)


def _piece(indices: range, *, canvas: Canvas, mats: tuple[str, ...], readings: int, seed: int) -> dict[str, np.ndarray]:
    """In a worker: the maps of some bodies, as columns."""
    from matpose.simulate.generate import recording_of
    from matpose.simulate.scene import draw_readings
    from matpose.training.data import canvas_maps

    rows = []
    for index in indices:
        chosen = np.random.default_rng((seed, 4, index)).integers(len(mats), size=readings).tolist()
        on = [preset(mats[number]) for number in chosen]
        posture = "prone" if index % PRONE == 0 else None
        for number, mat, sample in zip(
            chosen, on, draw_readings(index, seed=seed, mats=on, posture=posture), strict=True
        ):
            recording, _ = clean(recording_of(sample, mat))  # where a large mat is cropped must not hang on a hot cell
            maps, _, _ = canvas_maps(recording, canvas)
            if not len(maps):  # next to nothing of the body lies on the mat
                continue
            origin = np.array(canvas.origin_over(recording))
            xy_m = sample.joints_m[:, :2]
            head_m = float(np.linalg.norm(sample.joints_m[13] - sample.joints_m[12]))
            rows.append({
                "pressure": maps.astype(np.float16),
                "xy_norm": ((xy_m - origin) / (canvas.width_m, canvas.height_m) * 2 - 1).astype(np.float32),
                "contact": sample.joint_contact,
                "posture": np.int64(POSTURES.index(sample.posture)),
                "head_norm": np.float32(head_m / (canvas.height_m / 2)),
                "body": np.int64(index),
                "mat": np.int64(number),
            })  # fmt: skip
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
