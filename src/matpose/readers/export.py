"""The text of a maker's export: matrices of numbers between lines of words, read at once, errors by line."""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matpose.errors import UnreadableFile
from matpose.readers.contents import Table
from matpose.readers.decimals import parse_decimals
from matpose.readers.dialect import MAX_LINE_BYTES, MISSING, decoded, is_number, unquoted
from matpose.readers.files import MAX_ABS_VALUE, refuse_too_long, refuse_too_many

CHUNK_BYTES = 1 << 20
CUT_OFF = "complete or remove it, or export it again; the file may be cut off here"

_PADDING = re.compile(rb"(?<![, ])(?:[, ]*+\n)++")  # the end of a row, with its empty cells and blank lines
_NUMBERS = b"0123456789.+-eE, \nBnaN"


def opening(head: bytes) -> bytes:
    """The first bytes of a file as text with \\n line ends, for recognising its format."""
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        head = head[: len(head) // 2 * 2].decode("utf-16", "ignore").encode()
    return head.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def words(text: bytes) -> str:
    """What people wrote, for people: UTF-8 or else latin-1, one line, of bearable length.

    Example:
        >>> words("12 cm²  ".encode("latin-1"))
        '12 cm²'
    """
    try:
        said = text.decode()
    except UnicodeDecodeError:
        said = text.decode("latin-1")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in said[:2000]).split())[:500]


@dataclass(frozen=True)
class Export:
    """The decoded text of an export.

    Args:
        path: the file.
        text: its bytes, in an ASCII superset, with \\n line ends.
    """

    path: Path
    text: bytes

    @classmethod
    def open(cls, path: Path) -> Export:
        """Read a file.

        Raises:
            UnreadableFile: it is no text.
        """
        return cls(path, decoded(path.read_bytes(), path))

    def error(self, at: int, problem: str, mend: str) -> UnreadableFile:
        """An error that names the line which holds the offset ``at``."""
        return self._error_below(at, 0, problem, mend)

    def matrix(
        self, start: int, end: int, *, cols: int | None = None, blanks: bool = False, dtype: type = np.float32
    ) -> np.ndarray:
        """The numbers between two offsets, a row a line; blank lines and padding are left out.

        Commas, semicolons or tabs part the cells; beside the latter two, and in quotes, a comma is a decimal sign.
        Empty cells, "B" and "NaN" have no reading.

        Args:
            start, end: from the beginning of a line to the end of one.
            cols: cells in every row; else as many as in the first.
            blanks: whether blanks part the cells, and all commas are decimal signs.
            dtype: of the result; float32 holds no times.

        Returns:
            (rows, cols), NaN where there is no reading.

        Raises:
            UnreadableFile: what is no number, rows of unlike width, or values that no sensor gives; names the line.
        """
        parts: list[np.ndarray] = []
        count = 0
        while start < end:
            stop = self.text.find(b"\n", min(start + CHUNK_BYTES, end - 1), end) + 1 or end
            if stop - start > MAX_LINE_BYTES:
                raise self.error(
                    stop - 1, f"a line is longer than {MAX_LINE_BYTES >> 20} MiB", "export one row of the mat a line"
                )
            block = _plain(self.text[start:stop], blanks)
            part = _fast(block, cols, blanks)
            if part is None:
                part = self._slow(start, block, cols, blanks)
            if len(part):
                parts.append(part.astype(dtype))
                cols = part.shape[1]
                count += part.size
                refuse_too_many(count, self.path)
            start = stop
        return np.concatenate(parts) if parts else np.empty((0, cols or 0), dtype)

    def _slow(self, start: int, block: bytes, cols: int | None, blanks: bool) -> np.ndarray:
        """As :meth:`matrix`, by lines: for empty cells, and to name errors."""
        rows: list[list[float]] = []
        for below, line in enumerate(block.split(b"\n")):
            cells = line.split() if blanks else [cell.strip() for cell in line.split(b",")]
            if not any(cells):
                continue
            cols = cols or len(cells)
            if len(cells) < cols or any(cells[cols:]):
                raise self._error_below(start, below, f"has {len(cells)} values where {cols} are due", CUT_OFF)
            for cell in cells[:cols]:
                if not is_number(cell) and cell.lower() not in MISSING:
                    problem = f"holds {cell[:20].decode('latin-1')!r}, which is not a number"
                    raise self._error_below(start, below, problem, "export it again")
            row = [np.nan if cell.lower() in MISSING else float(cell) for cell in cells[:cols]]
            if any(abs(value) > MAX_ABS_VALUE for value in row):  # NaN compares false
                raise self._error_below(
                    start, below, "holds a value that no sensor gives", f"remove values beyond {MAX_ABS_VALUE:g}"
                )
            rows.append(row)
        return np.array(rows, np.float64).reshape(len(rows), cols or 0)

    def _error_below(self, at: int, below: int, problem: str, mend: str) -> UnreadableFile:
        """An error so many lines below the offset ``at``; lines are counted only here."""
        number = self.text.count(b"\n", 0, at) + 1 + below
        return UnreadableFile(problem, mend=mend, path=self.path, place=f"line {number}")


