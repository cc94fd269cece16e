"""The journal: the store behind a guard, so that a full disk never stops what is seen at the bedside."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from matpose.monitor.moment import Event, Moment

RETRY_S = 10.0
"""A store that raised is left alone for so long: frames would wait with every try."""

log = logging.getLogger("matpose.live")


class Writing(Protocol):
    """Where moments are kept, as :class:`matpose.monitor.store.Store` does."""

    trouble: str | None

    def add(self, bed: str, moment: Moment, *, frames: bool = False) -> Any:
        """Keep a moment."""
        ...

    def close(self) -> None:
        """Write what waits."""
        ...


class Reading(Protocol):
    """What is read of what was kept, as :class:`matpose.monitor.store.Store` does."""

    def events(
        self,
        bed: str | None = None,
        *,
        since_s: float | None = None,
        until_s: float | None = None,
        limit: int | None = ...,
    ) -> list[dict]:
        """Events of a bed."""
        ...

    def postures(self, bed: str, *, since_s: float | None = None, until_s: float | None = None) -> list[dict]:
        """Spans of posture of a bed."""
        ...

    def doses(self, bed: str, *, since_s: float | None = None, until_s: float | None = None) -> list[dict]:
        """A row a minute and part."""
        ...


class Journal:
    """Writes moments to a store, and goes on where that fails.

    Args:
        store: to write to, from the worker's thread alone.
        reader: opens the same file for one reading: a month of it must not hold up the frames.
        save_frames: whether the pressure maps are kept too.
        clock: seconds that never jump.
    """

    def __init__(
        self,
        store: Writing,
        reader: Callable[[], AbstractContextManager[Reading]],
        *,
        save_frames: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reader = reader
        self.failures = 0
        """Moments that could not be given to the store."""
        self._store = store
        self._save_frames = save_frames
        self._clock = clock
        self._broken = False
        self._retry_s = 0.0

    @property
    def trouble(self) -> str | None:
        """What is wrong with the store now; None while all is well."""
        return "the store failed" if self._broken else self._store.trouble

    def add(self, bed: str, moment: Moment) -> None:
        """Keep a moment if that can be done."""
        if self._broken and self._clock() < self._retry_s:
            self.failures += 1
            return
        try:
            self._store.add(bed, moment, frames=self._save_frames)
            self._broken = False
        except Exception:  # whatever it is, the people at the bedside want to see the bed
            if not self._broken:
                log.exception("the store failed; what happens now may not be kept")
            self.failures += 1
            self._broken, self._retry_s = True, self._clock() + RETRY_S

    def note(self, bed: str, moment: Moment, event: Event) -> None:
        """Keep an event that is of no frame, beside the bed's last moment."""
        self.add(bed, replace(moment, fresh=False, events=(event,)))

    def close(self) -> None:
        """Write what waits, and close the file."""
        try:
            self._store.close()
        except Exception:
            self._broken = True
            log.exception("the store could not be closed; its last seconds may be lost")
