"""Frames over TCP: from a mat that listens, or to a port of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.byte_frames import ByteFrames
from matpose.live.inbox import Inbox, through_inbox
from matpose.live.reconnect import Backoff, Line, LineCut, keep_open
from matpose.mat import Mat

CHUNK_BYTES = 1 << 16
CONNECT_S = 10.0
SILENCE_S = 30.0
"""A device that lost its power closes nothing: after so long without a byte the line counts as cut."""


class TcpClient:
    """Connects to a mat and reads its frames; connects again whenever the line is cut.

    Args:
        host, port: where the mat listens.
        mat, unit, format, bed: as for :class:`ByteFrames`.
        silence_s: after so long without a byte it connects anew.
        backoff: waits between tries.

    Raises:
        MatposeError: as :class:`ByteFrames`.
    """

    def __init__(
        self, host: str, port: int, *, mat: Mat, unit: str | None = None, format: str = "wire", bed: str = "bed",
        silence_s: float = SILENCE_S, backoff: Backoff | None = None,
    ) -> None:  # fmt: skip
        self.line = Line(of=bed)
        self._frames = ByteFrames(bed, mat, unit, format, aligned=True, line=self.line)
        self.mat = mat
        self.unit = self._frames.receiver.unit
        self.beds = (bed,)
        self._place = (host, port)
        self._silence_s = silence_s
        self._backoff = backoff

    def arrivals(self) -> AsyncGenerator[Arrival, None]:
        """Frames without end."""
        return through_inbox(self._listen)

    async def _listen(self, inbox: Inbox) -> None:
        async with aclosing(keep_open(self._connection, self.line, self._backoff)) as chunks:
            await self._frames.take_all(chunks, inbox)

    async def _connection(self) -> AsyncGenerator[bytes, None]:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(*self._place)
        try:
            self.line.connected()
            self._frames.begin()
            async for data in _chunks(reader, self._silence_s):
                yield data
        finally:
            await _hang_up(writer)


class TcpListener:
    """Waits for a mat to connect and reads its frames. The newest sender has the word; the one before is hung up on.

    Nobody is asked who they are: let it listen on a closed network only.

    Args:
        host, port: where to listen.
        mat, unit, format, bed, silence_s: as for :class:`TcpClient`.

    Raises:
        MatposeError: as :class:`ByteFrames`.
    """

    def __init__(
        self, host: str, port: int, *, mat: Mat, unit: str | None = None, format: str = "wire", bed: str = "bed",
        silence_s: float = SILENCE_S,
    ) -> None:  # fmt: skip
        self.line = Line(of=bed)
        self._frames = ByteFrames(bed, mat, unit, format, aligned=True, line=self.line)
        self.mat = mat
        self.unit = self._frames.receiver.unit
        self.beds = (bed,)
        self._place = (host, port)
        self._silence_s = silence_s
        self._speaking: asyncio.Task | None = None
        self.port: int | None = None

    def arrivals(self) -> AsyncGenerator[Arrival, None]:
        """Frames without end; MatposeError where the port cannot be had."""
        return through_inbox(self._listen)

    async def _listen(self, inbox: Inbox) -> None:
        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._speaking is not None:
                self._speaking.cancel()
            self._speaking = asyncio.current_task()
            with suppress(asyncio.CancelledError):  # asyncio.streams takes it for an error
                await self._hear(reader, writer, inbox)

        try:
            server = await asyncio.start_server(hear, *self._place)
        except OSError as error:
            raise MatposeError(
                f"port {self._place[1]} cannot be listened on: {error.strerror or error}",
                mend="choose another port, or an address of this machine",
            ) from error
        self.port = server.sockets[0].getsockname()[1]
        self.line.waiting("no sender has connected yet")
        try:
            async with server:
                await server.serve_forever()
        finally:
            self.line.closed()
            if self._speaking is not None:
                self._speaking.cancel()
                await asyncio.gather(self._speaking, return_exceptions=True)
                self._speaking = None

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inbox: Inbox) -> None:
        me, why = asyncio.current_task(), "the sender closed the line"
        try:
            self.line.connected()
            self._frames.begin()
            await self._frames.take_all(_chunks(reader, self._silence_s), inbox)
        except OSError as error:
            why = str(error) if isinstance(error, LineCut) else "the line was cut"
        finally:
            if self._speaking is me:
                self._speaking = None
                self.line.waiting(why)
            await _hang_up(writer)


async def _chunks(reader: asyncio.StreamReader, silence_s: float) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(silence_s):
                data = await reader.read(CHUNK_BYTES)
        except TimeoutError as error:
            raise LineCut(f"nothing came for {silence_s:g} s") from error
        if not data:
            return
        yield data


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
