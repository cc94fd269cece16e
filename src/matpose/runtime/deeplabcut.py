"""Poses as DeepLabCut's CSV, for the field's tools that read it: scorer, bodyparts and coords above the numbers.

Source: https://deeplabcut.github.io/DeepLabCut, what analyze_videos writes; Mathis et al., Nature Neuroscience, 2018.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from matpose import __version__
from matpose.atomic import atomic_path
from matpose.mat import Mat
from matpose.pose import Pose
from matpose.recording import JOINT_NAMES

_COORDS = ("x", "y", "likelihood")


def write_deeplabcut(
    path: str | PathLike[str],
    poses: Iterable[Pose],
    mat: Mat,
    *,
    pixel_mm: float | None = None,
    scorer: str = f"Matpose-{__version__}",
) -> Path:
    """Write named joints, a row a frame; joints not to be trusted are empty, their likelihood 0.

    Coordinates run from the mat's outer corner at the head, x to the right and y to the foot, as in a picture.
    DeepLabCut has no row for a second person: only the first of a frame is written.

    Args:
        path: the file; it appears whole or not at all.
        poses: in the order of their frames; taken once.
        mat: where they lie; its pitch shall be known.
        pixel_mm: millimetres a pixel, for tools that lay joints over a picture of that scale; by default coordinates
            are millimetres.
        scorer: the name in the first row; the unit is added to it.

    Returns:
        The path written.

    Raises:
        MatposeError: the mat's pitch is not known, or the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from matpose.pose import Keypoint
        >>> pose = Pose(0, 0.0, keypoints={"left_hip": Keypoint((0.5, 1.0), 0.9, 0.8)})
        >>> with TemporaryDirectory() as folder:
        ...     path = write_deeplabcut(f"{folder}/a.csv", [pose], Mat(64, 32, 0.03, 0.03))
        ...     path.read_text().splitlines()[3].split(",")[10:13]
        ['500.000', '1000.000', '0.90000']
    """
    _ = mat.pitch_m  # without it there are no metres
    per_metre = 1000 / (pixel_mm or 1.0)
    unit = "mm" if pixel_mm is None else f"{pixel_mm:g}mm-pixels"
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["scorer", *[f"{scorer}-{unit}"] * (len(_COORDS) * len(JOINT_NAMES))])
        writer.writerow(["bodyparts", *(name for name in JOINT_NAMES for _ in _COORDS)])
        writer.writerow(["coords", *_COORDS * len(JOINT_NAMES)])
        for pose in poses:
            if pose.person == 0:
                writer.writerow([pose.frame, *(cell for name in JOINT_NAMES for cell in _cells(pose, name, per_metre))])
    return Path(path)


def _cells(pose: Pose, name: str, per_metre: float) -> tuple[str, str, str]:
    joint = pose.keypoints.get(name)
    if joint is None or not all(map(math.isfinite, (*joint.xy_m, joint.confidence))):
        return "", "", "0"
    x, y = joint.xy_m
    return f"{x * per_metre:.3f}", f"{y * per_metre:.3f}", f"{joint.confidence:.5f}"