def _plain(block: bytes, blanks: bool) -> bytes:
    """The block with commas (or blanks) between its cells and points in its decimals, line for line."""
    if blanks:
        return block.replace(b",", b".").replace(b"\t", b" ")
    block = unquoted(block)
    for separator in (b";", b"\t"):
        if separator in block:
            return block.replace(b",", b".").replace(separator, b",")
    return block


def _fast(block: bytes, cols: int | None, blanks: bool) -> np.ndarray | None:
    """(rows, cols) of a block of nothing but numbers and "B", each row complete; None where it is not that."""
    if block.translate(None, _NUMBERS) or (b" " in block and not blanks):
        return None
    block = block.strip(b"\n") + b"\n"
    if b",\n" in block or b"\n\n" in block or b" \n" in block:
        block = _PADDING.sub(b"\n", b"\n" + block)[1:]
    if b",," in block or b"\n," in block or block.startswith(b","):
        block = (b"\n" + block).replace(b"\n,", b"\nB,").replace(b",,", b",B,").replace(b",,", b",B,")[1:]
    codes = np.frombuffer(block, np.uint8)
    rows = np.flatnonzero(codes == ord("\n"))
    if not len(rows):  # nothing but padding
        return None
    solid = (codes > ord(" ")) & (codes != ord(","))
    edges = np.flatnonzero(np.diff(solid, prepend=False))
    begins, ends = edges[::2], edges[1::2]
    widths = np.diff(begins.searchsorted(rows), prepend=0)
    cols = cols or int(widths[0])
    if not cols or (widths != cols).any() or (not blanks and block.count(b",") != len(begins) - len(rows)):
        return None
    values = _values(block, codes, begins, ends)
    if values is None or (np.abs(values) > MAX_ABS_VALUE).any():
        return None
    return values.reshape(-1, cols)


def _values(block: bytes, codes: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray | None:
    """(n,) float64 of the runs from ``begins`` to ``ends``, "B" as NaN; None where one is no number."""
    if not block.translate(None, b"0123456789., \nB"):
        absent = codes[begins] == ord("B")
        if absent.sum() != block.count(b"B") or (ends - begins)[absent].max(initial=1) > 1:
            return None
        values = parse_decimals(codes, begins, ends)
        if values is not None:
            values[absent] = np.nan
        return values
    numbers = block.replace(b"B", b"nan").replace(b",", b" ").split()
    try:
        return np.array(numbers, dtype=np.float64)
    except ValueError:
        return None


class Frames:
    """Frames of one sensor, gathered one after another within the limits on memory."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.found: list[np.ndarray | None] = []
        self.grid: tuple[int, int] | None = None

    def add(self, frame: np.ndarray | None, at: int) -> None:
        """Add the frame that stands at the offset ``at``; None where the sensor is missing from it."""
        self.found.append(frame)
        refuse_too_long(len(self.found), self.export.path)
        if frame is None:
            return
        self.grid = self.grid or (frame.shape[0], frame.shape[1])
        if 0 in frame.shape or frame.shape != self.grid:
            due = "" if 0 in self.grid else f" where {self.grid[0]} x {self.grid[1]} are due"
            raise self.export.error(at, f"a frame of {frame.shape[0]} x {frame.shape[1]} cells{due}", CUT_OFF)
        refuse_too_many(len(self.found) * frame.size, self.export.path)

    @property
    def missing(self) -> int:
        """In how many frames the sensor is missing."""
        return sum(frame is None for frame in self.found)

    def table(self) -> Table:
        """All frames; one without the sensor is a block without lines, which is flagged as of wrong size.

        Raises:
            UnreadableFile: there are none.
        """
        if self.missing == len(self.found):
            raise UnreadableFile("there are no frames in it", mend="export it again", path=self.export.path)
        heights = [0 if frame is None else len(frame) for frame in self.found]
        starts = np.cumsum([0, *heights[:-1]])
        values = np.concatenate([frame for frame in self.found if frame is not None])
        return Table(values, starts, framed=True)
