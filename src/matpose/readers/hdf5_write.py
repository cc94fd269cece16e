"""Writing our own recording file, at once or from pieces that never lie in memory together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from os import PathLike
from typing import Any

import h5py
import numpy as np

from matpose.atomic import atomic_path
from matpose.errors import MatposeError
from matpose.readers.files import MAX_ABS_VALUE, MAX_FRAMES
from matpose.readers.hdf5_file import new_hdf5
from matpose.readers.safe_hdf5 import CHUNK_BYTES
from matpose.recording import FACTS, JOINT_NAMES, LANDMARK_NAMES, PART_NAMES, POSTURES, Recording

SCHEMA_VERSION = 1
LEGENDS = {
    "posture": ("legend", POSTURES),
    "joints_m": ("joint_names", JOINT_NAMES),
    "landmarks_m": ("landmark_names", LANDMARK_NAMES),
    "parts": ("legend", PART_NAMES),
    "partner_posture": ("legend", POSTURES),
    "partner_joints_m": ("joint_names", JOINT_NAMES),
    "whose": ("legend", ("nobody", "person", "partner")),
}
"""Attribute of a data set that names its codes or rows, and the names."""

_DTYPES = {
    "frames": "<f4", "time_s": "<f8", "flags": "<u2", "posture": "u1", "joints_m": "<f4", "joint_contact": "u1",
    "landmarks_m": "<f4", "parts": "u1", "person": "<u4", "partner_posture": "u1", "partner_joints_m": "<f4",
    "partner_joint_contact": "u1", "whose": "u1", "facts": FACTS, "partner_facts": FACTS,
}  # fmt: skip
_TEXTS = ("unit", "name", "subject", "source", "start_time")


def write_recording(path: str | PathLike[str], recording: Recording) -> None:
    """Write a recording as ``*.h5``; the file appears whole or not at all.

    Args:
        path: the file; an existing one is replaced.
        recording: at least one frame.

    Raises:
        MatposeError: it has no frames or values that no sensor gives, or the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from matpose.mat import Mat
        >>> from matpose.readers.hdf5 import read_hdf5
        >>> frames = np.ones((1, 4, 3), np.float32)
        >>> rec = Recording(frames, Mat(4, 3, None, None), "raw", np.zeros(1), np.zeros(1))
        >>> with TemporaryDirectory() as folder:
        ...     write_recording(f"{folder}/a.h5", rec)
        ...     read_hdf5(f"{folder}/a.h5").frames.shape
        (1, 4, 3)
    """
    write_pieces(path, [recording], len(recording))


def write_pieces(path: str | PathLike[str], pieces: Iterable[Recording], count: int) -> None:
    """Write consecutive pieces of one recording as one ``*.h5``, with only one of them in memory at a time.

    Mat, unit and texts are the first piece's; events are everybody's.

    Args:
        path: the file; an existing one is replaced.
        pieces: each with at least one frame and the same arrays known.
        count: frames in all of them.

    Raises:
        MatposeError: as :func:`write_recording`; or the pieces do not make one recording.
    """
    first: Recording | None = None
    datasets: dict[str, h5py.Dataset] = {}
    events: list[tuple[float, str]] = []
    at, time_s = 0, -np.inf
    with atomic_path(path) as temporary, new_hdf5(temporary) as file:
        for piece in pieces:
            problem = problem_of(piece) or ("its times do not run forward" if piece.time_s[0] < time_s else None)
            if problem:
                raise MatposeError(problem, mend="clean the recording before writing it", path=path)
            if first is None:
                first = piece
                _write_facts(file, piece)
                datasets = {name: _create(file, name, array, count) for name, array in piece.columns.items()}
            stop = at + len(piece)
            if stop > count or piece.columns.keys() != datasets.keys() or piece.mat != first.mat:
                raise MatposeError("the pieces do not make one recording", mend="write them as they came", path=path)
            for name, array in piece.columns.items():
                datasets[name][at:stop] = _encoded(name, array)
            at, time_s = stop, piece.time_s[-1]
            events += piece.events
        if first is None or at != count:
            raise MatposeError(
                f"{at} frames are there, not {count}" if count else "there are no frames in it",
                mend="write at least one frame, and all that were announced",
                path=path,
            )
        _write_json(file, "events", events)
        _write_json(file, "meta", dict(first.meta))


def problem_of(recording: Recording) -> str | None:
    """What keeps a recording from being stored, if anything."""
    if not len(recording):
        return "there are no frames in it"
    if len(recording) > MAX_FRAMES:
        return f"it holds {len(recording):,} frames, more than {MAX_FRAMES:,}"
    step = max(1, CHUNK_BYTES // recording.frames[0].nbytes)  # no copy of a whole night
    if any((np.abs(recording.frames[at : at + step]) > MAX_ABS_VALUE).any() for at in range(0, len(recording), step)):
        return "it holds pressures that no sensor gives"
    if not np.isfinite(recording.time_s).all() or (np.diff(recording.time_s) < 0).any():
        return "its times do not run forward"
    if not all(isfinite(when) for when, _ in recording.events):
        return "an event has no time"
    return None


def _write_facts(file: h5py.File, recording: Recording) -> None:
    """What holds for all frames."""
    file.attrs["schema_version"] = np.int64(SCHEMA_VERSION)
    for name in _TEXTS:
        _set_text(file, name, getattr(recording, name))
    mat, group = recording.mat, file.create_group("mat")
    numbers = {"rows": mat.rows, "cols": mat.cols, "rotate": mat.rotate, "mirror": int(mat.mirror)}
    numbers |= {"pitch_y_m": mat.pitch_y_m, "pitch_x_m": mat.pitch_x_m}
    if mat.counts is not None:
        numbers |= {
            "kpa_per_count": mat.counts.kpa_per_count,
            "zero_count": mat.counts.zero_count,
            "full_scale_kpa": mat.counts.full_scale_kpa,
        }
    for name, number in numbers.items():
        if number is not None:
            group.attrs[name] = number
    _set_text(group, "name", mat.name)
    _set_text(group, "assumed", mat.assumed)


def _create(file: h5py.File, name: str, array: np.ndarray, count: int) -> h5py.Dataset:
    """Room for ``count`` rows like those of the array."""
    dtype = np.dtype(_DTYPES[name])
    chunk = tuple(min(side, 256) for side in array.shape[1:])
    per_frame = int(np.prod(chunk)) * dtype.itemsize
    frames = min(count, max(1, CHUNK_BYTES // 4 // per_frame))
    shape = (count, *array.shape[1:])
    dataset = file.create_dataset(name, shape, dtype, chunks=(frames, *chunk), compression=4, shuffle=True)
    if name in LEGENDS:
        attribute, names = LEGENDS[name]
        dataset.attrs[attribute] = np.bytes_(",".join(names))
    return dataset


def _encoded(name: str, array: np.ndarray) -> np.ndarray:
    if name in ("posture", "partner_posture"):
        return np.array([POSTURES.index(posture) for posture in array.tolist()], np.uint8)
    return np.asarray(array, _DTYPES[name])


def _set_text(group: h5py.Group, name: str, text: str | None) -> None:
    if text is not None:  # fixed length: a reader need not trust a pointer into a heap
        encoded = text.encode("utf-8", "replace")
        group.attrs.create(name, encoded, dtype=h5py.string_dtype("utf-8", max(1, len(encoded))))


def _write_json(file: h5py.File, name: str, value: Any) -> None:
    if value:
        encoded = np.frombuffer(json.dumps(value).encode(), np.uint8)
        file.create_dataset(name, data=encoded).attrs["format"] = np.bytes_("UTF-8 JSON")
