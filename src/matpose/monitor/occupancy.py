"""Who is in the bed: nobody, somebody, somebody at its edge; and when they come and go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matpose.mat import Mat
from matpose.monitor.debounce import Debounced

WAIT_S = {"in_bed": 3.0, "edge": 2.0, "out": 3.0, "unknown": 10.0}
"""How long each must be seen before it counts: a garbled frame is no fall, but a nurse wants to run in time."""

AT_EDGE, BACK = 1 / 3, 1 / 4
"""Share of the load near a side, from which somebody is at the edge, and below which no longer."""

BACK_M = 0.03  # and the centre of pressure is so much further in


class Change(NamedTuple):
    """Something that happened.

    Args:
        kind: "bed_exit", "bed_entry" or "edge".
        at_s: when it began.
        side: of an edge, else "".
    """

    kind: str
    at_s: float
    side: str = ""


class Occupancy:
    """Whether somebody is in the bed, debounced in seconds.

    Somebody is at the edge while the centre of pressure, or a third of the load, is within ``edge_m`` of a side. The
    sides are those of a person on their back: "left" is at the larger x.

    Args:
        mat: the mat, its pitch known.
        edge_m: how near.

    Attributes:
        there: whether somebody is in the bed as far as is known; None until it has been seen.
        since_s: when that began.
    """

    def __init__(self, mat: Mat, edge_m: float) -> None:
        self.there: bool | None = None
        self.since_s: float | None = None
        self._edge_m = edge_m
        self._width_m = mat.width_m
        self._x_m = (np.arange(mat.cols) + 0.5) * mat.pitch_m[1]
        self._seen: Debounced[tuple[str, str]] = Debounced(("unknown", ""))

    @property
    def state(self) -> str:
        """One of ``OCCUPANCY``."""
        return self._seen.state[0]

    def update(self, load: np.ndarray | None, empty: bool, now_s: float) -> list[Change]:
        """What has happened with this frame.

        Args:
            load: (rows, cols) not negative; None where the frame is not to be trusted.
            empty: whether nobody lies there.
            now_s: when.
        """
        seen = self._see(load, empty)
        before = self._seen.state
        if not self._seen.update(seen, now_s, WAIT_S[seen[0]]) or seen[0] == "unknown":
            return []
        at_s = now_s if self._seen.since_s is None else self._seen.since_s
        happened = []
        there = seen[0] != "out"
        if there != self.there:
            if self.there is not None:
                happened.append(Change("bed_entry" if there else "bed_exit", at_s))
            self.there, self.since_s = there, at_s
        if seen[0] == "edge" and seen != before:
            happened.append(Change("edge", at_s, seen[1]))
        return happened

    def lose(self) -> None:
        """Nothing was seen for some time."""
        self._seen.forget(("unknown", ""))

    def _see(self, load: np.ndarray | None, empty: bool) -> tuple[str, str]:
        if load is None:
            return "unknown", ""
        if empty:
            return "out", ""
        across = load.sum(0)
        total = float(across.sum())
        if not total > 0:
            return "out", ""
        at_m = float(across @ self._x_m) / total
        for side, from_side_m in (("left", self._width_m - self._x_m), ("right", self._x_m)):
            held = self._seen.state == ("edge", side)
            centre_m = self._width_m - at_m if side == "left" else at_m
            near = float(across[from_side_m < self._edge_m].sum()) / total
            if near >= (BACK if held else AT_EDGE) or centre_m < self._edge_m + (BACK_M if held else 0.0):
                return "edge", side
        return "in_bed", ""
