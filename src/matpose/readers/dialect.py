"""How a text file writes its numbers: encoding, separator, decimal sign, header line."""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from matpose.errors import UnreadableFile
from matpose.readers.files import HEAD_BYTES

MAX_LINE_BYTES = 4 << 20
MISSING = frozenset((b"", b"nan", b"b", b"-"))  # lower case; "B" is Tekscan's word for "no sensel"

# each digit has one place in it: "\d+[.,]?\d*" would try a long run of digits at every cut
_NUMBER = re.compile(rb"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_QUOTED = re.compile(rb'"([^"\n]*)"')


@dataclass(frozen=True)
class Dialect:
    """What to know before the numbers of a text can be read.

    Args:
        separator: b"\\t", b";", b"," or b" " (runs of blanks).
        decimal: b"." or b",".
        header_lines: lines before the first numbers.
        trailing: whether lines end with a separator.
    """

    separator: bytes
    decimal: bytes
    header_lines: int
    trailing: bool

    def cells(self, line: bytes) -> list[bytes]:
        """The stripped cells of one line.

        Example:
            >>> Dialect(b";", b",", 0, True).cells(b"1; 2,5;;")
            [b'1', b'2,5', b'']
        """
        if self.separator == b" ":
            return line.split()
        cells = [cell.strip() for cell in line.split(self.separator)]
        return cells[:-1] if self.trailing and not cells[-1] else cells


def decoded(raw: bytes, path: Path) -> bytes:
    """The text as bytes of an ASCII superset with \\n line ends.

    UTF-8 and latin-1 differ only in letters, which numbers do not have, so neither is decoded.

    Raises:
        UnreadableFile: the bytes are no text.
    """
    if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        try:
            raw = raw.decode("utf-16").encode()
        except UnicodeError as error:
            raise UnreadableFile(
                f"damaged UTF-16: {error}", mend="save the file as UTF-8, or fetch it again", path=path
            ) from error
    raw = raw.removeprefix(BOM_UTF8)
    if b"\0" in raw[:HEAD_BYTES]:
        raise UnreadableFile(
            "the file is binary, of a format that is not known here",
            mend="export it as text (UTF-8), .npy, or a greyscale PNG",
            path=path,
        )
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in raw else raw


def unquoted(text: bytes) -> bytes:
    """Cells without their quotes; a comma between them is a decimal comma.

    Example:
        >>> unquoted(b'"1,5","2",3')
        b'1.5,2,3'
    """
    return _QUOTED.sub(lambda cell: cell[1].replace(b",", b"."), text) if b'"' in text else text


def is_number(cell: bytes) -> bool:
    """Whether a cell is a number, with a point or a comma."""
    return _NUMBER.fullmatch(cell) is not None


def is_reading(cell: bytes) -> bool:
    """Whether a cell is a number or says that there is none."""
    return is_number(cell) or cell.lower() in MISSING


def dialect_of(text: bytes, path: Path) -> Dialect:
    """Read the dialect off the first lines of a decoded text.

    Raises:
        UnreadableFile: there are no numbers, or the decimal sign changes.
    """
    end = text.find(b"\n", HEAD_BYTES, HEAD_BYTES + MAX_LINE_BYTES)
    sample = text[:end] if end >= 0 else text[: HEAD_BYTES + MAX_LINE_BYTES]
    lines = [unquoted(line) for line in sample.split(b"\n")]
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if not filled:
        raise UnreadableFile("there are no numbers in it", mend="export or fetch it again", path=path)
    separator = _separator(lines[filled[-1]])
    first = lines[filled[0]]
    words = [cell for cell in Dialect(separator, b".", 0, False).cells(first) if cell.lower() not in MISSING]
    header_lines = 0
    if first.lstrip().startswith(b"#") or (words and not any(map(is_number, words))):
        header_lines = filled[0] + 1
        if len(filled) == 1:
            raise UnreadableFile("there are no numbers in it", mend="export or fetch it again", path=path)
    body = text.split(b"\n", header_lines)[-1]
    dialect = Dialect(separator, b".", header_lines, _all_end_with(separator, body))
    if separator == b"," or b"," not in body:
        return dialect
    if b"." in body:
        raise UnreadableFile(
            "both . and , are used as decimal sign", mend="export with one decimal sign throughout", path=path
        )
    return replace(dialect, decimal=b",")


def _separator(line: bytes) -> bytes:
    for separator in (b";", b"\t"):
        if separator in line:
            return separator
    # "1,5 2,5" are two numbers; "1, 5" and "1,5" are separated by the comma
    cells = line.split()
    decimal = len(cells) > 1 and all(is_reading(cell) and cell.strip(b",") == cell for cell in cells)
    return b"," if b"," in line and not decimal else b" "


def _all_end_with(separator: bytes, body: bytes) -> bool:
    """Whether every filled line ends with the separator."""
    if separator == b" ":
        return False
    codes = np.frombuffer(body.rstrip(b" \n") + b"\n", np.uint8)
    last = codes[np.flatnonzero(codes[1:] == ord("\n"))]
    return bool(np.isin(last, (ord(separator), ord("\n"), ord(" "))).all())
