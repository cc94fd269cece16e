"""Frames over a serial line: a USB adapter, RS-232, RS-485."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.byte_frames import ByteFrames
from matpose.live.inbox import Inbox, through_inbox
from matpose.live.reconnect import Backoff, Line, keep_open
from matpose.mat import Mat

if TYPE_CHECKING:
    from serial import Serial

POLL_S = 0.2
KEPT_CHUNKS = 4096
"""Readings of the port that may wait for the event loop; the oldest goes, and its frame counts as lost."""


class SerialSource:
    """Reads a mat at a serial port; opens it again whenever it went away.

    Args:
        port: its name: /dev/ttyUSB0, COM3.
        baud: bits a second.
        mat, unit, format, bed: as for :class:`ByteFrames`.
        backoff: waits between tries.

    Raises:
        MatposeError: pyserial is missing, no such baud, or as :class:`ByteFrames`.
    """

    def __init__(
        self, port: str, *, mat: Mat, baud: int = 115200, unit: str | None = None, format: str = "wire",
        bed: str = "bed", backoff: Backoff | None = None,
    ) -> None:  # fmt: skip
        try:
            import serial  # noqa: F401
        except ImportError as error:
            raise MatposeError("serial ports need pyserial", mend="pip install 'matpose[live]'") from error
        if not 50 <= baud <= 12_000_000:
            raise MatposeError(f"{baud} baud", mend="give the mat's bits a second, 50 to 12000000")
        self.line = Line(of=bed)
        self._frames = ByteFrames(bed, mat, unit, format, aligned=False, line=self.line)
        self.mat = mat
        self.unit = self._frames.receiver.unit
        self.beds = (bed,)
        self._port = port
        self._baud = baud
        self._backoff = backoff
        self._was_open = False

    def arrivals(self) -> AsyncGenerator[Arrival, None]:
        """Frames without end; MatposeError where there is no such port, or it may not be opened."""
        return through_inbox(self._listen)

    async def _listen(self, inbox: Inbox) -> None:
        async with aclosing(keep_open(self._connection, self.line, self._backoff)) as chunks:
            await self._frames.take_all(chunks, inbox)

    async def _connection(self) -> AsyncGenerator[bytes, None]:
        try:
            port = await asyncio.to_thread(_open, self._port, self._baud)
        except OSError as error:
            if not self._was_open:  # it may be unplugged later, but shall have been there
                raise _cannot_open(self._port, error) from error
            raise
        reader = _PortReader(port)
        try:
            self._was_open = True
            self.line.connected()
            self._frames.begin()
            reader.start()
            async for data in reader.chunks():
                yield data
        finally:
            reader.stop()


class _PortReader:
    """A thread that reads a port as bytes come: the kernel keeps only a third of a second of a fast line."""

    def __init__(self, port: Serial) -> None:
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._chunks: deque[bytes] = deque(maxlen=KEPT_CHUNKS)
        self._error: OSError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="serial port", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port; the thread ends within ``POLL_S``."""
        self._stop.set()
        with suppress(OSError, AttributeError):
            self._port.cancel_read()
        if self._thread.is_alive():
            self._thread.join(2 * POLL_S)
        with suppress(OSError):
            self._port.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Bytes as they come; OSError once the port fails."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._chunks:
                yield self._chunks.popleft()
            if self._error is not None:
                raise self._error

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                data = self._port.read(max(1, min(self._port.in_waiting, 1 << 16)))
            except (OSError, TypeError) as error:  # TypeError: pyserial, of a port closed meanwhile
                self._error = error if isinstance(error, OSError) else OSError(errno.EIO, "closed")
            else:
                if not data:
                    continue
                self._chunks.append(data)
            with suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self._wake.set)
            if self._error is not None:
                return


def _open(port: str, baud: int) -> Serial:
    import serial

    return serial.Serial(port, baud, timeout=POLL_S, exclusive=True)


def _cannot_open(port: str, error: OSError) -> MatposeError:
    if error.errno == errno.EACCES:
        mend = "on Linux, become a member of the group that owns it: sudo usermod -aG dialout $USER, and log in anew"
        return MatposeError("the serial port may not be opened", mend=mend, path=port)
    if error.errno in (errno.EBUSY, errno.EWOULDBLOCK):
        return MatposeError("another program reads this serial port", mend="end that program", path=port)
    from serial.tools.list_ports import comports

    there = ", ".join(each.device for each in comports()) or "none"
    return MatposeError("there is no such serial port", mend=f"plug the mat in; the ports are: {there}", path=port)
