"""One bed's frames from the bytes of a line, in either format."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.inbox import Inbox
from matpose.live.receiver import Receiver, bed_name
from matpose.live.reconnect import Line
from matpose.live.text_rows import TextRows
from matpose.live.wire import Decoder
from matpose.mat import Mat

FORMATS = ("wire", "text")


class ByteFrames:
    """Cuts a bed's frames from what comes over a line, connection after connection.

    Args:
        bed: its name.
        mat: of the bed.
        unit: as for :class:`Receiver`.
        format: one of ``FORMATS``: frames of ``docs/wire.md``, or lines of numbers.
        aligned: whether a connection begins where the sender begins.
        line: the state of the line.

    Raises:
        MatposeError: no such format or unit, no name of a bed, or a mat larger than the wire's frames.
    """

    def __init__(self, bed: str, mat: Mat, unit: str | None, format: str, *, aligned: bool, line: Line) -> None:
        if format not in FORMATS:
            raise MatposeError(f"no format is called {format!r}", mend=f"use {' or '.join(FORMATS)}")
        self.bed = bed_name(bed)
        self.receiver = Receiver(mat, unit, scaled=format == "wire", line=line)
        self._format = format
        self._aligned = aligned
        self._begun = False
        self._line = line
        self._finder = self._new_finder()

    def begin(self) -> None:
        """A connection was made: what the former left half done is void."""
        self._finder = self._new_finder()
        self._begun = True

    def take(self, data: bytes, received_s: float) -> list[Arrival]:
        """The arrivals that these bytes complete, received at that epoch second."""
        found = (self.receiver.receive(self.bed, frame, received_s) for frame in self._finder.feed(data))
        arrivals = [arrival for arrival in found if arrival is not None]
        if isinstance(self._finder, Decoder) and self._finder.refused is not None:
            self._line.note(self.bed, f"frames that cannot be read: {self._finder.refused}")
        return arrivals

    async def take_all(self, chunks: AsyncIterable[bytes], inbox: Inbox) -> None:
        """Put the arrivals of all bytes into an inbox, as they come."""
        async for data in chunks:
            for arrival in self.take(data, time.time()):
                inbox.put(arrival)

    def _new_finder(self) -> Decoder | TextRows:
        if self._format == "wire":
            return Decoder(after_loss=self._begun)
        return TextRows(self.receiver.mat.stored_shape, aligned=self._aligned, after_loss=self._begun)
