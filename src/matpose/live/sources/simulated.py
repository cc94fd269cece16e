"""People who do not exist, for trying things out: the packaged night, or one that is simulated as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import matpose
from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.receiver import bed_name
from matpose.live.reconnect import Line
from matpose.mat import Mat
from matpose.recording import Flag, Recording

NIGHT_H = 8.0


class Simulated:
    """The packaged night, one of its frames a second, without end: people turn every quarter of a minute.

    Beds play the same night from other hours of it.

    Args:
        beds: their names.
        interval_s: from frame to frame.

    Raises:
        MatposeError: no names.
    """

    def __init__(self, beds: tuple[str, ...] = ("simulated",), interval_s: float = 1.0) -> None:
        self._night = matpose.read(Path(matpose.__file__).parent / "samples" / "night.h5")
        self.mat = self._night.mat
        self.unit = self._night.unit
        self.beds = tuple(map(bed_name, beds))
        self.line = Line(of=", ".join(self.beds))
        self._interval_s = interval_s

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """One frame of every bed each second, with the time of now."""
        frames = self._night.frames.astype(np.float32)
        due_s, number = time.monotonic(), 0
        self.line.connected()
        try:
            while True:
                for which, bed in enumerate(self.beds):
                    index = (number + which * len(frames) // len(self.beds)) % len(frames)
                    flags = Flag.GAP if index == 0 and number else Flag(0)
                    yield Arrival(bed, time.time(), frames[index], flags, number)
                number += 1
                due_s = max(due_s + self._interval_s, time.monotonic() - self._interval_s)
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        finally:
            self.line.closed()


class SimulatedNight:
    """Nights of a simulated sleeper, one after the other without end, each frame at its own second.

    They are simulated in another thread, some minutes ahead. It needs the extra ``simulate``.

    Args:
        mat: what they lie on.
        seed: of the first night; the next has the next.
        bed: whose they shall be.

    Raises:
        MatposeError: the extra is missing.
    """

    def __init__(self, mat: Mat, *, seed: int = 0, bed: str = "simulated") -> None:
        if find_spec("mujoco") is None:
            raise MatposeError("nights need a simulator", mend="pip install 'matpose[simulate]', or use simulated")
        mat.pitch_m  # noqa: B018 - says how to give it
        self.mat = mat
        self.unit = "kPa"
        self.beds = (bed_name(bed),)
        self.line = Line(of=", ".join(self.beds))
        self._seed = seed

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """A frame a second, with the time of now."""
        chunks = _nights(self._seed, self.mat)
        next_chunk = asyncio.create_task(asyncio.to_thread(next, chunks))
        number, due_s = 0, None
        try:
            while True:
                chunk = await next_chunk
                self.line.connected()
                next_chunk = asyncio.create_task(asyncio.to_thread(next, chunks))
                due_s = time.monotonic() if due_s is None else due_s
                for index in range(len(chunk)):
                    flags = Flag.GAP if number and chunk.time_s[index] == 0 else Flag(0)
                    yield Arrival(self.beds[0], time.time(), chunk.frames[index].astype(np.float32), flags, number)
                    number += 1
                    due_s = max(due_s + 1.0, time.monotonic() - 1.0)
                    await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        finally:
            self.line.closed()
            next_chunk.cancel()
            with suppress(asyncio.CancelledError):
                await next_chunk


def _nights(seed: int, mat: Mat) -> Iterator[Recording]:
    from matpose.simulate.night import night

    while True:
        yield from night(seed, mat, NIGHT_H)
        seed += 1
