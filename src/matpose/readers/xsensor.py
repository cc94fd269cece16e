"""XSENSOR CSV exports: per frame the date and time, and a block for every sensor, in two spellings of the keys.

``FRAME,1464`` and ``Frame:,1464``; commas, semicolons or tabs; decimal points, or decimal commas in quotes.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from matpose.errors import MatposeError
from matpose.readers.clock import Moment, elapsed_s, moment
from matpose.readers.contents import Contents, Stated
from matpose.readers.export import Export, Frames, opening, words
from matpose.readers.quantities import length_m, pressure_unit, quantity

MAX_SENSORS = 64
_KEYS = rb"FRAME|DATE|TIME|SENSOR|GROUP|SENSELS|ROWS|COLUMNS|SENSEL WIDTH \(CM\)|SENSEL HEIGHT \(CM\)|UNITS|THRESHOLD"
_LINE = re.compile(rb'^"?(' + _KEYS + rb')"?:?"?(?:[ ]*([,;\t])(.*))?$', re.MULTILINE | re.IGNORECASE)
_SENSOR = re.compile(rb'^"?SENSOR"?:?"?[ ]*([,;\t])(.*)$', re.MULTILINE | re.IGNORECASE)
_SNIFFED = re.compile(rb'^"?(FRAME|ROWS|COLUMNS|SENSELS)"?:?"?[ ]*(?:[,;\t]|$)', re.MULTILINE | re.IGNORECASE)


def sniff(head: bytes) -> bool:
    """Whether the lines of an XSENSOR frame stand among the first bytes."""
    found = {key.upper() for key in _SNIFFED.findall(opening(head))}
    return b"FRAME" in found and len(found) >= 3


def read(path: Path, *, sensor: str | None = None) -> Contents:
    """Contents of one sensor of an export; its groups (parts of the sensors once more) are left out.

    Args:
        path: the file.
        sensor: part of the sensor's name; by default the first sensor of the file.

    Raises:
        UnreadableFile: a matrix cut short, a number or unit that is none; names the line.
        MatposeError: no such sensor, or several.
    """
    export = Export.open(path)
    names = _names(export)
    chosen = _chosen(names, sensor, path)
    reading = _Reading(export, chosen)
    reading.run()
    table = reading.frames.table()
    notes = []
    if len(names) > 1:
        others = ", ".join(name for name in names if name != chosen)
        notes.append(f"of {len(names)} sensors this is {chosen}; --sensor chooses another: {others}")
    if missing := reading.frames.missing:
        notes.append(f"the sensor is missing in {missing} of {len(reading.frames.found)} frames")
    time_s = elapsed_s(reading.moments)
    if time_s is not None and (np.diff(time_s) < 0).any():
        notes.append("the times of the frames do not run forward and were left out")
        time_s = None
    meta = {"maker": "XSENSOR", "sensor": chosen, "threshold": reading.threshold}
    stated = Stated(
        reading.frames.grid, reading.pitch_m, reading.unit,
        time_s=time_s, start_time=reading.moments[0].iso(), meta={key: value for key, value in meta.items() if value},
    )  # fmt: skip
    return Contents(path, "xsensor", table, stated=stated, notes=tuple(notes))


def _names(export: Export) -> list[str]:
    """Names of the sensors, in their order; one without name where there are none."""
    names: dict[str, None] = {}
    for match in _SENSOR.finditer(export.text):
        names.setdefault(_value(match[1], match[2]))
        if len(names) > MAX_SENSORS:
            raise export.error(
                match.start(), f"there are more than {MAX_SENSORS} sensors", "export fewer sensors at a time"
            )
    return list(names) or [""]


def _chosen(names: list[str], wanted: str | None, path: Path) -> str:
    """The one sensor whose name holds the wanted part; a whole name wins over a part of two."""
    if wanted is None:
        return names[0]
    fits = [name for name in names if wanted.lower() in name.lower()]
    fits = [name for name in fits if name.lower() == wanted.lower()] or fits
    if len(fits) != 1:
        many = "several sensors are" if fits else "no sensor is"
        raise MatposeError(f"{many} called {wanted!r}", mend=f"choose one of {', '.join(names)}", path=path)
    return fits[0]


def _value(separator: bytes | None, rest: bytes | None) -> str:
    """The cell behind a key."""
    rest = (rest or b"").strip()
    if rest.startswith(b'"'):
        return words(rest[1:].partition(b'"')[0])
    return words(rest.partition(separator or b",")[0])


class _Reading:
    """One way through the file, key line by key line."""

    def __init__(self, export: Export, chosen: str) -> None:
        self.export = export
        self.chosen = chosen
        self.frames = Frames(export)
        self.moments: list[Moment] = []
        self.unit: str | None = None
        self.threshold = ""
        self.pitch_m: tuple[float, float] | None = None
        self.block: dict[str, str] | None = None  # the keys of the chosen sensor's block; None in other blocks
        self.due: np.ndarray | None = None  # its matrix in the present frame

    def run(self) -> None:
        """Read everything."""
        lines = _LINE.finditer(self.export.text)
        line, when, begun = next(lines, None), "", -1
        while line is not None:
            after = next(lines, None)
            key, value = line[1].upper().decode(), _value(line[2], line[3])
            if key == "FRAME":
                self._close(when, begun)
                when, begun, self.block = "", line.start(), {} if not self.chosen else None
            elif key in ("DATE", "TIME"):
                when = f"{when} {value}"[:200]
            elif key == "UNITS":
                self._set_unit(value, line.start())
            elif key == "THRESHOLD":
                self.threshold = self.threshold or value
            elif key == "SENSOR":
                self.block = {} if value == self.chosen else None
            elif key == "GROUP":
                self.block = None
            elif self.block is not None and key == "SENSELS":
                self._read_matrix(line, after.start() if after else len(self.export.text), begun)
            elif self.block is not None:
                self.block[key] = value
            line = after
        self._close(when, begun)

    def _close(self, when: str, begun: int) -> None:
        """End a frame: what it held of the chosen sensor, which may be nothing."""
        if begun < 0:
            return
        self.frames.add(self.due, begun)
        self.moments.append(moment(when))
        self.due = None

    def _set_unit(self, said: str, at: int) -> None:
        unit = pressure_unit(said)
        if unit is None or self.unit not in (None, unit):
            raise self.export.error(at, f"the unit is {said!r}", "export everything in mmHg, kPa, psi, N/cm2 or raw")
        self.unit = unit

    def _read_matrix(self, line: re.Match[bytes], end: int, begun: int) -> None:
        if begun < 0 or self.due is not None:
            raise self.export.error(
                line.start(), f"a second matrix of the sensor {self.chosen!r} in a frame", "export it again"
            )
        assert self.block is not None
        rows, cols = self._count("ROWS", line), self._count("COLUMNS", line)
        self.due = self.export.matrix(line.end(), end, cols=cols)
        if len(self.due) != rows:
            raise self.export.error(
                line.start(), f"{len(self.due)} rows where {rows} are due",
                "complete the matrix, or export it again; the file may be cut off here",
            )  # fmt: skip
        height_m, width_m = (self._length(f"SENSEL {side} (CM)", line) for side in ("HEIGHT", "WIDTH"))
        if height_m is not None and width_m is not None:
            self.pitch_m = self.pitch_m or (height_m, width_m)
            if (height_m, width_m) != self.pitch_m:
                raise self.export.error(line.start(), "the size of the sensels changes", "export one sensor's frames")
        self.block = None

    def _count(self, key: str, line: re.Match[bytes]) -> int:
        assert self.block is not None
        found = quantity(self.block.get(key, ""))
        if found is None or not 1 <= found[0] <= 4096:
            raise self.export.error(
                line.start(), f"{key.title()} is {self.block.get(key, 'missing')!r}", "write a number from 1 to 4096"
            )
        return int(found[0])

    def _length(self, key: str, line: re.Match[bytes]) -> float | None:
        assert self.block is not None
        said = self.block.get(key)
        metres = length_m(said, "cm") if said else None
        if said and metres is None:
            raise self.export.error(line.start(), f"{key.title()} is {said!r}", "write 0.05 to 50 cm")
        return metres
