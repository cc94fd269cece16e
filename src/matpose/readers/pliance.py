"""novel pliance exports (``.asc``): a table of all sensors over time, and the corners of every sensor.

Rows and columns are found from the corners: y runs up in the maker's drawing, so row 0 has the largest y.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from matpose.readers.clock import moment
from matpose.readers.contents import Contents, Stated, Table
from matpose.readers.dialect import MAX_LINE_BYTES
from matpose.readers.export import Export, opening, words
from matpose.readers.files import refuse_too_long, refuse_too_many
from matpose.readers.quantities import pressure_unit

_TABLE = re.compile(rb"^[ \t]*time\[secs?\][ \t]+(\d[\d \t]*)$", re.MULTILINE)
_NO_ROW = re.compile(rb"^(?![ \t]*[\d.]).*$", re.MULTILINE)  # blank, or MPP and MVP, the means over time
_UNIT = re.compile(rb"^pressure values in[ \t]+(.*)$", re.MULTILINE)
_MAT_TYPE = re.compile(rb"^mat type[ \t:]+(.*)$", re.MULTILINE)
_BEGUN = re.compile(rb"date/time[ \t]+(.*)$", re.MULTILINE)
_SENSOR = re.compile(rb"^[ \t]*sensor[ \t]+(\d[\d \t]*)\n[ \t]*corner\[(cm|mm)\]", re.MULTILINE)
_CORNER = re.compile(rb"^[ \t]*([xy])\[([0-3])\]([ \t].*)$", re.MULTILINE)
_GEOMETRY_MEND = "Matpose reads rectangular mats; export a measurement of one, or a matrix a frame"


def sniff(head: bytes) -> bool:
    """Whether the head of a pliance table stands among the first bytes."""
    head = opening(head)
    return (
        _UNIT.search(head) is not None and re.search(rb"^[ \t]*time\[secs?\][ \t]+\d", head, re.MULTILINE) is not None
    )


def read(path: Path) -> Contents:
    """Contents of an export of pressures; its force block and means are left out.

    Without corners the table holds a flattened frame a line, and the caller says rows and columns.

    Raises:
        UnreadableFile: a row cut short, a number or unit that is none, sensors on no regular grid.
    """
    export = Export.open(path)
    head = _TABLE.search(export.text)
    said = _UNIT.search(export.text)
    if head is None or said is None:
        raise export.error(len(export.text), "there is no table of pressures", "export it again")
    unit = pressure_unit(words(said[1]))
    if unit is None:
        raise export.error(said.start(), f"the unit is {words(said[1])!r}", "export pressures in kPa, N/cm2 or mmHg")
    after = _NO_ROW.search(export.text, head.end() + 1)
    ids = _ids(export, head[1], head.start())
    end = after.start() if after else len(export.text)
    table = export.matrix(head.end(), end, cols=1 + len(ids), blanks=True, dtype=np.float64)
    refuse_too_long(len(table), path)
    if not len(table):
        raise export.error(head.end(), "there are no frames in it", "export it again")
    seconds, values = table[:, 0], table[:, 1:].astype(np.float32)
    if np.isnan(seconds).any() or (np.diff(seconds) < 0).any():
        raise export.error(head.end(), "the times do not run forward", "export it again")
    notes = ()
    if len(seconds) > 1 and seconds[0] > 2 * np.median(np.diff(seconds)):
        notes = (f"the first frame was taken {seconds[0]:g} s into the measurement",)
    mat_type, begun = _MAT_TYPE.search(export.text), _BEGUN.search(export.text)
    start = moment(words(begun[1])).iso(float(seconds[0])) if begun else None
    meta = {"maker": "novel"} | ({"sensor_type": words(mat_type[1])} if mat_type else {})
    time_s = np.round(seconds - seconds[0], 5)
    found = _geometry(export)
    if found is None:
        stated = Stated(unit=unit, time_s=time_s, start_time=start, meta=meta)
        return Contents(path, "pliance", Table(values, np.zeros(1, int)), stated=stated, notes=notes)
    cell_of, (rows, cols), pitch_m, at = found
    if unplaced := [number for number in ids if number not in cell_of]:
        raise export.error(at, f"sensor {unplaced[0]} has no corners", "export it again with all sensors")
    refuse_too_many(len(values) * rows * cols, path)
    frames = np.full((len(values), rows, cols), np.nan, np.float32)
    row, col = np.array([cell_of[number] for number in ids]).T
    frames[:, row, col] = values
    starts = np.arange(0, len(values) * rows, rows)
    stated = Stated((rows, cols), pitch_m, unit, time_s=time_s, start_time=start, meta=meta)
    return Contents(path, "pliance", Table(frames.reshape(-1, cols), starts, framed=True), stated=stated, notes=notes)


def _ids(export: Export, said: bytes, at: int) -> list[int]:
    numbers = said[:MAX_LINE_BYTES].split()
    ids = [int(word) for word in numbers if len(word) < 10]
    if len(said) > MAX_LINE_BYTES or len(ids) != len(numbers) or len(set(ids)) != len(ids):
        raise export.error(at, "the sensors are not numbered each by its own", "export it again")
    return ids


Geometry = tuple[dict[int, tuple[int, int]], tuple[int, int], tuple[float, float], int]


def _geometry(export: Export) -> Geometry | None:
    """(cell of every sensor, (rows, cols), pitch in metres, where it stands); None where there are no corners."""
    head = _SENSOR.search(export.text)
    if head is None:
        return None
    ids = _ids(export, head[1], head.start())
    metres = 0.01 if head[2] == b"cm" else 0.001
    corners = np.full((2, 4, len(ids)), np.nan)  # (x y, corner, sensor)
    for match in _CORNER.finditer(export.text, head.end()):
        line = export.matrix(match.start(3), match.end(), cols=len(ids), blanks=True, dtype=np.float64)
        if len(line):
            corners[b"xy".index(match[1]), int(match[2])] = line[0] * metres
    if not np.isfinite(corners).all():
        raise export.error(head.end(), "corners of sensors are missing", "export it again; the file may be cut off")
    low, high = corners.min(1), corners.max(1)  # (x y, sensor)
    slack = 0.05 * np.median(high - low, 1)[:, None, None]
    upright = (np.abs(corners - low[:, None]) <= slack) | (np.abs(corners - high[:, None]) <= slack)
    columns, rows = (_axis(low[axis], high[axis]) for axis in (0, 1))
    if not upright.all() or columns is None or rows is None:
        raise export.error(head.start(), "its sensors lie on no regular grid", _GEOMETRY_MEND)
    (col, cols, pitch_x_m), (up, count, pitch_y_m) = columns, rows
    row = count - 1 - up
    cells = dict(zip(ids, zip(row.tolist(), col.tolist(), strict=True), strict=True))
    if len(set(cells.values())) != len(cells):
        raise export.error(head.start(), "two of its sensors lie in one place", _GEOMETRY_MEND)
    return cells, (count, cols), (pitch_y_m, pitch_x_m), head.start()


def _axis(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, int, float] | None:
    """Index of every sensor along one axis, their number and the pitch; None where the sensors are not evenly spaced.

    Args:
        low, high: (n,) metres, where every sensor begins and ends.

    Example:
        >>> _axis(np.array([0.0, 0.02, 0.08]), np.array([0.02, 0.04, 0.1]))
        (array([0, 1, 4]), 5, 0.02)
        >>> _axis(np.array([0.0, 0.02, 0.07]), np.array([0.02, 0.04, 0.09])) is None
        True
    """
    size = float(np.median(high - low))
    if not 0.0005 <= size <= 0.5:
        return None
    centre = (low + high) / 2
    steps = np.diff(np.sort(centre))
    steps = steps[steps > 0.25 * size]  # less is the same row or column
    pitch = float(steps.min()) if len(steps) else size
    index = np.rint((centre - centre.min()) / pitch)
    if not 1 <= index.max() + 1 <= 4096:
        return None
    if index.max():
        pitch = float(np.ptp(centre)) / index.max()
    off = np.abs((centre - centre.min()) / pitch - index)
    if (off > 0.05).any() or ((high - low) > 1.05 * pitch).any() or pitch > 0.5:
        return None
    return index.astype(int), int(index.max()) + 1, round(float(pitch), 7)
