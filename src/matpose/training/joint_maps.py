"""Simulated maps with their joints: what the joint head learns from, made once by many workers and kept in one file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.errors import DatasetError
from matpose.mat import Mat, preset
from matpose.quality import clean
from matpose.recording import JOINT_NAMES
from matpose.training.checkpoint import read_tensors, write_tensors
from matpose.training.data import UNFIT
from matpose.zoo.part_labels import part_labels

POSTURES = ("supine", "prone", "left", "right")
"""Classes of the posture head, in order."""

ANY = "any"
"""In place of a preset: another mat at random each time."""

BODIES_A_PIECE = 16
PRONE = 8  # every so many bodies one is prone for certain, as sleepers seldom are
HEAD_TOP, THORAX = JOINT_NAMES.index("head_top"), JOINT_NAMES.index("thorax")

Row = dict[str, np.ndarray | np.generic]


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
        joints_xyz_m: (N, 14, 3) float32, joints from the canvas's head-left corner, x across, y to the foot, z up from
            the unloaded mat; None where nobody asked for details.
        parts: (N, H, W) int8, of :func:`matpose.zoo.part_labels.part_labels`; None likewise.
    """

    pressure: torch.Tensor
    xy_norm: torch.Tensor
    contact: torch.Tensor
    posture: torch.Tensor
    head_norm: torch.Tensor
    body: torch.Tensor
    mat: torch.Tensor
    joints_xyz_m: torch.Tensor | None = None
    parts: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.pressure)

    @property
    def columns(self) -> dict[str, torch.Tensor]:
        """All that are there, by name."""
        every = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: column for name, column in every.items() if column is not None}

    def select(self, chosen: torch.Tensor) -> JointMaps:
        """Some of them: (N,) bool, or indices."""
        return JointMaps(**{name: column[chosen] for name, column in self.columns.items()})

    def joined(self, other: JointMaps) -> JointMaps:
        """These and maps of other bodies, whose numbers go on where these end; details if both have them."""
        more = replace(other, body=other.body + int(self.body.max()) + 1).columns
        return JointMaps(**{
            name: torch.cat((column, more[name])) for name, column in self.columns.items() if name in more
        })  # fmt: skip

    def digest(self) -> str:
        """Short hash of all that is in them."""
        every = hashlib.sha256()
        for column in self.columns.values():
            every.update(column.contiguous().numpy().tobytes())
        return every.hexdigest()[:16]


def simulated_joint_maps(
    path: Path,
    bodies: int,
    canvas: Canvas,
    *,
    mats: Sequence[str],
    readings: int,
    seed: int,
    kind: str = "light",
    detail: bool = False,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> JointMaps:
    """Bodies at rest, each read several times, on the canvas; from the file where an earlier call left them.

    Args:
        path: a ``*.safetensors``.
        bodies: how many people, lain down once each.
        canvas: the grid of the network.
        mats: presets to draw from, and ``ANY``.
        readings: maps of each body.
        seed: of the population.
        kind: of bodies, as for :func:`matpose.simulate.scene.draw_body`.
        detail: keep joints in space and body parts too.
        workers: processes; the maps do not depend on their number.
        progress: told the number of bodies that are made.

    Raises:
        DatasetError: the file holds other maps.
    """
    asked = json.dumps({
        "bodies": bodies, "canvas": [canvas.rows, canvas.cols, canvas.cell_m], "mats": list(mats),
        "readings": readings, "seed": seed, "kind": kind, **({"detail": True} if detail else {}),
    })  # fmt: skip
    if path.is_file():
        tensors, head = read_tensors(path)
        if head.get("asked") != asked:
            raise DatasetError("other maps were kept there", mend="name another file, or remove it", path=path)
        return JointMaps(**tensors)
    from matpose.workers import in_order

    pieces = [range(start, min(start + BODIES_A_PIECE, bodies)) for start in range(0, bodies, BODIES_A_PIECE)]
    work = partial(_piece, canvas=canvas, mats=tuple(mats), readings=readings, seed=seed, kind=kind, detail=detail)
    rows: list[Row] = []
    with closing(in_order(work, pieces, workers)) as finished:
        for piece, read in zip(pieces, finished, strict=True):
            rows += read
            progress(piece.stop)
    maps = stacked(rows)
    write_tensors(path, maps.columns, {"asked": asked})
    return maps


def stacked(rows: Sequence[Row]) -> JointMaps:
    """One map a row, of :func:`rows_of_body`."""
    return JointMaps(**{name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]})


def rows_of_body(
    index: int,
    mats: Sequence[Mat],
    numbers: Sequence[int],
    canvas: Canvas,
    *,
    seed: int,
    posture: str | None = None,
    kind: str = "light",
    detail: bool = False,
) -> list[Row]:
    """One body at rest, read once by each mat: a row of :class:`JointMaps` each, where enough of it lies on the mat.

    Args:
        index, seed: which body, as for :func:`matpose.simulate.scene.draw_readings`.
        mats: one reading each.
        numbers: what each of them is called in ``JointMaps.mat``.
        canvas: the grid of the network.
        posture: one of ``POSTURES``, else as sleepers choose.
        kind, detail: as for :func:`simulated_joint_maps`.
    """
    from matpose.simulate.generate import recording_of
    from matpose.simulate.scene import draw_readings

    rows: list[Row] = []
    for number, mat, sample in zip(
        numbers, mats, draw_readings(index, seed=seed, mats=mats, posture=posture, bodies=kind), strict=True
    ):
        recording = recording_of(sample, mat)
        if recording.flags[0] & np.uint16(UNFIT):
            continue
        recording, _ = clean(recording)  # where a large mat is cropped must not hang on a hot cell
        origin_m = canvas.origin_over(recording)
        xy_m = sample.joints_m[:, :2] - np.array(origin_m)
        head_m = float(np.linalg.norm(sample.joints_m[HEAD_TOP] - sample.joints_m[THORAX]))
        row: Row = {
            "pressure": canvas.resample(recording.frames, mat, origin_m).astype(np.float16),
            "xy_norm": (2 * xy_m / (canvas.width_m, canvas.height_m) - 1).astype(np.float32),
            "contact": sample.joint_contact,
            "posture": np.int64(POSTURES.index(sample.posture)),
            "head_norm": np.float32(head_m / (canvas.height_m / 2)),
            "body": np.int64(index),
            "mat": np.int64(number),
        }  # fmt: skip
        if detail:
            row["joints_xyz_m"] = np.column_stack((xy_m, sample.joints_m[:, 2])).astype(np.float32)
            row["parts"] = part_labels(sample.parts[None], mat, canvas, origin_m)[0]
        rows.append(row)
    return rows


def _piece(
    indices: range, *, canvas: Canvas, mats: tuple[str, ...], readings: int, seed: int, kind: str, detail: bool
) -> list[Row]:
    """In a worker: the maps of some bodies."""
    from matpose.simulate.any_mat import draw_mat

    rows = []
    for index in indices:
        chance = np.random.default_rng((seed, 4, index))
        numbers = chance.integers(len(mats), size=readings).tolist()
        on = [draw_mat(chance) if mats[number] == ANY else preset(mats[number]) for number in numbers]
        posture = "prone" if index % PRONE == 0 else None
        rows += rows_of_body(index, on, numbers, canvas, seed=seed, posture=posture, kind=kind, detail=detail)
    return rows
