"""Tekscan ASCII exports (F-Scan, I-Scan, BPMS: ``.asf``, ``.csv``): lines of KEY value, then frames.

The grammar is read off exports of versions 6.10 and 6.33; keys are optional and come in any order.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from matpose.errors import UnreadableFile
from matpose.readers.clock import moment
from matpose.readers.contents import Contents, Stated
from matpose.readers.export import Export, Frames, opening, words
from matpose.readers.quantities import length_m, pressure_unit, quantity

_KEYS = (
    b"DATA_TYPE|VERSION|HARDWARE|MAP_VERSION|HW_TYPE|VersaPogoFsx|FILENAME|SENSOR_TYPE|ROWS|COLS|ROW_SPACING|COL_SPACING"
    b"|SENSEL_AREA|NOISE_THRESHOLD|SECONDS_PER_FRAME|MICRO_SECOND|TIME|SATURATION_PRESSURE|CALIBRATION_\\w{1,20}"
    b"|SENSITIVITY|MAP_INDEX|SUBMAP|COMMENTS|START_FRAME|END_FRAME|UNITS|MIRROR_ROW|MIRROR_COL"
)
_KEY = re.compile(rb"^(" + _KEYS + rb")\b:?[ \t,;]*(.*)$", re.MULTILINE)
_DATA = re.compile(rb"^ASCII_DATA\b.*$", re.MULTILINE)
_FRAME = re.compile(rb"^Frame[ \t]+(\d{1,9})\b(.*)$", re.MULTILINE)
_SNIFFED = re.compile(rb"^(?:ROWS|COLS|ROW_SPACING|COL_SPACING|SENSEL_AREA|NOISE_THRESHOLD|ASCII_DATA) ", re.MULTILINE)
_META = {
    "SENSOR_TYPE": "sensor_type", "VERSION": "software", "NOISE_THRESHOLD": "threshold", "SENSITIVITY": "sensitivity",
    "CALIBRATION_POINT_1": "calibration",
}  # fmt: skip


def sniff(head: bytes) -> bool:
    """Whether at least two lines of a Tekscan header stand among the first bytes."""
    return len(set(_SNIFFED.findall(opening(head)))) >= 2


def read(path: Path) -> Contents:
    """Contents of an ASCII export; "B" marks cells without a sensel.

    Raises:
        UnreadableFile: a header without end, a frame cut short, a number or unit that is none; names the line.
    """
    export = Export.open(path)
    begin = _DATA.search(export.text)
    if begin is None:
        raise export.error(len(export.text), "the header does not end with ASCII_DATA", "export it again")
    header = _Header(export, begin.start())
    end = export.text.find(b"\n@@", begin.end())
    notes = header.notes()
    if end < 0:
        notes.append("the file does not end with @@: it may be cut off")
        end = len(export.text)
    elif export.text[end + 3 : end + 4096].strip():
        notes.append("what follows the first @@ was left out")
    frames, numbers, times, stamp = _frames(export, header, begin.end(), end)
    table = frames.table()
    first, last = header.number("START_FRAME"), header.number("END_FRAME")
    if first is not None and last is not None and last - first + 1 != len(numbers):
        notes.append(f"the header says frames {first:g} to {last:g}, the file holds {len(numbers)}")
    time_s = _time_s(numbers, times, header.number("SECONDS_PER_FRAME"))
    if time_s is not None and (np.diff(time_s) < 0).any():
        notes.append("the times of the frames do not run forward and were left out")
        time_s = None
    written = stamp or header.said.get("TIME", "")
    start_time = moment(written).iso()
    if written and start_time is None:
        notes.append(f"the start {written!r} is not beyond doubt and was left out")
    stated = Stated(
        frames.grid, header.pitch_m(), header.unit(), header.full_scale(), time_s, start_time, header.meta(written)
    )
    return Contents(path, "tekscan", table, stated=stated, notes=tuple(notes))


def _frames(export: Export, header: _Header, start: int, end: int) -> tuple[Frames, list[int], list[float], str]:
    """The frames, their numbers, those of their times that are said, and the first's time of day."""
    frames, numbers, times, stamp = Frames(export), [], [], ""
    rows, cols = header.number("ROWS"), header.number("COLS")
    frames.grid = (int(rows), int(cols)) if rows and cols else None
    heads = _FRAME.finditer(export.text, start, end)
    head = next(heads, None)
    between = export.text[start : head.start() if head else end]
    if between.strip():
        raise export.error(
            end - len(between.lstrip()) if head is None else head.start() - len(between.lstrip()),
            "this is no frame", "export it again: Frame 1 should follow ASCII_DATA",
        )  # fmt: skip
    while head is not None:
        after = next(heads, None)
        frame = export.matrix(head.end(), after.start() if after else end, cols=int(cols) if cols else None)
        frames.add(frame, head.start())
        numbers.append(int(head[1]))
        fields = words(head[2]).split(";" if b";" in head[2] else ",")
        if len(fields) > 1 and (said := quantity(fields[1])):
            times.append(said[0])
        if not stamp and len(fields) > 3:
            stamp = fields[3].strip()
        head = after
    return frames, numbers, times, stamp


