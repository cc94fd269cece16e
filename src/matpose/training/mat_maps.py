"""Simulated people on one mat, with their joints: what a model learns a new mat from, and is judged by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.errors import DatasetError
from matpose.mat import Mat
from matpose.quality import clean
from matpose.recording import JOINT_NAMES
from matpose.simulate.generate import recording_of
from matpose.simulate.scene import draw_readings
from matpose.simulate.workers import in_order
from matpose.training.data import UNFIT
from matpose.training.joint_maps import POSTURES, JointMaps

HEAD_TOP, THORAX = JOINT_NAMES.index("head_top"), JOINT_NAMES.index("thorax")


def mat_maps(
    mat: Mat,
    bodies: int,
    canvas: Canvas,
    *,
    readings: int,
    seed: int,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> JointMaps:
    """Bodies at rest on one mat, each read several times with a sensor of its own.

    Args:
        mat: any mat of known pitch.
        bodies: how many people, lain down once each.
        canvas: the grid of the network.
        readings: maps of each body.
        seed: of the population.
        workers: processes; the maps do not depend on their number.
        progress: told the number of bodies that are made.

    Raises:
        MatposeError: the mat's pitch is not known.
        DatasetError: nobody can be seen on it.
    """
    work = partial(_read, mat=mat, canvas=canvas, readings=readings, seed=seed)
    rows: list[dict[str, np.ndarray]] = []
    with closing(in_order(work, range(bodies), workers)) as people:
        for done, read in enumerate(people, 1):
            rows += read
            progress(done)
    if not rows:
        raise DatasetError(
            f"nobody can be simulated on a mat of {mat.height_m:.2f} x {mat.width_m:.2f} m",
            mend="check rows, columns and pitch",
        )
    return JointMaps(**{name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]})


def _read(index: int, *, mat: Mat, canvas: Canvas, readings: int, seed: int) -> list[dict[str, np.ndarray]]:
    """In a worker: the maps of one body, with the truth; none where next to nothing of it lies on the mat."""
    rows = []
    for sample in draw_readings(index, seed=seed, mats=[mat] * readings):
        recording = recording_of(sample, mat)
        if recording.flags[0] & np.uint16(UNFIT):
            continue
        cleaned, _ = clean(recording)
        origin_m = canvas.origin_over(cleaned)
        xy_m = sample.joints_m[:, :2] - np.array(origin_m)
        head_m = np.linalg.norm(sample.joints_m[HEAD_TOP] - sample.joints_m[THORAX])
        rows.append({
            "pressure": canvas.resample(cleaned.frames, mat, origin_m).astype(np.float16),
            "xy_norm": (2 * xy_m / (canvas.width_m, canvas.height_m) - 1).astype(np.float32),
            "contact": sample.joint_contact,
            "posture": np.int64(POSTURES.index(sample.posture)),
            "head_norm": np.float32(head_m / (canvas.height_m / 2)),
            "body": np.int64(index),
            "mat": np.int64(0),
        })  # fmt: skip
    return rows
