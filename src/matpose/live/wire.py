"""The frame on the wire: one frame of a mat as bytes, for serial lines, TCP and MQTT. ``docs/wire.md`` draws it.

Little-endian: a header of 32 bytes with its own CRC-32, the payload row by row, and a CRC-32 of all before it. The
header's own CRC tells a damaged size at once, so that a decoder never waits for a frame that does not exist.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matpose.errors import MatposeError
from matpose.readers.files import MAX_ABS_VALUE

MAGIC = b"\xd7MPF"
VERSION = 1
HEADER_BYTES = 32
CRC_BYTES = 4
MAX_CELLS = 1 << 16  # 256 x 256: the largest of the presets has a quarter of them
MAX_FRAME_BYTES = HEADER_BYTES + 4 * MAX_CELLS + CRC_BYTES
HIGHEST_IS_NO_READING = 1  # an option's bit
EARLIEST_S, LATEST_S = 1e9, 4102444800.0  # 2001 to 2100: a clock that says otherwise was never set
_FIELDS = struct.Struct("<4sBBHHHfdI")
_CRC = struct.Struct("<I")
_DTYPES = {1: np.dtype("<u1"), 2: np.dtype("<u2"), 3: np.dtype("<f4")}


@dataclass(frozen=True, eq=False)
class Frame:
    """What one sender said of its mat at one time.

    Args:
        values: (stored rows, stored cols) float32, in units of the sender; NaN = no reading.
        scale_kpa: pressure of one unit, kPa; None where the sender does not know.
        epoch_s: when the mat made it, seconds since 1970, UTC; None where the sender has no clock.
        sequence: counts frames, modulo 2**32; None where nobody counts.
        after_loss: whether bytes were lost before it: garbage, half a frame, a wrong CRC.
    """

    values: np.ndarray
    scale_kpa: float | None = None
    epoch_s: float | None = None
    sequence: int | None = None
    after_loss: bool = False


def encode(
    values: np.ndarray,
    *,
    epoch_s: float | None = None,
    sequence: int = 0,
    scale_kpa: float | None = None,
    highest_is_no_reading: bool = False,
) -> bytes:
    """The bytes of one frame.

    Args:
        values: (rows, cols) uint8, uint16 or float32, as the mat stores them; NaN = no reading.
        epoch_s: seconds since 1970, UTC; None without a clock.
        sequence: one more than the frame's before; taken modulo 2**32. Always 0: nobody counts.
        scale_kpa: pressure of one unit, kPa; None for counts of unknown scale.
        highest_is_no_reading: of integers: 255 or 65535 is no pressure but says that there is no reading.

    Raises:
        MatposeError: an array that is no frame.

    Example:
        >>> frame = decode(encode(np.array([[0, 200], [7, 1]], np.uint8), scale_kpa=0.05, sequence=9))
        >>> frame.values.tolist(), frame.scale_kpa, frame.sequence
        ([[0.0, 200.0], [7.0, 1.0]], 0.05000000074505806, 9)
    """
    code = next((code for code, dtype in _DTYPES.items() if values.dtype == dtype), None)
    if code is None or values.ndim != 2 or not 1 <= values.size <= MAX_CELLS:
        raise MatposeError(
            f"an array {values.shape} of {values.dtype} is no frame",
            mend=f"give (rows, cols) of uint8, uint16 or float32, at most {MAX_CELLS} cells",
        )
    if scale_kpa is not None and not _is_scale(scale_kpa):
        raise MatposeError(f"a scale of {scale_kpa:g} kPa", mend="give a number above 0, at most 1e6, or None")
    head = _FIELDS.pack(
        MAGIC, VERSION, code, *values.shape, HIGHEST_IS_NO_READING * highest_is_no_reading,
        scale_kpa or 0.0, epoch_s or 0.0, sequence & 0xFFFFFFFF,
    )  # fmt: skip
    head += _CRC.pack(zlib.crc32(head))
    body = head + np.ascontiguousarray(values, _DTYPES[code]).tobytes()
    return body + _CRC.pack(zlib.crc32(body))


def decode(data: bytes) -> Frame:
    """The frame that these bytes are, no less and no more.

    Raises:
        MatposeError: they are none; says why.
    """
    if len(data) < HEADER_BYTES + CRC_BYTES or not data.startswith(MAGIC):
        raise _unreadable("the bytes do not begin like a frame")
    if not _header_is_whole(data, 0):
        raise _unreadable("the header's CRC is wrong")
    header = _Header.read(data, 0)
    if len(data) != header.total_bytes:
        raise _unreadable(f"{len(data)} bytes where the header announces {header.total_bytes}")
    frame = header.frame(data)
    if frame is None:
        raise _unreadable("the frame's CRC is wrong")
    return frame


class Decoder:
    """Finds the frames in a stream of bytes, whatever else is in it.

    A whole header begins a new frame wherever it stands; one that stands within another frame cuts that one off. So
    every byte is looked at a bounded number of times, and whatever came before a whole frame cannot hide it. (A frame
    whose own payload spells a header is lost; by chance that takes 2**64 bytes.) Never more than ``MAX_FRAME_BYTES``
    are kept.

    Args:
        after_loss: what the first frame shall say of itself.

    Attributes:
        lost: frames begun but cut off, or with a wrong CRC.
        skipped_bytes: those that belong to no frame.
        refused: why the last header that was whole could not be taken, or None.

    Example:
        >>> data = encode(np.ones((2, 3), np.float32), sequence=5)
        >>> decoder = Decoder()
        >>> [frame.sequence for frame in decoder.feed(b"noise" + data[:20])], decoder.feed(data)[0].sequence
        ([], 5)
    """

    def __init__(self, *, after_loss: bool = False) -> None:
        self.lost = 0
        self.skipped_bytes = 0
        self.refused: str | None = None
        self._after_loss = after_loss
        self._buffer = bytearray()  # begins with the header, once one is found
        self._header: _Header | None = None
        self._sought = 0  # no header begins before this place, but for the one above

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; give the frames that they complete, in order."""
        self._buffer += data
        frames: list[Frame] = []
        while self._step(frames):
            pass
        return frames

    def _step(self, frames: list[Frame]) -> bool:
        """Go one header or one frame on; False where it takes more bytes."""
        if self._header is None:
            header = self._seek(len(self._buffer))
            self.skipped_bytes += self._sought
            self._after_loss |= self._sought > 0
            self._begin(self._sought, header)
            return header is not None
        total = self._header.total_bytes
        inner = self._seek(min(total, len(self._buffer)))
        if inner is not None:  # the sender began anew
            self._lose(inner)
            return True
        if len(self._buffer) < total:
            return False
        frame = self._header.frame(bytes(memoryview(self._buffer)[:total]), after_loss=self._after_loss)
        if frame is None:
            self._lose(None)
        else:
            frames.append(frame)
            self._after_loss = False
            self._begin(total, None)
        return True

    def _lose(self, header: _Header | None) -> None:
        self.lost += 1
        self._after_loss = True
        self._begin(self._sought, header)

    def _begin(self, at: int, header: _Header | None) -> None:
        del self._buffer[:at]
        self._header = header
        self._sought = 0 if header is None else 1

    def _seek(self, end: int) -> _Header | None:
        """The next header wholly before ``end``; ``_sought`` moves to it, or to where one might still begin."""
        start = self._sought
        while (at := self._buffer.find(MAGIC, start, end)) >= 0:
            self._sought = at
            if at + HEADER_BYTES > end:
                return None
            if _header_is_whole(self._buffer, at):
                try:
                    return _Header.read(self._buffer, at)
                except MatposeError as error:
                    self.refused = error.problem
            start = at + 1
        self._sought = max(start, end - len(MAGIC) + 1)
        return None


