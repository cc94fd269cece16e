"""Our own recording file: everything a Recording knows, in HDF5 that any tool can open."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from matpose.errors import MatposeError, UnreadableFile
from matpose.mat import CountScale, Mat
from matpose.readers.contents import Contents
from matpose.readers.files import refuse_too_long
from matpose.readers.hdf5_write import LEGENDS, SCHEMA_VERSION, problem_of, write_recording
from matpose.readers.safe_hdf5 import SafeGroup
from matpose.recording import FACTS, JOINT_NAMES, LANDMARK_NAMES, Recording

__all__ = ["read", "read_hdf5", "sniff", "write_recording"]


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
            recording = recording_in(SafeGroup(file, path))
    except UnreadableFile:
        raise
    except Exception as error:  # a damaged HDF5 file fails in every way the library knows
        reason = error.problem if isinstance(error, MatposeError) else str(error)
        raise UnreadableFile(
            f"this HDF5 file cannot be read: {reason}".splitlines()[0][:200],
            mend="fetch or convert it again",
            path=path,
        ) from error
    if problem := problem_of(recording):
        raise UnreadableFile(problem, mend="convert the original again", path=path)
    return recording


def recording_in(group: SafeGroup) -> Recording:
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
    known = {
        "posture": group.array("posture", "u1", (count,)),
        "joints_m": group.array("joints_m", "<f4", (count, len(JOINT_NAMES), 3)),
        "joint_contact": group.array("joint_contact", "u1", (count, len(JOINT_NAMES))),
        "landmarks_m": group.array("landmarks_m", "<f4", (count, len(LANDMARK_NAMES), 3)),
        "parts": group.array("parts", "u1", frames.shape),
        "person": group.array("person", "<u4", (count,)),
        "partner_posture": group.array("partner_posture", "u1", (count,)),
        "partner_joints_m": group.array("partner_joints_m", "<f4", (count, len(JOINT_NAMES), 3)),
        "partner_joint_contact": group.array("partner_joint_contact", "u1", (count, len(JOINT_NAMES))),
        "whose": group.array("whose", "u1", frames.shape),
        "facts": group.array("facts", FACTS, (count,)),
        "partner_facts": group.array("partner_facts", FACTS, (count,)),
    }
    known = {name: array for name, array in known.items() if array is not None}
    legends = {name: group.legend(name, *LEGENDS[name]) for name in known if name in LEGENDS}
    for name in known.keys() & {"posture", "partner_posture"}:
        known[name] = np.array(legends[name])[known[name]]
    for name in known.keys() & {"joint_contact", "partner_joint_contact"}:
        known[name] = known[name].astype(bool)
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
        events=tuple((float(when), str(what)) for when, what in group.json("events") or ()),
        meta={str(key): str(value) for key, value in dict(group.json("meta") or {}).items()},
        **known,
    )


def _read_mat(group: SafeGroup) -> Mat:
    scale = [group.number(name) for name in ("kpa_per_count", "zero_count", "full_scale_kpa")]
    rows, cols, rotate, mirror = (int(group.number(name) or 0) for name in ("rows", "cols", "rotate", "mirror"))
    return Mat(
        rows, cols, group.number("pitch_y_m"), group.number("pitch_x_m"), rotate, bool(mirror),
        name=group.text("name"),
        counts=None if None in scale else CountScale(*(float(value) for value in scale if value is not None)),
        assumed=group.text("assumed"),
    )  # fmt: skip
