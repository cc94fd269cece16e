"""A recording, played as if it came from the bed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from math import inf

import numpy as np

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.continuity import Continuity
from matpose.live.receiver import bed_name
from matpose.live.reconnect import Line
from matpose.recording import Flag, Recording

OF_SOURCES = Flag.WRONG_SIZE | Flag.GAP | Flag.CLOCK
"""What a source says; everything else is seen anew from the frame."""


class Replay:
    """Plays a recording: the source of :class:`matpose.live.arrival.Source` that no mat is needed for.

    Its times are the recording's, whatever the speed: at other speeds than 1 they run away from the clock on the wall,
    so that an hour's dose stays an hour's. A frame is given when it is due, or as soon as the last was taken; none is
    left out.

    Args:
        recording: what to play.
        bed: whose it shall be.
        speed: times as fast as it was; infinity: as fast as frames are taken.
        loop: whether to begin again at its end, without end; the first frame then says ``GAP``.
        own_start: whether frames have the recording's own time instead of beginning now.

    Raises:
        MatposeError: no frames, no such speed, or no start time.
    """

    def __init__(
        self, recording: Recording, *, bed: str = "bed", speed: float = 1.0, loop: bool = False, own_start: bool = False
    ) -> None:
        if not len(recording):
            raise MatposeError("the recording has no frames", mend="play another", path=recording.source)
        if not speed > 0:
            raise MatposeError(f"a speed of {speed:g}", mend="give a number above 0, or max")
        if not np.isfinite(recording.time_s).all():
            raise MatposeError("the recording has frames without a time", mend="play another", path=recording.source)
        recording.mat.pitch_m  # noqa: B018 - says how to give it
        self.mat = recording.mat
        self.unit = recording.unit
        self.beds = (bed_name(bed),)
        self.line = Line(of=bed)
        self._recording = recording
        self._speed = speed
        self._loop = loop
        self._start_s = _start_s(recording) if own_start else None

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """The frames, each when it is due."""
        time_s = self._recording.time_s
        pass_s = self._recording.duration_s + float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
        start_s = time.time() if self._start_s is None else self._start_s
        order, began_s = Continuity(), time.monotonic()
        self.line.connected()
        try:
            for number in count() if self._loop else range(len(time_s)):
                lap, index = divmod(number, len(time_s))
                since_s = lap * pass_s + float(time_s[index] - time_s[0])
                due_s = began_s + since_s / self._speed if self._speed < inf else 0.0
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                flags = Flag(int(self._recording.flags[index])) & OF_SOURCES
                if lap and index == 0:
                    flags |= Flag.GAP
                placed = order.place(start_s + since_s, epoch_s=start_s + since_s)
                assert placed is not None  # nothing counts them, so none came already
                frame = self._recording.frames[index].astype(np.float32)
                yield Arrival(self.beds[0], start_s + since_s, frame, flags | placed.flags, number)
        finally:
            self.line.closed()


def _start_s(recording: Recording) -> float:
    """The recording's own start; a time that does not say its zone is of this place."""
    if recording.start_time is None:
        raise MatposeError(
            "the recording does not say when it began", mend="leave out start=own", path=recording.source
        )
    try:
        began = datetime.fromisoformat(recording.start_time)
        return (began if began.tzinfo else began.astimezone()).astimezone(UTC).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise MatposeError(
            f"{recording.start_time!r} is no time", mend="leave out start=own", path=recording.source
        ) from error
