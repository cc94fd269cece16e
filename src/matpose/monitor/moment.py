"""The moment: all that the monitor says of one bed at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from matpose.pose import Pose
from matpose.recording import PART_NAMES, Flag

EVENTS = (
    "posture", "turn", "turn_due", "bed_exit", "bed_entry", "edge", "slid_down", "heel_off", "heel_on",
    "gap", "clock", "no_signal", "signal",
)  # fmt: skip
"""Kinds of events."""
OCCUPANCY = ("in_bed", "edge", "out", "unknown")


@dataclass(frozen=True)
class Event:
    """Something that happened, once.

    Args:
        epoch_s: when, seconds since 1970, UTC.
        kind: one of ``EVENTS``.
        detail: facts of that kind, JSON-able: ``{"posture": "left"}`` of a posture, ``{"posture", "from", "why"}`` of
            a turn (why: "posture" or "offloaded"), ``{"side": "left"}`` of edges and heels, ``{"seconds"}`` of gaps.
    """

    epoch_s: float
    kind: str
    detail: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class PartReadings:
    """What presses on each part of the body now: arrays of (22,), by the codes of ``PART_NAMES``.

    Args:
        peak_mmhg: peak-pressure index: highest mean over a square of at least 9 cm2 within the part.
        mean_mmhg: mean over the part's loaded cells.
        area_cm2: of these cells.
        single_cell: whether no such square fits, so that the peak is of one cell.
    """

    peak_mmhg: np.ndarray
    mean_mmhg: np.ndarray
    area_cm2: np.ndarray
    single_cell: np.ndarray


@dataclass(frozen=True)
class Moment:
    """One bed at one time.

    Args:
        epoch_s: of the frame, seconds since 1970, UTC.
        frame: (rows, cols) float32, cleaned, canonical, in the recording's unit.
        flags: what is wrong with it.
        pose: the last one computed; its ``time_s`` are seconds from the first frame.
        fresh: whether it is of this very frame.
        occupancy: one of ``OCCUPANCY``.
        posture: as it has settled; one of ``POSTURES``.
        posture_since_s: epoch seconds at which it began.
        turned_at_s: epoch seconds of the last turn, or of the first sight of the person; None while nobody lies there.
        turn_due_s: epoch seconds by which the next is due; None likewise.
        movement: index of movement over the last minute: mean share of the load that moved from frame to frame, 0..1.
        part_map: (rows, cols) uint8, the part over every loaded cell, by the codes of ``PART_NAMES``; else 0.
        parts: what presses on each; None where pressures have no unit.
        dose_mmhg_h: (22,) pressure-time integral of each part's peak since the watch began; None likewise.
        loaded_s: (22,) for how long each part has been under load without a break, seconds.
        posture_s: seconds spent in each posture since the watch began.
        heels_off: "left", "right" to whether the heel bears nothing; None where it cannot be told.
        events: what happened at this frame.
    """

    epoch_s: float
    frame: np.ndarray
    flags: Flag
    pose: Pose
    fresh: bool
    occupancy: str
    posture: str
    posture_since_s: float
    turned_at_s: float | None
    turn_due_s: float | None
    movement: float
    part_map: np.ndarray
    parts: PartReadings | None
    dose_mmhg_h: np.ndarray | None
    loaded_s: np.ndarray
    posture_s: Mapping[str, float]
    heels_off: Mapping[str, bool | None]
    events: tuple[Event, ...] = ()

    def part_rows(self) -> list[dict]:
        """A row for each part of the body, JSON-able: what bears on it now and what it has borne.

        Returns:
            ``{"code", "name", "peak_mmhg", "mean_mmhg", "area_cm2", "single_cell", "dose_mmhg_h", "loaded_s"}``, null
            where pressures have no unit.
        """
        rows = []
        for code, name in enumerate(PART_NAMES[1:], start=1):
            now: dict = dict.fromkeys(("peak_mmhg", "mean_mmhg", "area_cm2", "single_cell", "dose_mmhg_h"))
            if self.parts is not None and self.dose_mmhg_h is not None:
                now = {
                    "peak_mmhg": round(float(self.parts.peak_mmhg[code]), 1),
                    "mean_mmhg": round(float(self.parts.mean_mmhg[code]), 1),
                    "area_cm2": round(float(self.parts.area_cm2[code]), 1),
                    "single_cell": bool(self.parts.single_cell[code]),
                    "dose_mmhg_h": round(float(self.dose_mmhg_h[code]), 2),
                }
            rows.append({"code": code, "name": name, **now, "loaded_s": round(float(self.loaded_s[code]), 1)})
        return rows
