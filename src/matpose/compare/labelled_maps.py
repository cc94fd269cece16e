"""Recordings with joints, as maps to learn from and to be tested on: SLP where one has it, or anybody's own files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.datasets import load
from matpose.errors import DatasetError
from matpose.quality import clean
from matpose.recording import Recording
from matpose.training.checkpoint import read_tensors, write_tensors
from matpose.training.data import UNFIT
from matpose.training.joint_figures import local_pressure
from matpose.training.joint_maps import HEAD_TOP, POSTURES, THORAX, JointMaps, Row, stacked

PARTS = ("training", "validation", "seen")
SLP_LAST = (80, 90, 102)  # numbers of the last training, validation and test subject
FRAMES = 64  # of a recording, evenly spaced: a film's neighbours are nearly alike
PRESSES = 0.05
"""Local pressure from which a joint counts as in contact where nobody knows. On simulated maps it agrees with the
truth in 77 to 79 of 100 joints, and "always in contact" in 76: a stand-in and no more."""
RAW_PEAK = 100.0
HEAD_M = 0.264  # mean head segment of simulated people, where a dataset knows neither its top nor the thorax


def labelled_joint_maps(
    folder: Path, spec: str, canvas: Canvas, *, progress: Callable[[int], object] = lambda maps: None
) -> dict[str, JointMaps]:
    """Maps to learn from, to choose by and to test on, of different people; from the files an earlier call left.

    SLP is split by subject, 1-80, 81-90 and 91-102; of other datasets the subjects, in the order in which they come,
    in the same shares. Joints that nobody knows are NaN. Contact, where a dataset does not know it, is
    :func:`contact_by_pressure`; postures beyond ``POSTURES`` are -1. The head segment is measured in the plane where
    joints have no height, as SLP's own score does. Frames with a second person are left out.

    Args:
        folder: takes ``training.safetensors``, ``validation.safetensors`` and ``seen.safetensors``.
        spec: of a dataset with joints, as for :func:`matpose.datasets.load`.
        canvas: the grid of the systems.
        progress: told how many maps are read.

    Returns:
        ``PARTS``; ``body`` is the number of the recording.

    Raises:
        DatasetError: no joints, fewer than three people, a part of SLP that is not there, or other maps in the folder.
    """
    files = {part: folder / f"{part}.safetensors" for part in PARTS}
    asked = {part: json.dumps({"joints": spec, "part": part, "canvas": _told(canvas)}) for part in PARTS}
    if all(file.is_file() for file in files.values()):
        return {part: _kept(files[part], asked[part]) for part in PARTS}
    rows: list[Row] = []
    subjects: list[str] = []
    for number, recording in enumerate(load(spec)):
        read = rows_of_recording(recording, number, canvas)
        rows += read
        subjects += [recording.subject or recording.name or str(number)] * len(read)
        progress(len(rows))
    if not rows:
        raise DatasetError(
            f"{spec!r} holds no joints", mend="name a dataset that knows them, such as slp:PATH, or joints=simulated"
        )
    maps = stacked(rows)
    part_of = split_by_subject(subjects)
    found: dict[str, JointMaps] = {}
    for number, part in enumerate(PARTS):
        chosen = torch.tensor([part_of[subject] == number for subject in subjects])
        if not chosen.any():
            raise DatasetError(f"{spec!r} has nobody for {part}", mend=f"SLP's people end at {SLP_LAST}: fetch them")
        found[part] = maps.select(chosen)
    for part in PARTS:
        write_tensors(files[part], found[part].columns, {"asked": asked[part]})
    return found


def split_by_subject(subjects: Iterable[str]) -> dict[str, int]:
    """Subject to the index of their part in ``PARTS``.

    Raises:
        DatasetError: fewer than three subjects.

    Example:
        >>> split_by_subject(["slp/90", "slp/7", "slp/91", "slp/7"])
        {'slp/90': 1, 'slp/7': 0, 'slp/91': 2}
        >>> list(split_by_subject(f"a/{number}" for number in range(10)).values())
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    """
    names = list(dict.fromkeys(subjects))
    if all(re.fullmatch(r"slp/\d+", name) for name in names):
        return {name: int(np.searchsorted(SLP_LAST, int(name[4:]))) for name in names}
    if len(names) < len(PARTS):
        raise DatasetError(
            f"joints of {len(names)} people only", mend="give three or more, to learn from, to choose by and to test on"
        )
    train, choose, every = SLP_LAST
    last = len(names) - max(1, round(len(names) * (every - choose) / every))
    first = last - max(1, round(len(names) * (choose - train) / every))
    return {name: int(index >= first) + int(index >= last) for index, name in enumerate(names)}


def rows_of_recording(recording: Recording, number: int, canvas: Canvas) -> list[Row]:
    """A row of :class:`JointMaps` for each of up to ``FRAMES`` sound frames of one person with any joint known."""
    if recording.joints_m is None:
        return []
    sound = (recording.flags & np.uint16(UNFIT)) == 0
    sound &= np.isfinite(recording.joints_m[..., :2]).all(-1).any(-1)
    if recording.partner_posture is not None:
        sound &= recording.partner_posture == "empty"
    index = np.flatnonzero(sound)
    if not len(index):
        return []
    index = np.unique(index[np.linspace(0, len(index) - 1, min(FRAMES, len(index))).round().astype(int)])
    some, _ = clean(recording.select(index))
    origin_m = canvas.origin_over(some)
    pressure = canvas.resample(some.frames, some.mat, origin_m)[:, None].astype(np.float32)
    if some.unit == "raw":  # any counts: half precision must hold them, and nothing hangs on the unit
        pressure *= RAW_PEAK / max(float(pressure.max()), 1e-12)
    joints_m = recording.joints_m[index]
    xy_norm = 2 * (joints_m[..., :2] - origin_m) / (canvas.width_m, canvas.height_m) - 1
    contact = some.joint_contact
    if contact is None:
        contact = contact_by_pressure(torch.from_numpy(pressure), torch.from_numpy(xy_norm).float()).numpy()
    posture = np.full(len(some), "unknown") if some.posture is None else some.posture
    return [
        {
            "pressure": pressure[frame].astype(np.float16),
            "xy_norm": xy_norm[frame].astype(np.float32),
            "contact": np.asarray(contact[frame], bool),
            "posture": np.int64(POSTURES.index(posture[frame]) if posture[frame] in POSTURES else -1),
            "head_norm": np.float32(_head_m(joints_m[frame]) / (canvas.height_m / 2)),
            "body": np.int64(number),
            "mat": np.int64(0),
        }
        for frame in range(len(some))
    ]


def contact_by_pressure(pressure: torch.Tensor, xy_norm: torch.Tensor) -> torch.Tensor:
    """Whether the map shows pressure at each joint: what stands for contact where a dataset does not know it.

    Args:
        pressure: (N, 1, H, W), any unit.
        xy_norm: (N, J, 2); NaN where nobody knows.

    Returns:
        (N, J) bool; False for a joint that nobody knows.

    Example:
        >>> x = torch.zeros(1, 1, 8, 4); x[..., :4, :] = 5.0
        >>> contact_by_pressure(x, torch.tensor([[[0.0, -0.5], [0.0, 0.9], [torch.nan, 0.0]]])).tolist()
        [[True, False, False]]
    """
    return (local_pressure(pressure, xy_norm.nan_to_num()) > PRESSES) & xy_norm.isfinite().all(-1)


def _head_m(joints_m: np.ndarray) -> float:
    """Of (14, 3)."""
    between = joints_m[HEAD_TOP] - joints_m[THORAX]
    return float(np.linalg.norm(np.nan_to_num(between))) if np.isfinite(between[:2]).all() else HEAD_M


def _told(canvas: Canvas) -> Sequence[float]:
    return canvas.rows, canvas.cols, canvas.cell_m


def _kept(path: Path, asked: str) -> JointMaps:
    tensors, head = read_tensors(path)
    if head.get("asked") != asked:
        raise DatasetError("other maps were kept there", mend="name another folder, or remove it", path=path)
    return JointMaps(**tensors)
