"""A line that comes back by itself, and says meanwhile why it is down."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

LEAST_S, MOST_S = 0.5, 30.0
MOST_NOTES = 256
log = logging.getLogger("matpose.live")
Item = TypeVar("Item")


@dataclass
class Backoff:
    """How long to wait before the next try: twice as long after every failure, within bounds, never quite the same.

    Args:
        least_s, most_s: bounds of the wait.

    Example:
        >>> waits = Backoff()
        >>> [LEAST_S <= waits.next_s() <= MOST_S for _ in range(100)].count(False)
        0
    """

    least_s: float = LEAST_S
    most_s: float = MOST_S
    failures: int = 0

    def next_s(self) -> float:
        """The wait after one more failure; the jitter keeps many beds from coming back all at once."""
        longest_s = min(self.most_s, self.least_s * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return max(self.least_s, longest_s * random.uniform(0.5, 1.0))

    def reset(self) -> None:
        """It worked."""
        self.failures = 0


@dataclass
class Line:
    """The state of a source's line, for whoever asks after its health. It names no host, port or file.

    Args:
        state: "waiting", "connected" or "closed".
        why: of waiting: what went wrong; None otherwise.
        since_s: epoch seconds since when it is so.
        tries: connections that failed since the last one that worked.
        notes: what is wrong with frames that do come, by bed.
        of: whose line it is, for the log: a bed, or the broker.
    """

    state: str = "waiting"
    why: str | None = "not yet opened"
    since_s: float = field(default_factory=time.time)
    tries: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    of: str = "line"

    def connected(self) -> None:
        """It works."""
        self._become("connected", None)
        self.tries = 0

    def waiting(self, why: str) -> None:
        """It does not, and will be tried again."""
        self.tries += 1
        self._become("waiting", why)

    def closed(self) -> None:
        """Nobody wants it any more, or its source is done."""
        self._become("closed", None)

    def note(self, bed: str, why: str) -> None:
        """Frames of a bed cannot be used."""
        if self.notes.get(bed) != why and (bed in self.notes or len(self.notes) < MOST_NOTES):
            log.warning("bed %s: %s", bed, why)
            self.notes[bed] = why

    def as_dict(self) -> dict:
        """JSON-able."""
        return {
            "state": self.state, "why": self.why, "since_s": round(self.since_s, 3), "tries": self.tries,
            "notes": dict(self.notes),
        }  # fmt: skip

    def _become(self, state: str, why: str | None) -> None:
        if (state, why) != (self.state, self.why):
            log.info("%s: %s%s", self.of, state, f": {why}" if why else "")
            self.state, self.why, self.since_s = state, why, time.time()


class LineCut(OSError):
    """The line is no use as it is, and may be after another try."""


async def keep_open(
    connect: Callable[[], AsyncGenerator[Item, None]], line: Line, backoff: Backoff | None = None
) -> AsyncGenerator[Item, None]:
    """What comes over a line, which is opened anew whenever it fails or ends.

    Args:
        connect: opens the line, calls ``line.connected()``, yields what comes, and closes it.
        line: where its state is told.
        backoff: the waits; they begin anew once something has come.
    """
    backoff = backoff or Backoff()
    try:
        while True:
            why = "the other side closed the line"
            try:
                async with aclosing(connect()) as items:
                    async for item in items:
                        backoff.reset()
                        yield item
            except OSError as error:
                why = words_for(error)
            line.waiting(why)
            await asyncio.sleep(backoff.next_s())
    finally:
        line.closed()


def words_for(error: OSError) -> str:
    """What an error says, without the host, port or file that it may name.

    Example:
        >>> words_for(ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 7000)"))
        'Connection refused'
    """
    if isinstance(error, LineCut):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if error.errno is None:
        return "no connection"
    if isinstance(error, socket.gaierror):
        return "no host of that name is known"
    return os.strerror(error.errno)
