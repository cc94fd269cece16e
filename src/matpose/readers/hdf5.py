"""Our own recording file: everything a Recording knows, in HDF5 that any tool can open."""

from __future__ import annotations

import json
from math import isfinite
from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from matpose.atomic import atomic_path
from matpose.errors import MatposeError, UnreadableFile
from matpose.mat import CountScale, Mat
from matpose.readers.contents import Contents
from matpose.readers.files import MAX_ABS_VALUE, MAX_FRAMES, refuse_too_long
from matpose.readers.safe_hdf5 import CHUNK_BYTES, SafeGroup
from matpose.recording import JOINT_NAMES, POSTURES, Recording

SCHEMA_VERSION = 1
PART_NAMES = (
    "none", "head", "left_shoulder", "right_shoulder", "upper_back", "lower_back", "sacrum", "left_hip",
    "right_hip", "left_upper_arm", "right_upper_arm", "left_forearm_hand", "right_forearm_hand",
    "left_thigh", "right_thigh", "left_knee", "right_knee", "left_calf", "right_calf", "left_heel_foot",
    "right_heel_foot", "chest_belly",
)  # fmt: skip

_TEXTS = ("name", "subject", "source", "start_time")


def write_recording(path: str | PathLike[str], recording: Recording) -> None:
    """Write a recording as ``*.h5``; the file appears whole or not at all.

    Args:
        path: the file; an existing one is replaced.
        recording: at least one frame.

    Raises:
        MatposeError: it has no frames or values that no sensor gives, or the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> frames = np.ones((1, 4, 3), np.float32)
        >>> rec = Recording(frames, Mat(4, 3, None, None), "raw", np.zeros(1), np.zeros(1))
        >>> with TemporaryDirectory() as folder:
        ...     write_recording(f"{folder}/a.h5", rec)
        ...     read_hdf5(f"{folder}/a.h5").frames.shape
        (1, 4, 3)
    """
    if problem := _problem(recording):
        raise MatposeError(problem, mend="clean the recording before writing it", path=path)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema_version"] = np.int64(SCHEMA_VERSION)
        _set_text(file, "unit", recording.unit)
        for name in _TEXTS:
            _set_text(file, name, getattr(recording, name))
        _write_mat(file.create_group("mat"), recording.mat)
        _write(file, "frames", recording.frames, "<f4")
        _write(file, "time_s", recording.time_s, "<f8")
        _write(file, "flags", recording.flags, "<u2")
        if recording.posture is not None:
            codes = np.array([POSTURES.index(posture) for posture in recording.posture.tolist()])
            _write(file, "posture", codes, "u1").attrs["legend"] = np.bytes_(",".join(POSTURES))
        if recording.joints_m is not None:
            joints = _write(file, "joints_m", recording.joints_m, "<f4")
            joints.attrs["joint_names"] = np.bytes_(",".join(JOINT_NAMES))
        if recording.joint_contact is not None:
            _write(file, "joint_contact", recording.joint_contact, "u1")
        if recording.parts is not None:
            _write(file, "parts", recording.parts, "u1").attrs["legend"] = np.bytes_(",".join(PART_NAMES))
        for name, value in (("events", recording.events), ("meta", dict(recording.meta))):
            if value:
                encoded = np.frombuffer(json.dumps(value).encode(), np.uint8)
                file.create_dataset(name, data=encoded).attrs["format"] = np.bytes_("UTF-8 JSON")


def sniff(head: bytes) -> bool:
    """Whether these are the first bytes of an HDF5 file."""
    return head.startswith(b"\x89HDF\r\n\x1a\n")


def read(path: Path) -> Contents:
    """Contents of our own file: they say everything."""
    return Contents(path, "matpose-hdf5", recording=read_hdf5(path))


