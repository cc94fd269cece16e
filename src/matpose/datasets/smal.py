"""SMaL: maps of an infant mannequin in three postures, in the array form that is known.

doi 10.5683/SP3/C8HGRU. One mannequin: there is no held-out body in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from matpose.datasets.tree import load_array, single_maps
from matpose.errors import DatasetError
from matpose.mat import Mat
from matpose.quality import assess
from matpose.readers.mats import pitch_m
from matpose.recording import Recording

POSTURE = ("supine", "left", "right")
SIDE = 224
BLOCK = 64  # maps read at a time


def smal(
    path: str | Path, *, pitch_mm: str | float | tuple[float, float] = 5.0, part: str | None = None
) -> Iterator[Recording]:
    """Recordings of one map each, training maps before test maps.

    Labels 0, 1, 2 are taken as supine, left, right, the order of SLP: what they mean is not published.

    Args:
        path: folder with ``PM_train.npy``, ``label_train.npy`` or the ``test`` pair.
        pitch_mm: of the 224 x 224 cells; not published, 5 mm assumed (1.12 m a side).
        part: "train" or "test"; else both.

    Yields:
        Raw recordings with posture, subject "smal/mannequin" and meta ``part``.

    Raises:
        DatasetError: no pair of arrays, other shapes, or labels other than 0, 1, 2.
    """
    root = Path(path)
    parts = [name for name in ("train", "test") if part in (None, name) and (root / f"PM_{name}.npy").is_file()]
    if not parts:
        raise DatasetError(
            "holds no SMaL arrays",
            mend="name the folder with PM_train.npy, label_train.npy, PM_test.npy, label_test.npy",
            path=root,
        )
    pitch_y_m, pitch_x_m = pitch_m(pitch_mm)
    assumed = f"pitch {pitch_y_m * 1000:g} x {pitch_x_m * 1000:g} mm: none is published"
    mat = Mat(SIDE, SIDE, pitch_y_m, pitch_x_m, assumed=assumed)
    for name in parts:
        yield from _part(root, name, mat)


def _part(root: Path, name: str, mat: Mat) -> Iterator[Recording]:
    source = root / f"PM_{name}.npy"
    maps = load_array(source, (None, SIDE, SIDE))
    labels = load_array(root / f"label_{name}.npy", (len(maps), 1))[:, 0]
    if strange := sorted(set(labels.tolist()) - {0, 1, 2}):
        raise DatasetError(f"unknown labels {strange[:5]}", mend="labels are 0, 1, 2", path=root / f"label_{name}.npy")
    for start in range(0, len(maps), BLOCK):
        block = np.asarray(maps[start : start + BLOCK], dtype=np.float32)
        together = Recording(
            frames=block,
            mat=mat,
            unit="raw",
            time_s=np.arange(len(block), dtype=np.float64),
            flags=np.zeros(len(block), np.uint16),
            subject="smal/mannequin",
            posture=np.array([POSTURE[int(label)] for label in labels[start : start + BLOCK]]),
            meta={"part": name},
        )
        names = [f"{name}/{start + index:06d}" for index in range(len(block))]
        yield from single_maps(assess(together), names, [str(source)] * len(block))
