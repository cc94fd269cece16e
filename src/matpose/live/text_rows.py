"""Frames as lines of plain numbers, as the simplest firmware prints them."""

from __future__ import annotations

from itertools import chain

import numpy as np

from matpose.live.wire import Frame, readings
from matpose.readers.dialect import MISSING

BYTES_A_NUMBER = 32  # more digits than any number needs
NOT_A_FRAME = np.empty((0, 0), np.float32)  # fits no mat


class TextRows:
    """Finds the frames in a stream of lines.

    A line of rows x cols numbers is a frame. So are as many lines as the mat has rows, each with its columns, up to a
    blank line. Numbers are parted by commas, semicolons, tabs or blanks, the decimal sign is a point; a separator at
    the end of a line parts nothing. An empty cell, "nan", "B" and "-" have no reading. Lines end with LF or CRLF;
    those that begin with # say nothing. Any other count, and whatever is no number, is a frame of the wrong size:
    nothing is guessed.

    Args:
        shape: stored rows and columns of the mat.
        aligned: whether the stream begins where the sender begins; else the first line, and the first frame of
            several lines, are only the end of something and are left out.
        after_loss: what the first frame shall say of itself.

    Attributes:
        skipped_lines: those of no frame: comments, and what was under way as we began to listen.

    Example:
        >>> rows = TextRows((2, 2))
        >>> [frame.values.tolist() for frame in rows.feed(b"1,2,3,4\\n5 6\\r\\n7 ")], len(rows.feed(b"8\\r\\n\\r\\n"))
        ([[[1.0, 2.0], [3.0, 4.0]]], 1)
    """

    def __init__(self, shape: tuple[int, int], *, aligned: bool = True, after_loss: bool = False) -> None:
        self.skipped_lines = 0
        self._shape = shape
        self._aligned = aligned  # to lines of several a frame
        self._after_loss = after_loss
        self._longest = (shape[0] * shape[1] + 1) * BYTES_A_NUMBER
        self._line = bytearray()  # what there is of the next one, cut at the longest
        self._skip_first = not aligned
        self._rows: list[list[float] | None] = []  # lines of the frame under way; None: a wrong one
        self._overfull = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; give the frames that they complete, in order."""
        frames: list[Frame] = []
        *ended, rest = data.split(b"\n")
        for piece in ended:
            self._keep(piece)
            line, self._line = bytes(self._line), bytearray()
            if self._skip_first:
                self._skip_first = False
                self.skipped_lines += 1
            elif (frame := self._take(line)) is not None:
                frames.append(frame)
        self._keep(rest)
        return frames

    def _keep(self, piece: bytes) -> None:
        self._line += piece[: self._longest + 1 - len(self._line)]

    def _take(self, line: bytes) -> Frame | None:
        """What this line completes."""
        line = line.strip(b" \r\v\f\0")
        if line.startswith(b"#"):
            self.skipped_lines += 1
            return None
        if not line.strip():
            return self._end_of_block()
        numbers = self._numbers(line)
        rows, cols = self._shape
        if numbers is not None and len(numbers) == rows * cols:
            if self._rows:  # several lines, and then one: the former are no whole frame
                self._rows.clear()
                self._after_loss = True
            self._aligned = True
            return self._frame(np.array(numbers).reshape(self._shape))
        if numbers is not None and len(numbers) != cols:
            numbers = None
        if numbers is None and not self._rows:
            return self._frame(NOT_A_FRAME)  # no frame begins like this
        self._rows.append(numbers)
        if len(self._rows) <= rows:
            return None
        self._rows.clear()
        self._overfull = True
        return self._frame(NOT_A_FRAME)

    def _end_of_block(self) -> Frame | None:
        block, self._rows = self._rows, []
        overfull, self._overfull = self._overfull, False
        aligned, self._aligned = self._aligned, True
        whole = [row for row in block if row is not None]
        if not block or overfull:
            return None  # a second blank line, or the rest of what was said to be wrong
        if len(whole) == len(block) == self._shape[0]:
            return self._frame(np.array(list(chain.from_iterable(whole))).reshape(self._shape))
        if not aligned:
            self.skipped_lines += len(block)
            return None
        return self._frame(NOT_A_FRAME)

    def _frame(self, values: np.ndarray) -> Frame:
        frame = Frame(readings(values), after_loss=self._after_loss)
        self._after_loss = False
        return frame

    def _numbers(self, line: bytes) -> list[float] | None:
        """The numbers of a line; None where something in it is none, or it is longer than any frame."""
        if len(line) > self._longest or b"_" in line:  # float() reads 1_000
            return None
        separator = next((mark for mark in (b";", b",", b"\t") if mark in line), None)
        cells = [cell.strip() for cell in line.split(separator)]
        if separator is not None and not cells[-1]:
            cells.pop()
        try:
            return [float("nan") if cell.lower() in MISSING else float(cell) for cell in cells]
        except ValueError:
            return None
