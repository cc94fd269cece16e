"""The gate: whether a frame differs enough from the last one computed to be worth another pose."""

from __future__ import annotations

import numpy as np

from matpose.recording import Flag
from matpose.runtime.decode import MISSING, UNTRUSTED


class ChangeGate:
    """Opens for a frame whose pose is to be computed.

    A frame is compared with the last one for which the gate opened, never with the last one that came: so slow changes
    add up. It opens at once when somebody comes or leaves, and when frames cease or begin to be trusted: whatever pose
    there was before does not hold any more, and :meth:`matpose.runtime.Detector.see` gives the empty one without
    computing. While nobody is there, or nothing to be trusted, it stays shut.

    Args:
        threshold: relative L1 change, sum |a - b| / max(sum a, sum b), from which it opens; 0 opens for every frame.
        heartbeat_s: after so long it opens anyway, seconds.

    Example:
        >>> gate, somebody = ChangeGate(0.15, 20), np.ones((64, 32), np.float32)
        >>> [gate.opens(frame, s, Flag(0)) for s, frame in enumerate((somebody, somebody * 1.1, somebody * 1.2))]
        [True, False, True]
    """

    def __init__(self, threshold: float, heartbeat_s: float) -> None:
        self.threshold = threshold
        self.heartbeat_s = heartbeat_s
        self._computed: np.ndarray | None = None
        self._sum = 0.0
        self._opened_s = 0.0
        self._state: tuple[Flag, bool] | None = None

    def opens(self, frame: np.ndarray, epoch_s: float, flags: Flag) -> bool:
        """Whether to compute this frame; if so, it is what the next ones are compared with.

        Args:
            frame: (rows, cols) float32, cleaned; NaN = no reading.
            epoch_s: when it was made, seconds.
            flags: what was wrong with it.
        """
        total = float(frame.sum())
        gaps = total != total  # NaN: some cell has no reading
        state = flags & UNTRUSTED, gaps and bool(np.isnan(frame).mean() > MISSING)
        if state != self._state:
            opens = True
        elif any(state):
            opens = False
        else:
            waited_s = epoch_s - self._opened_s
            opens = not 0 <= waited_s < self.heartbeat_s or self._changed(frame, total)
        if opens:
            self._state, self._opened_s = state, epoch_s
            self._computed, self._sum = frame.copy(), total
        return opens

    def _changed(self, frame: np.ndarray, total: float) -> bool:
        before, before_sum = self._computed, self._sum
        if before is None or before.shape != frame.shape:
            return True
        change = float(np.abs(frame - before).sum())
        if change != change:  # cells without a reading now or then are left out of all three sums
            both = ~(np.isnan(frame) | np.isnan(before))
            frame, before = frame[both], before[both]
            change, total, before_sum = float(np.abs(frame - before).sum()), float(frame.sum()), float(before.sum())
        return change >= self.threshold * max(total, before_sum)