class _Header(NamedTuple):
    dtype: np.dtype
    rows: int
    cols: int
    options: int
    scale_kpa: float
    epoch_s: float
    sequence: int

    @classmethod
    def read(cls, data: bytes | bytearray, at: int) -> _Header:
        """The header there, whose CRC is right; MatposeError where this program cannot take it."""
        _, version, code, rows, cols, options, scale_kpa, epoch_s, sequence = _FIELDS.unpack_from(data, at)
        if version != VERSION:
            raise _unreadable(f"version {version} of the frame, of which only {VERSION} is known here")
        if code not in _DTYPES or options & ~HIGHEST_IS_NO_READING:
            raise _unreadable(f"numbers of kind {code} with options {options:#x}")
        if not 1 <= rows * cols <= MAX_CELLS:
            raise _unreadable(f"frames of {rows} x {cols} cells")
        if scale_kpa != 0 and not _is_scale(scale_kpa):
            raise _unreadable(f"a scale of {scale_kpa:g} kPa")
        return cls(_DTYPES[code], rows, cols, options, scale_kpa, epoch_s, sequence)

    @property
    def total_bytes(self) -> int:
        return HEADER_BYTES + self.rows * self.cols * self.dtype.itemsize + CRC_BYTES

    def frame(self, data: bytes, *, after_loss: bool = False) -> Frame | None:
        """The frame of these whole bytes; None where the CRC is wrong."""
        if zlib.crc32(data[:-CRC_BYTES]) != _CRC.unpack(data[-CRC_BYTES:])[0]:
            return None
        stored = np.frombuffer(data, self.dtype, self.rows * self.cols, HEADER_BYTES)
        values = readings(stored)
        if self.options & HIGHEST_IS_NO_READING and self.dtype.kind == "u":
            values[stored == np.iinfo(self.dtype).max] = np.nan
        return Frame(
            values.reshape(self.rows, self.cols),
            self.scale_kpa or None,
            self.epoch_s if EARLIEST_S <= self.epoch_s < LATEST_S else None,
            self.sequence,
            after_loss,
        )


def readings(values: np.ndarray) -> np.ndarray:
    """Numbers as float32, of which those that no sensor gives are no readings: infinite, or beyond 1e7.

    Args:
        values: any shape and real dtype.

    Returns:
        A new array of the same shape.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = values.astype(np.float32)
        found[~(np.abs(found) <= MAX_ABS_VALUE)] = np.nan
    return found


def _header_is_whole(data: bytes | bytearray, at: int) -> bool:
    head = data[at : at + _FIELDS.size]
    return zlib.crc32(head) == _CRC.unpack_from(data, at + _FIELDS.size)[0]


def _is_scale(scale_kpa: float) -> bool:
    return 1e-9 <= scale_kpa <= 1e6


def _unreadable(problem: str) -> MatposeError:
    return MatposeError(problem, mend="let the sender follow docs/wire.md")