def _time_s(numbers: list[int], times: list[float], seconds_per_frame: float | None) -> np.ndarray | None:
    """Seconds from the first frame: as the frames say, else by their numbers; None where neither is said."""
    if len(times) == len(numbers):
        time_s = np.array(times, dtype=np.float64)
    elif seconds_per_frame:
        time_s = np.array(numbers, dtype=np.float64) * seconds_per_frame
    else:
        return None
    return np.round(time_s - time_s[0], 6)


class _Header:
    """KEY value lines; the first of a key holds, as comments may look like one."""

    def __init__(self, export: Export, end: int) -> None:
        self.export = export
        self.said: dict[str, str] = {}
        self.at: dict[str, int] = {}
        for match in _KEY.finditer(export.text, 0, end):
            key = match[1].decode()
            if key not in self.said:
                self.said[key], self.at[key] = words(match[2]), match.start()
        if "COMMENTS" in self.at:  # they run on to the next key
            begin = self.at["COMMENTS"] + len("COMMENTS")
            stop = min((at for at in self.at.values() if at > begin), default=end)
            self.said["COMMENTS"] = words(export.text[begin:stop]).removeprefix(":").strip()

    def _error(self, key: str, mend: str) -> UnreadableFile:
        return self.export.error(self.at[key], f"{key} is {self.said[key][:40]!r}", mend)

    def number(self, key: str) -> float | None:
        """A number; None where the key is missing."""
        if key not in self.said:
            return None
        found = quantity(self.said[key])
        if found is None:
            raise self._error(key, "write a number there, or remove the line")
        return found[0]

    def pitch_m(self) -> tuple[float, float] | None:
        """(rows, columns) in metres, where both are said."""
        pitch = []
        for key in ("ROW_SPACING", "COL_SPACING"):
            if key not in self.said:
                return None
            metres = length_m(self.said[key])
            if metres is None:
                raise self._error(key, "write a length from 0.5 to 500 mm there, like 5.08 mm, or remove the line")
            pitch.append(metres)
        return pitch[0], pitch[1]

    def unit(self) -> str | None:
        """The unit of the numbers, where it is said."""
        if not self.said.get("UNITS"):
            return None
        unit = pressure_unit(self.said["UNITS"])
        if unit is None:
            raise self._error("UNITS", "export it in KPa, mmHg, PSI, N/cm2 or raw")
        return unit

    def full_scale(self) -> float | None:
        """The saturation pressure, where it is said in the unit of the numbers."""
        found = quantity(self.said.get("SATURATION_PRESSURE", ""))
        return found[0] if found and found[0] > 0 and pressure_unit(found[1]) == self.unit() else None

    def meta(self, written: str) -> dict[str, str]:
        """Facts worth keeping, under our names."""
        named = {ours: self.said.get(key, "") for key, ours in _META.items()}
        named |= {"comments": self.said.get("COMMENTS", ""), "start_as_written": written}
        return {"maker": "Tekscan"} | {name: value for name, value in named.items() if value}

    def notes(self) -> list[str]:
        """Sentences on what may be other than it looks."""
        mirrored = [key for key in ("MIRROR_ROW", "MIRROR_COL") if self.number(key)]
        if not mirrored:
            return []
        said = " and ".join(mirrored)
        return [
            f"the header sets {said}; whether the export itself is flipped is not documented, so nothing was: "
            "check the picture, and give --rotate or --mirror"
        ]
