"""What must be remembered of a stream to judge its next frame: bounded, however long the stream lasts."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

import numpy as np

from matpose.faults import HIGH, LOW, TOUCHED, WINDOW, levels, scale_of, stuck_cells
from matpose.runtime.frame_screen import Screen

TOTALS = 256
"""So many of the last frames with somebody on the mat say which total is typical."""
BRIEF_S = 5.0
"""Nobody leaves the bed and is back within so long."""
AWAY = 3
"""So many frames that say the same are believed."""
LEVELS = 64
"""So many frames at most say what counts mean."""
FEW = 20
"""Of fewer frames the median peak is taken, so that one of them that misleads counts for nothing."""
RAREST = 16
"""At the rarest, levels are read from every 16th frame."""


class Levels:
    """Floor and gain of counts whose scale nobody knows, from the frames seen so far.

    They come from at most 64 frames with the shape of a body, evenly spread: when there are as many, every
    other one is dropped and new ones are taken half as often, down to every 16th, from where on the oldest go. Until
    there is one, each frame is judged by its own levels. The shape does not depend on the scale, so a first frame that
    misleads, as garbled ones at the start of a transfer do, is outweighed by the next.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[float, float]] = []
        self._stride, self._until_next = 1, 0
        self._scale = (0.0, 1.0)

    def of(self, frame: np.ndarray) -> tuple[float, float]:
        """(floor, gain) by which to judge a frame."""
        return self._scale if self._kept else scale_of(*levels(frame[None]))

    def learn(self, frame: np.ndarray) -> bool:
        """Take a frame with the shape of a body into account; whether that changed the gain by a tenth or more."""
        self._until_next -= 1
        if self._until_next > 0:
            return False
        before = self._scale[1] if self._kept else None
        low, high = levels(frame[None])
        self._kept.append((float(low[0]), float(high[0])))
        if len(self._kept) > LEVELS:
            if self._stride < RAREST:
                self._stride *= 2
                del self._kept[1::2]
            else:
                del self._kept[0]
        self._until_next = self._stride
        lows, highs = np.sort(np.array(self._kept), axis=0).T
        self._scale = scale_of(lows, highs[[(len(highs) - 1) // 2]] if len(highs) < FEW else highs)
        return before is not None and not 0.9 < self._scale[1] / before < 1.1


class Totals:
    """Whether a frame's total is possible beside those before it.

    A stream does not know what comes next. Where a recording's reader sees that one or two frames are far lighter or
    heavier than those around them, and calls these corrupted, here such frames are called so at once: until a third one
    says the same, or some seconds have passed, nobody can know whether the person left, or another came. What is
    typical is the median of the last 256 frames with somebody on the mat, begun anew once the mat was empty for three
    frames, or a third one is as heavy.

    Args:
        limit: above it a total is impossible, whatever came before.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last: deque[float] = deque()
        self._ordered: list[float] = []
        self._empty_for = self._odd_for = 0
        self._odd_is_heavy = False
        self._usual_s: float | None = None

    def impossible(self, total: float, empty: bool, epoch_s: float | None) -> bool:
        """Judge the next frame.

        Args:
            total: sum of its pressure above the floor, in a unit that stays.
            empty: whether nobody is on the mat.
            epoch_s: when it was made, seconds; None where only the order of frames is known.
        """
        if total > self._limit:
            return True
        self._empty_for = self._empty_for + 1 if empty else 0
        if self._empty_for == AWAY:
            self._forget()
        judges_heavy = len(self._last) >= AWAY  # somebody who climbs in is heavier with every frame
        if not empty:
            self._add(total)
        if not self._last:
            return False
        typical = self._ordered[(len(self._ordered) - 1) // 2]
        heavy = judges_heavy and total > HIGH * typical
        if not heavy and total >= LOW * typical:
            self._odd_for, self._usual_s = 0, epoch_s
            return False
        self._odd_for = self._odd_for + 1 if self._odd_for and heavy == self._odd_is_heavy else 1
        self._odd_is_heavy = heavy
        late = epoch_s is not None and self._usual_s is not None and not 0 <= epoch_s - self._usual_s <= BRIEF_S
        if self._odd_for < AWAY and not late:
            return True
        if heavy:
            self._forget()
            self._add(total)
        return False

    def _forget(self) -> None:
        self._last.clear()
        self._ordered.clear()

    def _add(self, total: float) -> None:
        self._last.append(total)
        insort(self._ordered, total)
        if len(self._last) > TOTALS:
            del self._ordered[bisect_left(self._ordered, self._last.popleft())]


class Stillness:
    """Which cells are stuck: they press and never change over the last ``WINDOW`` frames, while their neighbours do.

    Changes are counted as frames come; only where a pressing cell has none, and enough of its neighbours have the
    four that five values take, are the frames themselves compared.

    Args:
        screen: that lays frames out.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        size = len(screen.padded)
        self._frames = np.full((WINDOW, size), np.nan, np.float32)
        self._changed = np.zeros((WINDOW - 1, size), bool)
        self._changes = np.zeros(size, np.uint8)
        self._count = 0

    def stuck(self, floor: float, gain: float) -> np.ndarray | None:
        """Stuck cells of the frame that the screen has looked at last: (rows, cols) bool; None where there are none."""
        flat, slot = self._screen.padded, self._count % WINDOW
        changed = self._changed[self._count % (WINDOW - 1)]
        np.subtract(self._changes, changed, out=self._changes, casting="unsafe")
        np.not_equal(flat, self._frames[slot - 1], out=changed)
        np.add(self._changes, changed, out=self._changes, casting="unsafe")
        self._frames[slot] = flat
        self._count += 1
        if self._count < WINDOW:
            return None
        busy = self._changes >= 4
        still = self._changes == 0
        still &= flat > np.float32(floor + 3 * TOUCHED / gain)
        at = np.flatnonzero(still)
        if not len(at) or not (self._screen.busy_around(at, busy) >= 5).any():
            return None
        frames = np.stack([self._screen.grid(frame) for frame in self._frames])
        known = np.where(np.isfinite(frames), (frames - np.float32(floor)) * np.float32(gain), np.float32(-np.inf))
        found = stuck_cells(known)[0]
        return found if found.any() else None
