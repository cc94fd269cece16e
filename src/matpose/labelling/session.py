"""One annotator's work on a list of maps: what is marked, and every change kept in the file at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from matpose.errors import MatposeError
from matpose.labelling.maps import LabelMap
from matpose.labelling.marks import Mark, read_marks, write_marks
from matpose.recording import JOINT_NAMES

MARGIN_M = 0.15
"""A joint may lie this far beside the mat."""


class WrongChange(MatposeError):
    """What the page sent is no change of marks."""


class LabelSession:
    """The marks of one annotator; those of others stay in the file, and are never given out.

    Before every change the file is read again if somebody else wrote it, so that their marks survive.

    Args:
        maps: what is to be marked.
        path: the CSV file; made if it is missing, carried on if it stands.
        annotator: whose marks these are.

    Raises:
        MatposeError: the file holds no marks, or cannot be written.
    """

    def __init__(self, maps: Sequence[LabelMap], path: Path, annotator: str) -> None:
        self.maps = maps
        self.path = path
        self.annotator = annotator
        self._lock = Lock()
        self._marks: dict[tuple, Mark] = {}
        self._stamp: tuple | None = None
        if not annotator.strip() or not annotator.isprintable():
            raise MatposeError(f"the annotator is called {annotator!r}", mend="give --annotator a name on one line")
        if not path.exists():
            write_marks(path, ())
        self._refresh()

    def marks_on(self, number: int) -> dict[str, Mark]:
        """The annotator's own marks on one map, by name of the point."""
        with self._lock:
            return self._own(self.maps[number])

    def change(self, number: int, changes: object) -> None:
        """Place, move or remove points of one map, all of them or none, and write the file.

        Args:
            number: which map.
            changes: name of a point to {"x_m", "y_m", "visibility"}, or to None to remove it.

        Raises:
            WrongChange: it is not of that form.
            MatposeError: the file cannot be read or written; then nothing has changed.
        """
        chosen = self.maps[number]
        wanted = self._parsed(chosen, changes)
        with self._lock:
            self._refresh()
            marks = dict(self._marks)
            for name, mark in wanted.items():
                marks.pop((chosen.recording, chosen.frame, self.annotator, name), None)
                if mark is not None:
                    marks[mark.key] = mark
            write_marks(self.path, marks.values())
            self._marks, self._stamp = marks, self._stamp_now()

    def progress(self) -> list[dict[str, Any]]:
        """For every map its name, its frame, and how many joints and how many points are placed."""
        with self._lock:
            placed = [set(self._own(each)) for each in self.maps]
        return [
            {
                "recording": each.recording,
                "frame": each.frame,
                "joints": len(names.intersection(JOINT_NAMES)),
                "points": len(names),
            }
            for each, names in zip(self.maps, placed, strict=True)
        ]

    def summary(self) -> dict[str, Any]:
        """What was done so far, ready for JSON."""
        progress = self.progress()
        return {
            "marks": str(self.path),
            "annotator": self.annotator,
            "maps": len(progress),
            "complete": sum(each["joints"] == len(JOINT_NAMES) for each in progress),
            "begun": sum(each["points"] > 0 for each in progress),
            "points": sum(each["points"] for each in progress),
        }

    def _own(self, chosen: LabelMap) -> dict[str, Mark]:
        mine = (chosen.recording, chosen.frame, self.annotator)
        return {mark.name: mark for mark in self._marks.values() if mark.key[:3] == mine}

    def _refresh(self) -> None:
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._marks = {mark.key: mark for mark in read_marks(self.path)}
            self._stamp = stamp

    def _stamp_now(self) -> tuple:
        try:
            said = self.path.stat()
        except OSError as error:
            raise MatposeError(
                f"is gone: {error.strerror}", mend="put it back, or start `matpose label` anew", path=self.path
            ) from error
        return said.st_ino, said.st_size, said.st_mtime_ns

    def _parsed(self, chosen: LabelMap, changes: object) -> dict[str, Mark | None]:
        if not isinstance(changes, Mapping) or not changes:
            raise WrongChange("the change is no object of points", mend='send {"left_hip": {...}}')
        return {name: None if said is None else self._mark(chosen, name, said) for name, said in changes.items()}

    def _mark(self, chosen: LabelMap, name: str, said: object) -> Mark:
        if not isinstance(said, Mapping) or set(said) != {"x_m", "y_m", "visibility"}:
            raise WrongChange(f"{name} has not exactly x_m, y_m and visibility", mend="send these three, or null")
        x_m, y_m, visibility = said["x_m"], said["y_m"], said["visibility"]
        if any(type(value) not in (int, float) for value in (x_m, y_m)):
            raise WrongChange(f"{name} has a coordinate that is no number", mend="send metres")
        if type(visibility) is not int:
            raise WrongChange(f"{name} has a visibility that is no whole number", mend="send 2, 1 or 0")
        mat = chosen.mat
        # NaN is within nothing
        if not (-MARGIN_M <= x_m <= mat.width_m + MARGIN_M and -MARGIN_M <= y_m <= mat.height_m + MARGIN_M):
            raise WrongChange(f"{name} lies beyond the mat's surroundings", mend="place it on the map or at its edge")
        at = (round(float(x_m), 4), round(float(y_m), 4))
        try:
            return Mark(chosen.recording, chosen.frame, self.annotator, name, at, visibility)
        except MatposeError as error:
            raise WrongChange(error.problem, mend=error.mend) from None
