"""SLP, simultaneously-collected multimodal lying pose: 102 people, 45 poses each, three covers, 14 joints.

Liu et al., "Simultaneously-collected multimodal lying pose dataset", IEEE TPAMI 2022; by request and
non-commercial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from matpose.datasets.splits import choose_subjects
from matpose.datasets.tree import load_array, numbered, single_maps
from matpose.errors import DatasetError
from matpose.mat import Mat, preset
from matpose.quality import assess
from matpose.readers.mats import pitch_m
from matpose.recording import JOINT_NAMES, Recording

COVERS = ("uncover", "cover1", "cover2")
POSES = 45
FIRST_OF_NEXT = {"fixed": (16, 31), "paper": (15, 30)}
"""First left and first right pose, counted from 1; the labels behind the paper's table are off by one."""


def slp(
    path: str | Path,
    *,
    subjects: str | None = None,
    covers: Sequence[str] = COVERS,
    labels: str = "fixed",
    pitch_mm: str | float | tuple[float, float] = 10.16,
) -> Iterator[Recording]:
    """Recordings of one map each: subject by subject, cover by cover, 45 poses.

    Pressure is ``PMarray x PMcali[cover, pose]``, taken to be kPa: the dataset does not name the unit.
    Joints are the RGB labels carried to the mat by the subject's homography ``align_PTr_RGB``; their height z
    is not in the dataset and is NaN. One set of labels serves all covers.

    Args:
        path: folder ``danaLab``, or the one that holds it.
        subjects: "1-90".
        covers: any of ``COVERS``.
        labels: "fixed" or "paper" (poses 15 and 30 in the wrong class, as in the published table).
        pitch_mm: 10.16 by the maker; one published code says 10. As for :func:`matpose.read`.

    Yields:
        Recordings in kPa named "00001/uncover/01" with posture, joints, subject ("slp/1") and meta ``cover``.

    Raises:
        DatasetError: not such a folder, a missing or damaged file, an unknown rule, cover or subject.
    """
    if labels not in FIRST_OF_NEXT:
        raise DatasetError(f"unknown label rule {labels!r}", mend=f"use one of {', '.join(FIRST_OF_NEXT)}")
    if unknown := sorted(set(covers) - set(COVERS)):
        raise DatasetError(f"unknown covers {unknown}", mend=f"use {', '.join(COVERS)}")
    root = Path(path) / "danaLab" if (Path(path) / "danaLab").is_dir() else Path(path)
    folders = {
        n: folder for n, folder in numbered(root, r"(\d{5})").items() if (folder / "PMarray").is_dir()
    }  # fmt: skip
    if not folders:
        raise DatasetError("holds no SLP pressure maps", mend="name the folder danaLab with 00001 ...", path=root)
    known = preset("slp")
    pitch_y_m, pitch_x_m = pitch_m(pitch_mm)
    same = np.allclose((pitch_y_m, pitch_x_m), known.pitch_m, atol=1e-9)
    mat = known if same else known.with_changes(pitch_y_m=pitch_y_m, pitch_x_m=pitch_x_m)
    left, right = FIRST_OF_NEXT[labels]
    pose = np.arange(1, POSES + 1)
    posture = np.where(pose < left, "supine", np.where(pose < right, "left", "right"))
    for number in choose_subjects(subjects, {"": folders})[""]:
        folder = folders[number]
        joints_m = _joints_m(folder, mat)
        for cover in covers:
            yield from _cover(folder, number, cover, mat, posture, joints_m)


def _cover(
    folder: Path, number: int, cover: str, mat: Mat, posture: np.ndarray, joints_m: np.ndarray
) -> Iterator[Recording]:
    files = [folder / "PMarray" / cover / f"{pose:06d}.npy" for pose in range(1, POSES + 1)]
    counts = np.stack([load_array(file, (mat.rows, mat.cols)) for file in files]).astype(np.float32)
    kpa_per_count = load_array(folder / "PMcali.npy", (len(COVERS), POSES))[COVERS.index(cover)]
    together = Recording(
        frames=counts * kpa_per_count[:, None, None].astype(np.float32),
        mat=mat,
        unit="kPa",
        time_s=np.arange(POSES, dtype=np.float64),
        flags=np.zeros(POSES, np.uint16),
        subject=f"slp/{number}",
        posture=posture,
        joints_m=joints_m,
        meta={"cover": cover},
    )
    names = [f"{number:05d}/{cover}/{pose:02d}" for pose in range(1, POSES + 1)]
    yield from single_maps(assess(together), names, [str(file) for file in files])


def _joints_m(folder: Path, mat: Mat) -> np.ndarray:
    """Joints on the mat: (45, 14, 3) float32, x y in metres, z NaN."""
    from scipy.io import loadmat  # of the extra `train`; it does not unpickle

    source = folder / "joints_gt_RGB.mat"
    try:
        stored = loadmat(source)["joints_gt"]
    except Exception as error:  # scipy raises many kinds on damaged files
        raise DatasetError(
            "the joints cannot be read", mend="copy the file again from the dataset", path=source
        ) from error
    if stored.shape != (3, len(JOINT_NAMES), POSES):
        raise DatasetError(f"joints_gt has shape {stored.shape}", mend="it should be 3 x 14 x 45", path=source)
    rgb = stored.transpose(2, 1, 0)[..., :2].astype(np.float64) - 1  # Matlab counts pixels from 1
    homography = np.asarray(load_array(folder / "align_PTr_RGB.npy", (3, 3)), dtype=np.float64)
    cell = project(rgb, homography)
    xy_m = (cell + 0.5) * mat.pitch_m[::-1]  # a cell's index is its centre
    return np.concatenate([xy_m, np.full_like(xy_m[..., :1], np.nan)], -1).astype(np.float32)


def project(xy: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """Points under a plane projective map.

    Args:
        xy: (..., 2) points.
        homography: (3, 3), acting on column vectors (x, y, 1).

    Returns:
        (..., 2) points.

    Example:
        >>> project(np.array([[2.0, 4.0]]), np.diag([1.0, 1.0, 2.0])).tolist()
        [[1.0, 2.0]]
    """
    homogeneous = np.concatenate([xy, np.ones_like(xy[..., :1])], -1) @ homography.T
    return homogeneous[..., :2] / homogeneous[..., 2:]
