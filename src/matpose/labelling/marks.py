"""Marks: points that somebody placed by eye on a pressure map, and the CSV file they are kept in."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path

from matpose.atomic import atomic_path
from matpose.errors import MatposeError
from matpose.recording import JOINT_NAMES, LANDMARK_NAMES

COLUMNS = ("recording", "frame", "annotator", "name", "x_m", "y_m", "visibility")
POINT_NAMES = (*JOINT_NAMES, *(f"contact:{name}" for name in LANDMARK_NAMES))
"""What can be marked: the joints, and the contact landmarks."""
SEEN, INFERRED, GUESS = 2, 1, 0
"""Visibility: its contact is seen; it follows from others; it is a guess."""
FARTHEST_M = 10.0  # no mat is so long: coordinates beyond are centimetres or cells
_ORDER = {name: index for index, name in enumerate(POINT_NAMES)}


@dataclass(frozen=True)
class Mark:
    """One point on one map, by one person.

    Args:
        recording: name of the recording in its dataset ("i/S3/14"), or a file's stem.
        frame: index in that recording.
        annotator: who placed it.
        name: one of ``POINT_NAMES``.
        xy_m: where, in metres in the mat's frame; points beside the mat are allowed.
        visibility: 2 contact seen, 1 inferred, 0 a guess.

    Raises:
        MatposeError: a name, a place or a visibility that no mark has.

    Example:
        >>> Mark("i/S3/14", 90, "anna", "left_hip", (0.48, 0.93), 2).key
        ('i/S3/14', 90, 'anna', 'left_hip')
    """

    recording: str
    frame: int
    annotator: str
    name: str
    xy_m: tuple[float, float]
    visibility: int

    def __post_init__(self) -> None:
        for what, text in (("recording", self.recording), ("annotator", self.annotator)):
            if not text.strip() or not text.isprintable():
                raise MatposeError(f"the {what} is {text!r}", mend=f"give the {what} a name on one line")
        if self.frame < 0:
            raise MatposeError(f"frame {self.frame}", mend="count frames from 0")
        if self.name not in _ORDER:
            raise MatposeError(f"no point is called {self.name!r}", mend=f"use one of {', '.join(POINT_NAMES)}")
        if not all(math.isfinite(value) and abs(value) <= FARTHEST_M for value in self.xy_m):
            x, y = self.xy_m
            raise MatposeError(f"a point at {x:g}, {y:g} m", mend="give finite metres from the mat's head-left corner")
        if self.visibility not in (SEEN, INFERRED, GUESS):
            raise MatposeError(
                f"visibility {self.visibility}", mend="use 2 for contact seen, 1 for inferred, 0 for a guess"
            )

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What only one mark of a file may have: recording, frame, annotator, name."""
        return self.recording, self.frame, self.annotator, self.name

    @property
    def place(self) -> tuple[str, int, str]:
        """What passes of several annotators have in common: recording, frame, name."""
        return self.recording, self.frame, self.name


def read_marks(path: str | PathLike[str]) -> list[Mark]:
    """The marks of a CSV file, in its order.

    Args:
        path: the file; its first line is ``recording,frame,annotator,name,x_m,y_m,visibility``.

    Raises:
        MatposeError: no such file, another header, a line that is no mark, or a mark that stands there twice;
            names the line.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise MatposeError(f"cannot be read: {error.strerror}", mend="check the path", path=path) from error
    except UnicodeDecodeError as error:
        raise MatposeError("is not text in UTF-8", mend="save it as CSV UTF-8", path=path) from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    marks: list[Mark] = []
    line_of: dict[tuple, int] = {}
    try:
        if tuple(next(rows, ())) != COLUMNS:
            raise MatposeError("is not headed as marks are", mend=f"head it {','.join(COLUMNS)}")
        for row in rows:
            if not row:
                continue
            mark = _mark(row)
            if mark.key in line_of:
                raise MatposeError(
                    f"{mark.annotator} marked {mark.name} of {mark.recording}, frame {mark.frame}, in line "
                    f"{line_of[mark.key]} already",
                    mend="keep one of the two",
                )
            line_of[mark.key] = rows.line_num
            marks.append(mark)
    except MatposeError as error:
        place = f"line {max(rows.line_num, 1)}"
        raise MatposeError(error.problem, mend=error.mend, path=path, place=place) from None
    except csv.Error as error:
        place = f"line {rows.line_num}"
        raise MatposeError(f"is no CSV: {error}", mend="quote texts in pairs", path=path, place=place) from error
    return marks


def _mark(row: list[str]) -> Mark:
    if len(row) != len(COLUMNS):
        raise MatposeError(
            f"{len(row)} values instead of {len(COLUMNS)}", mend=f"give {','.join(COLUMNS)}, decimals with a point"
        )
    recording, frame, annotator, name, x_m, y_m, visibility = row
    try:
        return Mark(recording, int(frame), annotator, name, (float(x_m), float(y_m)), int(visibility))
    except ValueError:
        raise MatposeError(
            "a frame, a coordinate or a visibility is no number", mend="give whole numbers and metres"
        ) from None


def write_marks(path: str | PathLike[str], marks: Iterable[Mark]) -> None:
    """Write marks, sorted by recording, frame, annotator and point; the file appears whole or not at all.

    Coordinates are rounded to a tenth of a millimetre.

    Args:
        path: the CSV file; it is replaced.
        marks: each (recording, frame, annotator, name) once.

    Raises:
        MatposeError: a mark twice, or a place that cannot be written to.
    """
    in_order = sorted(marks, key=lambda mark: (*mark.key[:3], _ORDER[mark.name]))
    for one, other in pairwise(in_order):
        if one.key == other.key:
            raise MatposeError(f"a mark twice: {one.key}", mend="give each point of a map once", path=path)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for mark in in_order:
            x_m, y_m = (f"{value:.4f}" for value in mark.xy_m)
            writer.writerow((mark.recording, mark.frame, mark.annotator, mark.name, x_m, y_m, mark.visibility))
