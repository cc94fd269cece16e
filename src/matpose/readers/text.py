"""Plain text: a matrix a frame, or a flattened frame a line, in any common dialect of numbers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from matpose.errors import UnreadableFile
from matpose.readers.contents import Contents, Table
from matpose.readers.dialect import MAX_LINE_BYTES, Dialect, decoded, dialect_of, is_reading, unquoted
from matpose.readers.files import MAX_ABS_VALUE, refuse_too_many
from matpose.readers.integers import parse_integers

CHUNK_BYTES = 1 << 20
_BLANKS_INSIDE = re.compile(rb"[^ \n\t,;] +[^ \n\t,;]")
_DIGITS = b"0123456789"
_NO_READING = frozenset((b"", b"B", b"b", b"-"))  # float() reads NaN itself


def sniff(head: bytes) -> bool:
    """Text is what nothing else is; :func:`read` says what is wrong with the rest."""
    return True


def read(path: Path) -> Contents:
    """Contents of a text of numbers.

    Blank lines part the blocks of a table. Empty, "NaN", "B" and "-" cells have no reading.

    Raises:
        UnreadableFile: no text, no numbers, lines of unlike width, or values that no sensor gives.
    """
    text = decoded(path.read_bytes(), path)
    dialect = dialect_of(text, path)
    builder = _Builder(path, dialect)
    position = 0
    for _ in range(dialect.header_lines):
        position = text.index(b"\n", position) + 1
    while position < len(text):
        end = text.find(b"\n", min(position + CHUNK_BYTES, len(text) - 1)) + 1 or len(text)
        builder.add(text[position:end])
        position = end
    notes = ("the first line is a header and was skipped",) if dialect.header_lines else ()
    return Contents(path, "text", builder.table(), notes=notes)


class _Builder:
    """Collects the lines of a text by chunks of whole lines, so that memory stays near the file's size."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self.path = path
        self.dialect = dialect
        self.line = dialect.header_lines  # lines seen so far
        self.width = 0
        self.after_blank = True
        self.chunks: list[np.ndarray] = []
        self.starts: list[np.ndarray] = []
        self.rows = 0

    def add(self, chunk: bytes) -> None:
        """Parse a chunk of whole lines."""
        if len(chunk) > MAX_LINE_BYTES:
            raise self._error(
                chunk.rstrip(b"\n").count(b"\n"),
                f"is longer than {MAX_LINE_BYTES >> 20} MiB",
                "put one row of the mat, or one frame, on each line",
            )
        if not chunk.endswith(b"\n"):
            chunk += b"\n"
        chunk = unquoted(chunk)
        if self.dialect.decimal == b",":
            chunk = chunk.replace(b",", b".")
        values, filled = self._fast(chunk) or self._slow(chunk)
        if values.size:
            self._refuse_absurd(values, np.flatnonzero(filled))
        before = np.concatenate(([not self.after_blank], filled[:-1]))
        row_of_line = self.rows + np.cumsum(filled) - 1
        self.starts.append(row_of_line[filled & ~before])
        self.after_blank = not filled[-1]
        self.chunks.append(values.astype(np.float32))
        self.rows += len(values)
        self.line += len(filled)
        refuse_too_many(self.rows * self.width, self.path)

    def table(self) -> Table:
        """Everything added, as one table."""
        if not self.rows:
            raise UnreadableFile("there are no numbers in it", mend="export or fetch it again", path=self.path)
        values = np.concatenate([chunk for chunk in self.chunks if len(chunk)])
        return Table(values, np.concatenate(self.starts), last_cell_empty=self.dialect.trailing)

    def _fast(self, chunk: bytes) -> tuple[np.ndarray, np.ndarray] | None:
        """(values, which lines are filled) of a chunk of nothing but numbers; None where it is not that."""
        separator = self.dialect.separator
        spaced = separator == b" "
        if chunk.translate(None, b"0123456789.+-eE \n" + (b"\t" if spaced else separator)):
            return None
        if not spaced:
            if b" " in chunk and _BLANKS_INSIDE.search(chunk):
                return None
            chunk = chunk.replace(b" ", b"")
        codes = np.frombuffer(chunk, np.uint8)
        newline = codes == ord("\n")
        gap = newline | (codes == ord(separator)) | ((codes == ord("\t")) if spaced else False)
        edges = np.flatnonzero(np.diff(~gap, prepend=False, append=False))
        begins, ends = edges[::2], edges[1::2]
        line_ends = np.flatnonzero(newline)
        tokens = np.diff(np.searchsorted(begins, line_ends), prepend=0)
        filled = tokens > 0
        if not filled.any():
            return None
        width = self.width or int(tokens[filled][0])
        if (tokens[filled] != width).any():
            return None
        if not spaced:  # an empty cell leaves one separator too many
            separators = np.diff(np.flatnonzero(gap).searchsorted(line_ends), prepend=-1) - 1
            if (separators != np.where(filled, width - 1 + self.dialect.trailing, 0)).any():
                return None
        if not chunk.translate(None, _DIGITS + b"\t \n" + separator) and (ends - begins).max() <= 9:
            values = parse_integers(codes, begins, ends)
        else:
            try:
                values = np.array(chunk.replace(separator, b" ").split(), dtype=np.float64)
            except ValueError:
                return None
        self.width = width
        return values.reshape(-1, width), filled

    def _slow(self, chunk: bytes) -> tuple[np.ndarray, np.ndarray]:
        """(values, which lines are filled), by lines: for cells without a reading, and to name errors."""
        values, filled = [], []
        blanks = b" \v\f" if self.dialect.separator == b"\t" else b" \t\v\f"
        for index, line in enumerate(chunk[:-1].split(b"\n")):
            filled.append(bool(line.strip(blanks)))
            if not filled[-1]:
                continue
            cells = self.dialect.cells(line)
            self.width = self.width or len(cells)
            if len(cells) != self.width:
                raise self._error(
                    index,
                    f"has {len(cells)} values where the lines before have {self.width}",
                    "complete or remove it; the file may be cut off here",
                )
            try:
                if b"_" in line:  # float() reads 1_000
                    raise ValueError
                values.append([float(cell) if cell not in _NO_READING else np.nan for cell in cells])
            except ValueError:
                wrong = next(cell for cell in cells if not is_reading(cell))
                raise self._error(
                    index,
                    f"holds {wrong[:20].decode('latin-1')!r}, which is not a number",
                    "export the bare numbers, a row of the mat or a whole frame a line",
                ) from None
        return np.array(values, dtype=np.float64).reshape(len(values), self.width), np.array(filled)

    def _refuse_absurd(self, values: np.ndarray, lines: np.ndarray) -> None:
        absurd = (np.abs(values) > MAX_ABS_VALUE).any(axis=1)  # NaN compares false
        if absurd.any():
            raise self._error(
                int(lines[np.argmax(absurd)]),
                "holds a value that no sensor gives",
                f"remove infinities and values beyond {MAX_ABS_VALUE:g}",
            )

    def _error(self, index: int, problem: str, mend: str) -> UnreadableFile:
        place = f"line {self.line + index + 1}"
        return UnreadableFile(f"it {problem}", mend=mend, path=self.path, place=place)
