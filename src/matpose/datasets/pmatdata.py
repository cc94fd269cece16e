"""PmatData: 13 people in 17 postures on one mat, 8 of them again on another mat and two mattresses.

Pouyan et al., "A pressure map dataset for posture and subject analytics", BHI 2017, doi
10.1109/BHI.2017.7897206; PhysioNet pmd 1.0.0, Open Data Commons Attribution 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from matpose.datasets.splits import choose_subjects
from matpose.datasets.tree import numbered
from matpose.errors import DatasetError
from matpose.readers import read
from matpose.recording import Flag, Recording

BAD_ENDS = 3  # frames at each end of a recording of experiment i are not the posture
POSTURE_I = {
    **dict.fromkeys((1, 8, 9, 10, 11, 12, 15, 16, 17), "supine"),
    **dict.fromkeys((2, 4, 5, 13), "right"),
    **dict.fromkeys((3, 6, 7, 14), "left"),
}
_POSTURE_II = {"B": "supine", "F": "supine", "C": "right", "D": "left"}
_POSTURE_II_CODE = {
    "E1": "right", "E2": "right", "E5": "right", "E3": "left", "E4": "left", "E6": "left",
    "G1": "supine", "G2": "right", "G3": "left",
}  # fmt: skip
PERSON_II = {1: 1, 2: 2, 3: 3, 4: 5, 5: 7, 6: 8, 7: 9, 8: 10}
"""The same people: subject of experiment ii to subject of experiment i."""


def posture_ii(code: str) -> str | None:
    """Posture of a code of experiment ii ("B1"), or None.

    Example:
        >>> posture_ii("E5"), posture_ii("D2")
        ('right', 'left')
    """
    return _POSTURE_II_CODE.get(code) or _POSTURE_II.get(code[:1])


def pmatdata(path: str | Path, *, subjects: str | None = None) -> Iterator[Recording]:
    """Recordings of PmatData, experiment i before ii, in the order of subjects and postures.

    Experiment i loses three frames at each end; then frames whose total is below .3 or above 3 times the
    recording's median are flagged ``CORRUPTED`` and stay for the caller to drop.

    Args:
        path: folder of either experiment, or the one that holds them.
        subjects: "1-6,8", "i:1-6,8", "ii:1-2" or "i:1-6;ii:1-2", in each experiment's own folder numbers.

    Yields:
        Recordings in kPa with posture, subject ("pmatdata/S7", one name for a person in both experiments)
        and meta ``experiment``, and ``posture17`` (i) or ``posture_code`` and ``mattress`` (ii).

    Raises:
        DatasetError: no experiment in the folder, or a chosen subject is missing.
    """
    root = Path(path)
    places = [root, root / "experiment-i", root / "experiment-ii"]
    folders: dict[str, dict[int, Path]] = {"i": {}, "ii": {}}
    for number, folder in ((n, f) for place in places for n, f in numbered(place, r"S(\d+)").items()):
        if numbered(folder, r"(\d+)\.txt"):
            folders["i"].setdefault(number, folder)
        elif any((folder / name).is_dir() for name in ("Air_Mat", "Sponge_Mat")):
            folders["ii"].setdefault(number, folder)
    if not folders["i"] and not folders["ii"]:
        raise DatasetError(
            "holds no PmatData", mend="name the folder that holds experiment-i or experiment-ii", path=root
        )
    chosen = choose_subjects(subjects, folders)
    for number in chosen["i"]:
        yield from _experiment_i(number, folders["i"][number])
    for number in chosen["ii"]:
        yield from _experiment_ii(number, folders["ii"][number])


def _experiment_i(number: int, folder: Path) -> Iterator[Recording]:
    for code, file in numbered(folder, r"(\d+)\.txt").items():
        if code not in POSTURE_I:
            raise DatasetError("is none of the 17 postures", mend="remove the file", path=file)
        whole = read(file, mat="pmatdata-i")
        if len(whole) <= 2 * BAD_ENDS:
            raise DatasetError(
                f"holds {len(whole)} frames, none beside its bad ends", mend="fetch the file again", path=file
            )
        recording = whole.select(slice(BAD_ENDS, -BAD_ENDS))
        total = np.nansum(recording.frames, (1, 2), dtype=np.float64)
        typical = np.median(total)
        bad = (total < 0.3 * typical) | (total > 3 * typical)
        yield replace(
            recording,
            time_s=recording.time_s - recording.time_s[0],
            flags=np.where(bad, recording.flags | np.uint16(Flag.CORRUPTED), recording.flags),
            name=f"i/S{number}/{code}",
            subject=f"pmatdata/S{number}",
            posture=np.full(len(recording), POSTURE_I[code]),
            meta={"experiment": "i", "posture17": str(code)},
        )


def _experiment_ii(number: int, folder: Path) -> Iterator[Recording]:
    for mattress in ("Air", "Sponge"):
        files = (folder / f"{mattress}_Mat").glob(f"Matrix_{mattress}_*.txt")
        coded = {file.stem.rsplit("_", 1)[1]: file for file in files}
        for code in sorted(coded, key=lambda code: (code[:1], len(code), code)):
            posture = posture_ii(code)
            if posture is None:
                raise DatasetError(f"{code!r} is no posture of experiment ii", mend="remove the file", path=coded[code])
            recording = read(coded[code], mat="pmatdata-ii")
            yield replace(
                recording,
                name=f"ii/S{number}/{mattress.lower()}/{code}",
                subject=f"pmatdata/S{PERSON_II.get(number, f'ii-{number}')}",
                posture=np.full(len(recording), posture),
                meta={"experiment": "ii", "posture_code": code, "mattress": mattress.lower()},
            )
