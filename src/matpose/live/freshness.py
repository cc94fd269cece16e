"""Whether what is known of a bed is of now."""

from __future__ import annotations

from collections import deque
from statistics import median

SLOW_BED = 3.0
"""A bed is without signal after so many of its usual intervals, where frames come slowly."""
LONGEST_S = 30.0
"""But not later than this, unless the ward itself said so."""
DRIFT = 0.01
"""So much slower than ours may a mat's clock run, before its frames seem to come late."""


class Freshness:
    """When a bed's last frame came, and whether it was of that time.

    A frame may come long after the mat made it: a line was cut and now gives what it had kept. The mat's clock need
    not agree with ours, so a frame counts as late by how much more it took than the quickest before it.

    Args:
        signal_s: after so long without a frame there is no signal.

    Example:
        >>> fresh = Freshness(5.0)
        >>> fresh.came(now_s=100.0, epoch_s=7000.0)
        >>> fresh.lost(104.0), fresh.lost(105.5)
        (False, True)
        >>> fresh.came(now_s=160.0, epoch_s=7001.0)  # made a minute ago
        >>> fresh.lost(160.0)
        True
    """

    def __init__(self, signal_s: float) -> None:
        self.limit_s = signal_s
        """So long may the bed be silent."""
        self._signal_s = signal_s
        self._came_s: float | None = None
        self._epoch_s = 0.0
        self._late_s = 0.0
        self._quickest_s = 0.0  # of what passes between a frame and its coming, clocks' difference included
        self._intervals_s: deque[float] = deque(maxlen=9)

    def came(self, now_s: float, epoch_s: float, *, new_clock: bool = False) -> None:
        """A frame came.

        Args:
            now_s: by a clock of ours that never jumps.
            epoch_s: when the mat says it made it.
            new_clock: whether the mat's clock jumped before it.
        """
        took_s = now_s - epoch_s
        if self._came_s is None or new_clock or epoch_s < self._epoch_s:
            self._quickest_s = took_s
        else:
            passed_s = now_s - self._came_s
            self._quickest_s = min(took_s, self._quickest_s + DRIFT * passed_s)
            if passed_s < max(LONGEST_S, self._signal_s):  # longer ones are breaks
                self._intervals_s.append(passed_s)
            if len(self._intervals_s) >= 3:
                self.limit_s = max(self._signal_s, min(SLOW_BED * median(self._intervals_s), LONGEST_S))
        self._late_s = took_s - self._quickest_s
        self._came_s, self._epoch_s = now_s, epoch_s

    def age_s(self, now_s: float) -> float | None:
        """How old the last frame is; None before the first."""
        return None if self._came_s is None else max(0.0, now_s - self._came_s) + self._late_s

    def lost(self, now_s: float) -> bool:
        """Whether there is no signal."""
        age_s = self.age_s(now_s)
        return age_s is None or age_s > self.limit_s
