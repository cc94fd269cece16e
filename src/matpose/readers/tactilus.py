"""Tactilus text exports: ``FRAME      1(mmHg)``, a line with the time, rows of right-aligned integers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from matpose.readers.clock import Moment, elapsed_s, moment
from matpose.readers.contents import Contents, Stated
from matpose.readers.export import Export, Frames, opening, words
from matpose.readers.quantities import pressure_unit

_FRAME = re.compile(rb"^[ \t]*FRAME[ \t]+(\d{1,9})[ \t]*\(([^()\n]{1,20})\)[ \t]*$", re.MULTILINE | re.IGNORECASE)


def sniff(head: bytes) -> bool:
    """Whether the head of a Tactilus frame stands among the first bytes."""
    return _FRAME.search(opening(head)) is not None


def read(path: Path) -> Contents:
    """Contents of an export; it says its grid, unit and times, not its pitch.

    Raises:
        UnreadableFile: a frame cut short or of another grid, a number or unit that is none; names the line.
    """
    export = Export.open(path)
    frames, moments, unit = Frames(export), [], None
    heads = _FRAME.finditer(export.text)
    head = next(heads, None)
    before = export.text[: head.start()] if head else b""
    while head is not None:
        after = next(heads, None)
        said = pressure_unit(words(head[2]))
        if said is None or unit not in (None, said):
            raise export.error(head.start(), f"the unit is {words(head[2])!r}", "export everything in mmHg, kPa or psi")
        unit = said
        start, when = _time_line(export, head.end() + 1)
        moments.append(when)
        frames.add(export.matrix(start, after.start() if after else len(export.text), blanks=True), head.start())
        head = after
    table = frames.table()
    notes = []
    time_s = elapsed_s(moments)
    if time_s is not None and (np.diff(time_s) < 0).any():
        notes.append("the times of the frames do not run forward and were left out")
        time_s = None
    meta = {"maker": "Sensor Products"} | ({"comments": words(before)} if before.strip() else {})
    stated = Stated(frames.grid, unit=unit, time_s=time_s, start_time=moments[0].iso(), meta=meta)
    return Contents(path, "tactilus", table, stated=stated, notes=tuple(notes))


def _time_line(export: Export, start: int) -> tuple[int, Moment]:
    """Where the rows begin, and what the line before them says; a line of bare numbers is a row already."""
    end = export.text.find(b"\n", start)
    line = export.text[start : end if end >= 0 else len(export.text)]
    if not line[:1000].translate(None, b"0123456789.- \t"):
        return start, Moment(None, None)
    return start + len(line) + 1, moment(words(line))
