"""HLPPDat: 20 people in 64 postures each, sixteen of them prone, on an in-house mat of 30 x 11 cells.

Brno University of Technology, 2025; CC BY-NC-SA 4.0: fit for validation, not for weights that ship.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from matpose.datasets.splits import choose_subjects
from matpose.datasets.tree import single_maps
from matpose.errors import DatasetError
from matpose.mat import preset
from matpose.quality import assess
from matpose.readers import read
from matpose.recording import Recording

POSTURE = {1: "supine", 2: "left", 3: "right", 4: "prone"}
_COLUMNS = ("FileName", "Class", "SubClass", "SubjectId")


def hlppdat(path: str | Path, *, subjects: str | None = None) -> Iterator[Recording]:
    """Recordings of one map each, subject by subject; the counts are not calibrated.

    Args:
        path: folder with ``targets.csv`` and ``maps``.
        subjects: "1-6,8".

    Yields:
        Raw recordings with posture, subject ("hlppdat/3") and meta ``subclass``; the mat's pitch is assumed.

    Raises:
        DatasetError: no such folder, a malformed line of ``targets.csv``, or a chosen subject is missing.
    """
    root = Path(path)
    table = root / "targets.csv"
    if not table.is_file() or not (root / "maps").is_dir():
        raise DatasetError("holds no HLPPDat", mend="name the folder with targets.csv and maps", path=root)
    maps: dict[int, list[tuple[str, str, str]]] = {}
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file)
        for row in reader:
            try:
                name, kind, subclass, subject = (row[column] for column in _COLUMNS)
                maps.setdefault(int(subject), []).append((name, POSTURE[int(kind)], subclass))
            except (KeyError, ValueError, TypeError) as error:
                raise DatasetError(
                    "is not a file name, a class 1-4, a subclass and a subject",
                    mend=f"fetch it again; its columns are {', '.join(_COLUMNS)}",
                    path=table,
                    place=f"line {reader.line_num}",
                ) from error
    for subject in choose_subjects(subjects, {"": maps})[""]:
        yield from _subject(root, subject, maps[subject])


def _subject(root: Path, subject: int, maps: list[tuple[str, str, str]]) -> Iterator[Recording]:
    mat = preset("hlppdat")
    files = [root / "maps" / f"{name}.png" for name, _, _ in maps]
    frames = np.concatenate([read(file, mat="hlppdat").frames for file in files])
    together = Recording(
        frames=frames,
        mat=mat,
        unit="raw",
        time_s=np.arange(len(frames), dtype=np.float64),
        flags=np.zeros(len(frames), np.uint16),
        subject=f"hlppdat/{subject}",
        posture=np.array([posture for _, posture, _ in maps]),
    )
    # assessed together: one map alone does not tell the floor of its counts
    names = [f"{subject}/{name}" for name, _, _ in maps]
    metas = [{"subclass": subclass} for _, _, subclass in maps]
    yield from single_maps(assess(together), names, [str(file) for file in files], metas)
