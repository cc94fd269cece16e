"""Simulated people on one mat, with their joints: what a model learns a new mat from, and is judged by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial

from matpose.canvas import Canvas
from matpose.errors import DatasetError
from matpose.mat import Mat
from matpose.training.joint_maps import JointMaps, Row, rows_of_body, stacked
from matpose.workers import in_order


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
    rows: list[Row] = []
    work = partial(_read, mats=[mat] * readings, canvas=canvas, seed=seed)
    with closing(in_order(work, range(bodies), workers)) as people:
        for done, read in enumerate(people, 1):
            rows += read
            progress(done)
    if not rows:
        raise DatasetError(
            f"nobody can be simulated on a mat of {mat.height_m:.2f} x {mat.width_m:.2f} m",
            mend="check rows, columns and pitch",
        )
    return stacked(rows)


def _read(index: int, *, mats: list[Mat], canvas: Canvas, seed: int) -> list[Row]:
    """In a worker: the maps of one body."""
    return rows_of_body(index, mats, [0] * len(mats), canvas, seed=seed)
