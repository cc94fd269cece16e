"""TIP, the temporal in-bed pose dataset: nine people, forty groups of some 3,800 frames, COCO joints.

Wu et al., "Seeing through the tactile: 3D human shape estimation from temporal in-bed pressure images", IMWUT 2024;
by e-mail. Its postures stand in a pickled dictionary (``posture_index``), which is never unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.lib import format as npy_format

from matpose.datasets.splits import choose_subjects
from matpose.datasets.tree import load_array, numbered
from matpose.errors import DatasetError
from matpose.intake import intake
from matpose.mat import Mat, preset
from matpose.recording import JOINT_NAMES, Flag, Recording

FULL_SCALE = 512
"""Counts at which the authors clip."""
MAX_MEMBER_BYTES = 64 << 20
COCO17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip


def tip(path: str | Path, *, subjects: str | None = None, rate_hz: float = 1.0) -> Iterator[Recording]:
    """One recording a group, subject by subject; the counts are not calibrated, and stay as they are.

    Frames with counts of ``FULL_SCALE`` or more are flagged as saturated. Joints are the world points of
    ``labels.npz`` seen from the lower left sensor of ``camera_params.npz``, as in the authors' code; without that
    file there are none. COCO has no thorax and no head top: these are NaN, as all heights are.

    Args:
        path: folder of ``1/1/pressure_correct.npy`` (subject, group).
        subjects: "1-6,8".
        rate_hz: frames a second; not published, 1 assumed.

    Yields:
        Raw recordings named "1/3" with subject ("tip/1"), joints, and meta ``height``, ``weight``, ``gender``.

    Raises:
        DatasetError: no such folder, a damaged file, arrays of other shapes, or a chosen subject is missing.
    """
    root = Path(path)
    groups = {
        subject: [group for group in numbered(folder, r"(\d+)").values() if (group / "pressure_correct.npy").is_file()]
        for subject, folder in numbered(root, r"(\d+)").items()
    }
    groups = {subject: found for subject, found in groups.items() if found}
    if not groups:
        raise DatasetError(
            "holds no TIP groups", mend="name the folder with 1/1/pressure_correct.npy, by subject and group", path=root
        )
    for subject in choose_subjects(subjects, {"": groups})[""]:
        for group in groups[subject]:
            yield _group(group, subject, rate_hz)


def _group(group: Path, subject: int, rate_hz: float) -> Recording:
    mat = preset("tip")
    source = group / "pressure_correct.npy"
    counts = load_array(source, (None, mat.rows, mat.cols))
    labels = group / "labels.npz"
    meta = {
        name: str(found[()]) for name in ("gender", "height", "weight") if (found := _member(labels, name)) is not None
    }
    recording = intake(
        np.array(counts, dtype=np.float32), mat, unit="raw", rate_hz=rate_hz,
        name=f"{subject}/{group.name}", subject=f"tip/{subject}", source=str(source),
        joints_m=_joints_m(group, len(counts), mat), meta=meta,
    )  # fmt: skip
    saturated = (recording.frames >= FULL_SCALE).any((1, 2))
    return replace(recording, flags=np.where(saturated, recording.flags | np.uint16(Flag.SATURATED), recording.flags))


def _joints_m(group: Path, count: int, mat: Mat) -> np.ndarray | None:
    """Joints on the mat: (T, 14, 3) float32, x y in metres, z NaN; None where the points or the sensors are missing."""
    world_m = _member(group / "labels.npz", "keypoints_meter")
    sensors_m = _member(group / "camera_params.npz", "infer_sensor_position")
    if world_m is None or sensors_m is None:
        return None
    if world_m.shape[:2] != (count, len(COCO17)) or world_m.shape[2:] not in ((2,), (3,)):
        raise DatasetError(
            f"keypoints_meter has shape {world_m.shape}",
            mend=f"it should be {count} x {len(COCO17)} x 2, a row for each frame of pressure",
            path=group / "labels.npz",
        )
    if sensors_m.shape[:1] != (4,) or sensors_m.shape[1:] not in ((2,), (3,)):
        raise DatasetError(
            f"infer_sensor_position has shape {sensors_m.shape}",
            mend="it should be 4 x 2", path=group / "camera_params.npz",
        )  # fmt: skip
    pitch_y_m, pitch_x_m = mat.pitch_m
    left, low = sensors_m[0, :2]  # centre of the lower left cell; y of the world runs to the head
    joints = np.full((count, len(JOINT_NAMES), 3), np.nan, np.float32)
    for index, name in enumerate(JOINT_NAMES):
        if name in COCO17:
            x, y = np.moveaxis(world_m[:, COCO17.index(name), :2], -1, 0)
            joints[:, index, 0] = x - left + pitch_x_m / 2
            joints[:, index, 1] = low - y + (mat.rows - 0.5) * pitch_y_m
    return joints


def _member(path: Path, name: str) -> np.ndarray | None:
    """An array of a ``.npz`` file, never unpickled; None where the file or the array is missing, or holds objects.

    Raises:
        DatasetError: damaged, or larger than ``MAX_MEMBER_BYTES``.
    """
    if not path.is_file():
        return None
    try:
        with ZipFile(path) as archive:
            if f"{name}.npy" not in archive.namelist():
                return None
            size = archive.getinfo(f"{name}.npy").file_size
            if size > MAX_MEMBER_BYTES:
                raise ValueError(f"it unpacks to {size >> 20} MiB")
            with archive.open(f"{name}.npy") as file:
                version = npy_format.read_magic(file)
                read_header = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
                shape, fortran, dtype = read_header[version](file)
                if dtype.hasobject:
                    return None
                if dtype.kind not in "biufU" or prod(shape) * dtype.itemsize > size:
                    raise ValueError(f"it holds {dtype} of shape {shape} in {size} bytes")
                data = file.read(prod(shape) * dtype.itemsize)
    except (OSError, ValueError, KeyError, BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DatasetError(
            f"its {name} cannot be read: {str(error).splitlines()[0][:120] if str(error) else 'damaged'}",
            mend="copy it again from the dataset",
            path=path,
        ) from error
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
