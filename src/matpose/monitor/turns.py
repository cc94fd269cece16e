"""Turns: another posture, or the most loaded region relieved; and the clock that says when the next is due."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matpose.mat import Mat
from matpose.monitor.movement import shifted
from matpose.monitor.posture_track import LYING

REGION_M = (0.30, 0.16)
"""Along and across the bed: a pelvis, or half a back. One limb that is moved never relieves as much."""

RELIEVED = 1 / 3
"""Share of its mean load below which the region is relieved. Limb movements of simulated people leave it .35 and more,
99 % of them over .74."""

MOVED = 0.25
"""Share of the load that a turn moves at least; those of simulated people move .33 and more. Where a posture's name
changes and the weight stays, the detector has changed its mind and nobody has turned."""

REGION_EVERY_S = 10.0
SAME_TURN_S = 30.0  # between the relief of the region and the posture that comes with it


class Turn(NamedTuple):
    """One turn.

    Args:
        at_s: when it began.
        posture: lain in from then on.
        before: the posture before.
        why: "posture" or "offloaded".
    """

    at_s: float
    posture: str
    before: str
    why: str


class Turns:
    """The turns of one person, from when they are seen to when they leave. Sitting up is no turn: they may lie back.

    Args:
        mat: the mat, its pitch known.
        interval_s: within which a turn is due.
        offload_s: how long the region must be relieved.

    Attributes:
        last_s: when the last turn was, or when the person was first seen; None while nobody is there.
    """

    def __init__(self, mat: Mat, interval_s: float, offload_s: float) -> None:
        self.last_s: float | None = None
        self._interval_s, self._offload_s = interval_s, offload_s
        pitch_y_m, pitch_x_m = mat.pitch_m
        self._cells = (
            min(max(round(REGION_M[0] / pitch_y_m), 1), mat.rows),
            min(max(round(REGION_M[1] / pitch_x_m), 1), mat.cols),
        )
        self._lain: str | None = None
        self._lost_s: float | None = None
        self._offloaded_s: float | None = None
        self._told_due = False
        self._nothing = np.zeros((mat.rows, mat.cols), np.float32)
        self._start_anew()

    @property
    def due_s(self) -> float | None:
        """By when the next turn is due."""
        return None if self.last_s is None else self.last_s + self._interval_s

    def arrive(self, at_s: float) -> None:
        """Somebody is there: a new clock."""
        self.leave()
        self.last_s = at_s

    def leave(self) -> None:
        """Nobody is there any more."""
        self.last_s = self._lain = self._lost_s = self._offloaded_s = None
        self._told_due = False
        self._start_anew()

    def overdue(self, now_s: float) -> bool:
        """Whether the interval is over; True once."""
        due_s = self.due_s
        if self._told_due or due_s is None or now_s < due_s:
            return False
        self._told_due = True
        return True

    def settled(self, posture: str, since_s: float, load: np.ndarray) -> Turn | None:
        """Another posture has settled.

        Args:
            posture: which.
            since_s: since when.
            load: (rows, cols) the load now.

        Returns:
            The turn, if it is one. What happened out of sight is dated to when it was last known how they lay.
        """
        if posture == "unknown":
            self._lost_s = since_s
        if self.last_s is None or posture not in LYING:
            return None
        before, self._lain = self._lain, posture
        at_s, self._lost_s = since_s if self._lost_s is None else self._lost_s, None
        if before is None or before == posture or shifted(self._borne, load) < MOVED:
            return None
        same = self._offloaded_s is not None and abs(at_s - self._offloaded_s) < SAME_TURN_S
        self._restart(at_s)
        return None if same else Turn(at_s, posture, before, "posture")

    def lie(self, load: np.ndarray, posture: str, now_s: float, seconds: float, *, sure: bool = True) -> Turn | None:
        """One more frame of somebody who lies; the turn, if the region has been relieved by now.

        Args:
            load: (rows, cols) the load, not negative.
            posture: the settled one, of ``LYING``.
            now_s: when.
            seconds: since the frame before, 0 where it is not known what was in between.
            sure: whether nothing speaks for another posture than the settled one.
        """
        if self.last_s is None:
            return None
        self._lain = posture
        region = self._place(seconds)
        if region is not None and load[region].sum() < RELIEVED * self._borne[region].sum() / self._borne_s:
            if self._relieved_s is None:
                self._relieved_s = now_s
            if now_s - self._relieved_s < self._offload_s:
                return None
            self._offloaded_s = at_s = self._relieved_s
            self._restart(at_s)
            return Turn(at_s, self._lain, self._lain, "offloaded")
        self._relieved_s = None
        if sure:
            self._borne = self._borne + load * np.float32(seconds)
            self._borne_s += seconds
        return None

    def pause(self) -> None:
        """Nobody knows, or they sit: relief has to last anew."""
        self._relieved_s = None

    def _place(self, seconds: float) -> tuple[slice, slice] | None:
        """The region that has borne most since the last turn, once it is known for as long as relief must last."""
        self._placed_s += seconds
        if self._borne_s >= self._offload_s and (self._region is None or self._placed_s >= REGION_EVERY_S):
            self._placed_s = 0.0
            self._region = _most_loaded(self._borne, self._cells)
        return self._region

    def _restart(self, at_s: float) -> None:
        self.last_s, self._told_due = at_s, False
        self._start_anew()

    def _start_anew(self) -> None:
        self._borne, self._borne_s = self._nothing, 0.0
        self._region: tuple[slice, slice] | None = None
        self._placed_s = 0.0
        self._relieved_s: float | None = None


def _most_loaded(load: np.ndarray, cells: tuple[int, int]) -> tuple[slice, slice]:
    """The window of so many rows and columns with the highest sum."""
    sums = np.pad(load, ((1, 0), (1, 0))).astype(np.float64).cumsum(0).cumsum(1)
    rows, cols = cells
    window = sums[rows:, cols:] - sums[:-rows, cols:] - sums[rows:, :-cols] + sums[:-rows, :-cols]
    row, col = divmod(int(window.argmax()), window.shape[1])
    return slice(row, row + rows), slice(col, col + cols)
