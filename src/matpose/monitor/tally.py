"""The tally of one bed: moments added up by the minute, and spans of time in which one thing held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from matpose.monitor.elapsed import Elapsed, Tick
from matpose.monitor.moment import Moment
from matpose.recording import PART_NAMES, POSTURES, Flag

MINUTE_S = 60
SAME_S = 1e-3  # what lies no further apart is one time
_BITS = np.array([flag.value for flag in Flag])


@dataclass
class Minute:
    """What was added up in one minute, or in a piece of it. Arrays over parts are (22,), by ``PART_NAMES``.

    Args:
        seconds: seen of it.
        frames: in it.
        movement: sum of the frames' indices of movement.
        poses: computed in it, with joints.
        confidence: sum of their joints' mean confidence.
        posture_s: (7,) seconds in each of ``POSTURES``.
        flags: (F,) frames with each of ``Flag``.
        mmhg_h: how much the parts' dose rose; below 0 where it recovers. None where pressures have no unit.
        peak_mmhg: highest.
        mean_mmhg_s: integral of the parts' mean pressure while loaded.
        loaded_s: seconds under load.
    """

    seconds: float = 0.0
    frames: int = 0
    movement: float = 0.0
    poses: int = 0
    confidence: float = 0.0
    posture_s: np.ndarray = field(default_factory=lambda: np.zeros(len(POSTURES)))
    flags: np.ndarray = field(default_factory=lambda: np.zeros(len(_BITS), np.int64))
    mmhg_h: np.ndarray | None = None
    peak_mmhg: np.ndarray = field(default_factory=lambda: np.zeros(len(PART_NAMES)))
    mean_mmhg_s: np.ndarray = field(default_factory=lambda: np.zeros(len(PART_NAMES)))
    loaded_s: np.ndarray = field(default_factory=lambda: np.zeros(len(PART_NAMES)))


@dataclass(frozen=True)
class Span:
    """A time in which one thing held.

    Args:
        what: "posture", "occupancy", or "unturned": from one turn, or the first sight of somebody, to the next.
        value: the posture or the occupancy.
        from_s, until_s: epoch seconds.
    """

    what: str
    value: str
    from_s: float
    until_s: float


class Tally:
    """Adds up what a moment says beyond the one before it, so that sums of minutes are the monitor's own totals.

    A watch that begins anew, as after a restart, is known by its seconds, which then are fewer.
    """

    def __init__(self) -> None:
        self.minutes: dict[int, Minute] = {}
        self.closed: list[Span] = []
        self.open: dict[str, Span] = {}
        self._elapsed = Elapsed()
        self._frame: np.ndarray | None = None
        self._epoch_s: float | None = None
        self._watched_s = 0.0
        self._dose_mmhg_h = np.zeros(len(PART_NAMES))

    def add(self, moment: Moment) -> bool:
        """Add one moment of the bed; whether it is a new one, and not the last given again for the sake of an event."""
        if moment.frame is self._frame and moment.epoch_s == self._epoch_s:
            return False
        self._frame, self._epoch_s = moment.frame, moment.epoch_s
        tick = self._elapsed.tick(moment.epoch_s, moment.flags)
        watched_s = sum(moment.posture_s.values())
        if watched_s < self._watched_s:  # another watch
            self._dose_mmhg_h = np.zeros(len(PART_NAMES))
        self._watched_s = watched_s
        rise = None if moment.dose_mmhg_h is None else moment.dose_mmhg_h - self._dose_mmhg_h
        loaded_s = np.minimum(moment.loaded_s, tick.seconds)
        for start, share in _minutes(moment.epoch_s - tick.seconds, moment.epoch_s):
            minute = self.minutes.setdefault(start, Minute())
            minute.seconds += share * tick.seconds
            minute.posture_s[POSTURES.index(moment.posture)] += share * tick.seconds
            minute.loaded_s += share * loaded_s
            if moment.parts is not None:
                np.maximum(minute.peak_mmhg, moment.parts.peak_mmhg, out=minute.peak_mmhg)
                minute.mean_mmhg_s += share * loaded_s * moment.parts.mean_mmhg
            if rise is not None:
                minute.mmhg_h = share * rise + (0.0 if minute.mmhg_h is None else minute.mmhg_h)
        self._count(self.minutes.setdefault(_minute(moment.epoch_s), Minute()), moment)
        self._span(moment, tick)
        if moment.dose_mmhg_h is not None:
            self._dose_mmhg_h = np.array(moment.dose_mmhg_h)
        return True

    def clear(self) -> None:
        """Forget what has been written; spans still open stay."""
        self.minutes, self.closed = {}, []

    def _count(self, minute: Minute, moment: Moment) -> None:
        minute.frames += 1
        minute.movement += moment.movement
        if moment.flags:
            minute.flags += (_BITS & int(moment.flags)) > 0
        if moment.fresh:
            joints = [joint.confidence for joint in moment.pose.keypoints.values() if joint is not None]
            if joints:
                minute.poses += 1
                minute.confidence += sum(joints) / len(joints)

    def _span(self, moment: Moment, tick: Tick) -> None:
        now_s = moment.epoch_s
        # what was not watched belongs to no posture; nor does a time that runs backwards
        broken = not self.open or tick.gap_s > 0 or tick.jump_s is not None
        for what, value, since_s in (
            ("posture", moment.posture, moment.posture_since_s),
            ("occupancy", moment.occupancy, now_s),
        ):
            old = self.open.get(what)
            if old is not None and not broken and old.value == value:
                self.open[what] = replace(old, until_s=max(now_s, old.until_s))
                continue
            from_s = now_s if broken or old is None else min(max(since_s, old.from_s), now_s)
            if old is not None:
                self.closed.append(old if broken else replace(old, until_s=from_s))
            self.open[what] = Span(what, value, from_s, now_s)
        old, from_s = self.open.get("unturned"), moment.turned_at_s
        if old is not None and from_s is not None and abs(old.from_s - from_s) < SAME_S:
            from_s = old.from_s
        elif old is not None:
            self.closed.append(old if from_s is None or broken else replace(old, until_s=max(from_s, old.from_s)))
            del self.open["unturned"]
        if from_s is not None:  # the monitor's word counts, over gaps too
            self.open["unturned"] = Span("unturned", moment.posture, from_s, max(now_s, from_s))


def _minute(epoch_s: float) -> int:
    return int(epoch_s // MINUTE_S) * MINUTE_S


def _minutes(from_s: float, until_s: float) -> Iterator[tuple[int, float]]:
    """The minutes that a time touches, each with its share of it.

    >>> list(_minutes(50.0, 70.0))
    [(0, 0.5), (60, 0.5)]
    """
    if until_s <= from_s:
        yield _minute(until_s), 1.0
        return
    for start in range(_minute(from_s), _minute(until_s) + 1, MINUTE_S):
        share = (min(start + MINUTE_S, until_s) - max(start, from_s)) / (until_s - from_s)
        if share > 0:
            yield start, share
