"""How much somebody moves: the share of the load that has gone elsewhere from one second to the next."""

from __future__ import annotations

from collections import deque

import numpy as np

STEP_S = 0.95  # so a mat of fifty frames a second and one of one agree
WINDOW_S = 60.0


def shifted(before: np.ndarray, now: np.ndarray) -> float:
    """Share of the load that lies elsewhere, 0..1: half the L1 distance of two maps of total 1.

    Args:
        before, now: maps of the same shape, not negative.

    Example:
        >>> shifted(np.array([[4.0, 0.0]]), np.array([[1.0, 1.0]]))
        0.5
    """
    total_before, total_now = float(before.sum()), float(now.sum())
    if not (total_before > 0 and total_now > 0):
        return 0.0
    return float(np.abs(before / total_before - now / total_now).sum()) / 2


class Movement:
    """Mean of :func:`shifted` over pairs of frames about a second apart, of the last minute.

    The noise of a mat makes it 0.01 to 0.04 for who lies still.
    """

    def __init__(self) -> None:
        self._last: tuple[float, np.ndarray] | None = None
        self._shares: deque[tuple[float, float]] = deque()

    def update(self, load: np.ndarray, now_s: float) -> None:
        """A frame with somebody on it; ``now_s`` only goes forward."""
        if self._last is not None and now_s - self._last[0] < STEP_S:
            return
        if self._last is not None:
            self._shares.append((now_s, shifted(self._last[1], load)))
        self._last = now_s, load
        self.index(now_s)  # drops what is over

    def forget(self) -> None:
        """What comes next is not compared with what was."""
        self._last = None
        self._shares.clear()

    def index(self, now_s: float) -> float:
        """Over the last minute, 0..1; 0 where nothing could be compared."""
        while self._shares and self._shares[0][0] <= now_s - WINDOW_S:
            self._shares.popleft()
        return sum(share for _, share in self._shares) / len(self._shares) if self._shares else 0.0