def read_hdf5(path: str | PathLike[str]) -> Recording:
    """Read a file of :func:`write_recording`.

    Raises:
        UnreadableFile: damaged, forged, of another origin, or of a newer version.
    """
    path = Path(path)
    try:
        with h5py.File(path, "r") as file:
            recording = _read(SafeGroup(file, path))
    except UnreadableFile:
        raise
    except Exception as error:  # a damaged HDF5 file fails in every way the library knows
        reason = error.problem if isinstance(error, MatposeError) else str(error)
        raise UnreadableFile(
            f"this HDF5 file cannot be read: {reason}".splitlines()[0][:200],
            mend="fetch or convert it again",
            path=path,
        ) from error
    if problem := _problem(recording):
        raise UnreadableFile(problem, mend="convert the original again", path=path)
    return recording


def _read(group: SafeGroup) -> Recording:
    version = group.number("schema_version")
    if version is None:
        raise UnreadableFile(
            "this HDF5 file is no recording of Matpose",
            mend="export its frames as .npy or text and convert those",
            path=group.path,
        )
    if version != SCHEMA_VERSION:
        raise UnreadableFile(
            f"it has schema version {version:g}, this Matpose reads {SCHEMA_VERSION}",
            mend="update Matpose",
            path=group.path,
        )
    mat = _read_mat(group.group("mat"))
    frames = group.required("frames", "<f4", (None, mat.rows, mat.cols))
    count = len(frames)  # all else must agree with it before it is unpacked: claims add up
    refuse_too_long(count, group.path)
    posture = group.array("posture", "u1", (count,))
    if posture is not None:
        posture = np.array(group.legend("posture", "legend", POSTURES))[posture]
    if (joints_m := group.array("joints_m", "<f4", (count, len(JOINT_NAMES), 3))) is not None:
        group.legend("joints_m", "joint_names", JOINT_NAMES)
    if (parts := group.array("parts", "u1", frames.shape)) is not None:
        group.legend("parts", "legend", PART_NAMES)
    contact = group.array("joint_contact", "u1", (count, len(JOINT_NAMES)))
    return Recording(
        frames=frames,
        mat=mat,
        unit=group.text("unit") or "",
        time_s=group.required("time_s", "<f8", (count,)),
        flags=group.required("flags", "<u2", (count,)),
        name=group.text("name") or "",
        subject=group.text("subject"),
        source=group.text("source"),
        start_time=group.text("start_time"),
        posture=posture,
        joints_m=joints_m,
        joint_contact=None if contact is None else contact.astype(bool),
        parts=parts,
        events=tuple((float(when), str(what)) for when, what in group.json("events") or ()),
        meta={str(key): str(value) for key, value in dict(group.json("meta") or {}).items()},
    )


def _problem(recording: Recording) -> str | None:
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


def _write(file: h5py.File, name: str, array: np.ndarray, dtype: str) -> h5py.Dataset:
    array = np.asarray(array, dtype=dtype)
    chunk = tuple(min(side, 256) for side in array.shape[1:])
    per_frame = int(np.prod(chunk)) * array.dtype.itemsize
    frames = min(len(array), max(1, CHUNK_BYTES // 4 // per_frame))
    return file.create_dataset(name, data=array, chunks=(frames, *chunk), compression=4, shuffle=True)


def _set_text(group: h5py.Group, name: str, text: str | None) -> None:
    if text is not None:  # fixed length: a reader need not trust a pointer into a heap
        encoded = text.encode("utf-8", "replace")
        group.attrs.create(name, encoded, dtype=h5py.string_dtype("utf-8", max(1, len(encoded))))


def _write_mat(group: h5py.Group, mat: Mat) -> None:
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


def _read_mat(group: SafeGroup) -> Mat:
    scale = [group.number(name) for name in ("kpa_per_count", "zero_count", "full_scale_kpa")]
    rows, cols, rotate, mirror = (int(group.number(name) or 0) for name in ("rows", "cols", "rotate", "mirror"))
    return Mat(
        rows, cols, group.number("pitch_y_m"), group.number("pitch_x_m"), rotate, bool(mirror),
        name=group.text("name"),
        counts=None if None in scale else CountScale(*(float(value) for value in scale if value is not None)),
        assumed=group.text("assumed"),
    )  # fmt: skip
