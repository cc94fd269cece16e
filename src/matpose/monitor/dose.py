"""The dose: for how long, and how hard, each part of the body has been pressed."""

from __future__ import annotations

from math import isfinite

import numpy as np

from matpose.errors import MatposeError
from matpose.monitor.moment import PartReadings
from matpose.recording import PART_NAMES

LONGEST_S = 60.0
"""Between two readings further apart than this nobody knows what pressed."""

OFF_MMHG = 12.0
"""A part of which no square bears as much is off-loaded: the lowest pressure that keeps a capillary's venous end open
is about 12 mmHg (Landis, Heart 15, 1930), and sensors read a few mmHg where nothing bears."""

RELIEF_S = 60.0
"""So long a part must be off-loaded before its time under load is broken: tissue needs a minute or two to take up
oxygen again, and a load that wavers about the threshold is no relief."""


class Dose:
    """Pressure-time integrals of the parts' peak-pressure indices, by trapezoids over the real intervals.

    An interval longer than ``LONGEST_S``, or one that is no time at all (a clock set back), neither adds nor heals: it
    is told in ``uncounted_s``, and time under load goes on after it from where it was.

    Args:
        recovery_h: half-life of a part's dose while it is off-loaded, hours; None: a dose only grows.

    Attributes:
        mmhg_h: (22,) float64, the doses, by the codes of ``PART_NAMES``.
        loaded_s: (22,) float64, for how long each part has been under load without relief, seconds; it stands still
            while the part is off-loaded and is 0 once that has lasted ``RELIEF_S``.
        uncounted_s: seconds between readings of which nothing is known, and which nothing holds.

    Raises:
        MatposeError: a half-life that is not above 0.

    Example:
        >>> from types import SimpleNamespace
        >>> readings = SimpleNamespace(peak_mmhg=np.full(22, 40.0))
        >>> dose = Dose()
        >>> for _ in range(91):
        ...     dose.add(readings, 20.0)
        >>> round(float(dose.mmhg_h[6]), 6), float(dose.loaded_s[6])
        (20.0, 1800.0)
    """

    def __init__(self, recovery_h: float | None = None) -> None:
        if recovery_h is not None and not (isfinite(recovery_h) and recovery_h > 0):
            raise MatposeError(f"a half-life of {recovery_h:g} hours", mend="give hours above 0, or none")
        self.recovery_h = recovery_h
        self.mmhg_h = np.zeros(len(PART_NAMES))
        self.loaded_s = np.zeros(len(PART_NAMES))
        self.uncounted_s = 0.0
        self._off_s = np.zeros(len(PART_NAMES))
        self._last_mmhg: np.ndarray | None = None

    def add(self, readings: PartReadings, seconds: float) -> None:
        """One more reading.

        Args:
            readings: what presses now.
            seconds: since the reading before; of the first one there is none before, and they do not count.
        """
        before, now = self._last_mmhg, np.array(readings.peak_mmhg, np.float64)
        self._last_mmhg = now
        if before is None:
            return
        if not 0 < seconds <= LONGEST_S:
            self.uncounted_s += seconds if isfinite(seconds) and seconds > 0 else 0.0
            return
        mean_mmhg = (before + now) / 2
        off = mean_mmhg < OFF_MMHG
        kept = np.ones_like(now)
        if self.recovery_h is not None:
            kept[off] = 0.5 ** (seconds / 3600 / self.recovery_h)
        self.mmhg_h = self.mmhg_h * kept + mean_mmhg * (seconds / 3600)  # a new array: others may hold the old one
        self._off_s = np.where(off, self._off_s + seconds, 0.0)
        self.loaded_s = np.where(off, self.loaded_s, self.loaded_s + seconds)
        self.loaded_s[self._off_s >= RELIEF_S] = 0.0
