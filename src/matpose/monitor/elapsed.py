"""Time that only goes forward, whatever the clock of a mat does."""

from __future__ import annotations

from collections import deque
from math import isfinite
from statistics import median
from typing import NamedTuple

from matpose.errors import MatposeError
from matpose.recording import Flag

GAP_S = 5.0
GAP_SPACINGS = 3.0  # of a slow mat
JITTER_S = 1.0  # by which frames overtake each other on their way


class Tick(NamedTuple):
    """One frame's place in time.

    Args:
        now_s: seconds on the clock that only goes forward.
        seconds: since the frame before; 0 where it is not known what was in between.
        gap_s: for how long nothing came, else 0.
        jump_s: by how much the mat's clock was set, else None.
    """

    now_s: float
    seconds: float
    gap_s: float = 0.0
    jump_s: float | None = None


class Elapsed:
    """A clock that goes on from where it was when the mat's is set.

    Frames further apart than ``GAP_S``, or than three times their usual distance, have a gap between them.

    Example:
        >>> elapsed = Elapsed()
        >>> [elapsed.tick(epoch_s, Flag(0)).seconds for epoch_s in (100.0, 101.0, 41.0, 42.0)]
        [0.0, 1.0, 0.0, 1.0]
        >>> elapsed.epoch_s(101.0)  # what was a second ago, as the clock goes now
        41.0
    """

    def __init__(self) -> None:
        self._epoch_s: float | None = None
        self._ahead_s = 0.0
        self._spacings: deque[float] = deque(maxlen=9)

    def tick(self, epoch_s: float, flags: Flag) -> Tick:
        """The next frame, by the mat's own clock.

        Raises:
            MatposeError: no time.
        """
        if not isfinite(epoch_s):
            raise MatposeError(f"a frame at {epoch_s} s", mend="give seconds since 1970")
        before_s = self._epoch_s
        if before_s is None:
            self._epoch_s = epoch_s
            return Tick(epoch_s, 0.0)
        step_s = epoch_s - before_s
        if Flag.CLOCK in flags or step_s <= -JITTER_S:
            self._epoch_s = epoch_s
            self._ahead_s -= step_s
            return Tick(epoch_s + self._ahead_s, 0.0, jump_s=step_s)
        if step_s <= 0:
            return Tick(before_s + self._ahead_s, 0.0)
        usual_s = median(self._spacings) if self._spacings else 0.0
        self._spacings.append(step_s)
        self._epoch_s = epoch_s
        now_s = epoch_s + self._ahead_s
        if Flag.GAP in flags or step_s > max(GAP_S, GAP_SPACINGS * usual_s):
            return Tick(now_s, 0.0, gap_s=step_s)
        return Tick(now_s, step_s)

    def epoch_s(self, at_s: float) -> float:
        """A time of this clock by the mat's own as it is set now."""
        return at_s - self._ahead_s
