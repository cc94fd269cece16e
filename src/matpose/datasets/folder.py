"""A user's own files: every file a recording, every first-level folder a subject, labels in a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from matpose.errors import DatasetError
from matpose.readers import read
from matpose.recording import POSTURES, Recording

LABELS = "labels.csv"


class Label(NamedTuple):
    posture: str
    subject: str | None


def folder(path: str | Path, *, subjects: str | None = None, **mat_options) -> Iterator[Recording]:
    """Recordings of a file, or of every file below a folder, in the order of their names.

    Hidden files and ``labels.csv`` are left out; any other file that cannot be read stops with its error.
    A subject is the first-level folder of a file, or the file itself where it lies at the top.

    ``labels.csv`` has the columns ``file`` (relative to the folder), ``posture`` and, if wanted, ``subject``.

    Args:
        path: a file or a folder.
        subjects: names of subjects, with commas between; None for all.
        mat_options: passed on to :func:`matpose.read` (``mat``, ``rows``, ``cols``, ``pitch_mm``, ...).

    Raises:
        DatasetError: nothing there, a label without its file, an unknown posture, an absent subject.
        MatposeError: a file that cannot be read.
    """
    root = Path(path)
    if root.is_file():
        files, labels = {root.name: root}, {}
    elif root.is_dir():
        found = (file for file in root.rglob("*") if file.is_file())
        files = {file.relative_to(root).as_posix(): file for file in found}
        files = {name: file for name, file in sorted(files.items()) if not _left_out(name)}
        labels = _labels(root / LABELS, files)
    else:
        raise DatasetError("there is no such file or folder", mend="check the path", path=root)
    if not files:
        raise DatasetError("holds no files", mend="put recordings into the folder", path=root)
    owner = {name: _subject(name, labels.get(name)) for name in files}
    wanted = None if subjects is None else {name.strip() for name in subjects.split(",")}
    if wanted is not None and (missing := sorted(wanted - set(owner.values()))):
        raise DatasetError(
            f"there is no subject {', '.join(missing)}",
            mend=f"choose among {', '.join(sorted(set(owner.values()))[:20])}",
            path=root,
        )
    for name, file in files.items():
        if wanted is not None and owner[name] not in wanted:
            continue
        recording = read(file, **mat_options)
        if label := labels.get(name):
            recording = replace(recording, posture=np.full(len(recording), label.posture))
        yield from _each_person(replace(recording, name=name, subject=owner[name]))


def _each_person(recording: Recording) -> Iterator[Recording]:
    """A file of several people, as `matpose simulate` writes, as a recording for each of them."""
    if recording.person is None or len(numbers := np.unique(recording.person)) == 1:
        yield recording
        return
    for number in numbers:
        part = recording.select(recording.person == number)
        yield replace(part, name=f"{recording.name}/{number}", subject=f"{recording.subject}/{number}")


def _left_out(name: str) -> bool:
    return name == LABELS or any(part.startswith(".") for part in name.split("/"))


def _subject(name: str, label: Label | None) -> str:
    if label is not None and label.subject:
        return label.subject
    top, slash, _ = name.partition("/")
    return top if slash else Path(name).stem


def _labels(table: Path, files: dict[str, Path]) -> dict[str, Label]:
    if not table.is_file():
        return {}
    labels: dict[str, Label] = {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            if not {"file", "posture"} <= columns <= {"file", "posture", "subject"}:
                raise DatasetError(
                    f"has the columns {', '.join(reader.fieldnames or ()) or 'of an empty file'}",
                    mend="head it file,posture or file,posture,subject",
                    path=table,
                    place="line 1",
                )
            for row in reader:
                place = f"line {reader.line_num}"
                name, posture = (row["file"] or "").strip(), (row["posture"] or "").strip()
                if name not in files:
                    raise DatasetError(
                        f"{name!r} is no file of the folder",
                        mend="name it as it lies there",
                        path=table,
                        place=place,
                    )
                if posture not in POSTURES:
                    raise DatasetError(
                        f"unknown posture {posture!r}",
                        mend=f"use {', '.join(POSTURES)}",
                        path=table,
                        place=place,
                    )
                labels[name] = Label(posture, (row.get("subject") or "").strip() or None)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError("is not a CSV file in UTF-8", mend="save it as CSV UTF-8", path=table) from error
    return labels
