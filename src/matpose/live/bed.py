"""One bed: frame after frame through its watch, into the journal."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from matpose.live.arrival import Arrival
from matpose.live.journal import Journal
from matpose.monitor.moment import Moment
from matpose.recording import Flag


class Watching(Protocol):
    """What turns one bed's frames into moments, as :class:`matpose.monitor.watch.Watch` does."""

    def take(self, frame: np.ndarray, epoch_s: float, flags: Flag = ...) -> Moment:
        """The moment of one canonical frame (rows, cols)."""
        ...


class Bed:
    """One bed's watch, what is kept of it, and the last moment.

    Args:
        name: letters, digits, "-" and "_".
        watch: of this bed alone; it remembers the person.
        journal: where its moments are kept; None keeps nothing.
    """

    def __init__(self, name: str, watch: Watching, journal: Journal | None = None) -> None:
        self.name = name
        self.latest: Moment | None = None
        self._watch = watch
        self._journal = journal

    def take(self, arrival: Arrival) -> Moment:
        """The next frame of this bed, watched and kept; a store that fails does not hold it up."""
        moment = self._watch.take(arrival.frame, arrival.epoch_s, arrival.flags)
        if self._journal is not None:
            self._journal.add(self.name, moment)
        self.latest = moment
        return moment
