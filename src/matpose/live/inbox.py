"""The inbox: frames that came and wait for whoever takes them; it never grows, and says what it had to drop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import replace
from typing import Any

from matpose.live.arrival import Arrival
from matpose.recording import Flag

DEPTH = 64
"""Frames of one bed that may wait: a minute at one a second."""


class Inbox:
    """One queue a bed. Where one is full its oldest frame goes, and the frame after that says ``GAP``.

    Args:
        depth: frames of one bed that may wait.

    Attributes:
        dropped: frames that went.
    """

    def __init__(self, depth: int = DEPTH) -> None:
        self.dropped = 0
        self._depth = depth
        self._queues: dict[str, deque[Arrival]] = {}  # of beds with something in them, who waits longest first
        self._wake = asyncio.Event()
        self._open = True

    def put(self, arrival: Arrival) -> None:
        """A frame came."""
        queue = self._queues.setdefault(arrival.bed, deque())
        queue.append(arrival)
        if len(queue) > self._depth:
            gone = queue.popleft()
            self.dropped += 1
            queue[0] = replace(queue[0], flags=queue[0].flags | (gone.flags & Flag.CLOCK) | Flag.GAP)
        self._wake.set()

    def close(self) -> None:
        """No more will come."""
        self._open = False
        self._wake.set()

    async def take(self) -> Arrival | None:
        """The next frame, of the bed that has waited longest; waits for one. None after the last."""
        while not self._queues:
            if not self._open:
                return None
            self._wake.clear()
            await self._wake.wait()
        bed = next(iter(self._queues))
        queue = self._queues.pop(bed)
        arrival = queue.popleft()
        if queue:
            self._queues[bed] = queue  # behind the others
        return arrival


async def through_inbox(
    listen: Callable[[Inbox], Coroutine[Any, Any, None]], depth: int = DEPTH
) -> AsyncGenerator[Arrival, None]:
    """The frames that ``listen`` puts into an inbox, while it goes on listening however slowly they are taken.

    What ``listen`` raises is raised here, after what came before it; its end is the end.
    """
    inbox = Inbox(depth)
    listening = asyncio.create_task(listen(inbox))
    listening.add_done_callback(lambda _: inbox.close())
    try:
        while (arrival := await inbox.take()) is not None:
            yield arrival
        listening.result()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
