"""The monitor of one bed: frames and poses in, moments out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from matpose.faults import TOUCHED
from matpose.mat import Mat
from matpose.monitor.body_parts import part_map
from matpose.monitor.dose import Dose
from matpose.monitor.elapsed import Elapsed, Tick
from matpose.monitor.heels import Heels
from matpose.monitor.moment import Event, Moment, PartReadings
from matpose.monitor.movement import Movement
from matpose.monitor.occupancy import Occupancy
from matpose.monitor.part_pressure import read_parts
from matpose.monitor.posture_track import LYING, PostureTrack
from matpose.monitor.settings import Settings
from matpose.monitor.sitting import sits
from matpose.monitor.sliding import Sliding
from matpose.monitor.turns import Turn, Turns
from matpose.pose import Pose
from matpose.recording import PART_NAMES, Flag
from matpose.runtime.decode import MISSING, UNTRUSTED

GARBLED = UNTRUSTED & ~Flag.EMPTY_BED
"""Frames with any of these flags say nothing, not even that nobody is there."""

LOST_S = 10.0
"""Nothing seen for so long: what was known has to be found anew."""

FLOOR = 0.05
"""Share of cells that bear nothing whoever lies there; counts of unknown scale start at what these read."""

EMPTY, SITTING, UNKNOWN = ({name: 1.0} for name in ("empty", "sitting", "unknown"))

_Told = tuple[float, str, Mapping[str, str | float]]


class Monitor:
    """All that is known of one bed, frame by frame; its memory does not grow with the hours.

    Every duration is of time that was seen: what happened between frames too far apart, or while the clock was set,
    counts nowhere.

    Args:
        mat: the mat, its pitch known.
        unit: "kPa", or "raw": then there are no readings of parts, and no dose.
        settings: of the ward.

    Raises:
        MatposeError: a mat without pitch.
    """

    def __init__(self, mat: Mat, unit: str, settings: Settings = Settings()) -> None:
        self._mat, self._calibrated = mat, unit == "kPa"
        self._elapsed = Elapsed()
        self._track = PostureTrack(settings.settle_s)
        self._turns = Turns(mat, settings.turn_interval_h * 3600, settings.offload_s)
        self._occupancy = Occupancy(mat, settings.edge_m)
        self._movement = Movement()
        self._sliding = Sliding(mat)
        self._heels = Heels(mat)
        self._dose = Dose(settings.recovery_h)
        self._no_parts = np.zeros((mat.rows, mat.cols), np.uint8)
        self._no_parts.flags.writeable = False
        self._part_map = self._no_parts
        self._last_load = np.zeros((mat.rows, mat.cols), np.float32)
        self._loaded_s = np.zeros(len(PART_NAMES))

    @property
    def undecided(self) -> bool:
        """Whether a pose of the next frame is worth its time: the posture may have changed."""
        return self._track.undecided

    def update(self, frame: np.ndarray, flags: Flag, pose: Pose, fresh: bool, epoch_s: float) -> Moment:
        """One more frame.

        Args:
            frame: (rows, cols) float32, canonical, checked and cleaned, in the monitor's unit; NaN = no reading.
            flags: what is wrong with it.
            pose: the last one computed.
            fresh: whether it is of this frame.
            epoch_s: when, by the mat's clock.

        Raises:
            MatposeError: no time.
        """
        tick = self._elapsed.tick(epoch_s, flags)
        told: list[_Told] = []
        self._mind_the_clock(tick, told)
        load, empty = self._load_of(frame, flags), Flag.EMPTY_BED in flags
        lain = None if empty else load
        if lain is not None:
            self._last_load = lain
        self._mind_the_bed(load, empty, tick.now_s, told)
        if self._track.update(self._chances(load, empty, pose), tick.now_s, tick.seconds):
            self._settle(told)
        parts, parts_now = self._press(frame, load, empty, pose, fresh, tick.seconds)
        self._mind_the_body(lain, pose, tick, told)
        if self._turns.overdue(tick.now_s) and self._turns.due_s is not None:
            told.append((self._turns.due_s, "turn_due", {}))
        epoch_of = self._elapsed.epoch_s
        last_s, due_s, since_s = self._turns.last_s, self._turns.due_s, self._track.since_s
        return Moment(
            epoch_s=epoch_s,
            frame=frame,
            flags=flags,
            pose=pose,
            fresh=fresh,
            occupancy=self._occupancy.state,
            posture=self._track.posture,
            posture_since_s=epoch_s if since_s is None else epoch_of(since_s),
            turned_at_s=None if last_s is None else epoch_of(last_s),
            turn_due_s=None if due_s is None else epoch_of(due_s),
            movement=self._movement.index(tick.now_s),
            part_map=parts_now,
            parts=parts,
            dose_mmhg_h=self._dose.mmhg_h.copy() if self._calibrated else None,
            loaded_s=(self._dose.loaded_s if self._calibrated else self._loaded_s).copy(),
            posture_s=dict(self._track.seconds),
            heels_off=self._heels.off,
            events=tuple(
                Event(epoch_of(at_s), kind, detail) for at_s, kind, detail in sorted(told, key=lambda one: one[0])
            ),
        )

    def _load_of(self, frame: np.ndarray, flags: Flag) -> np.ndarray | None:
        """(rows, cols) what bears on the mat, without its noise; None of a frame that says nothing."""
        if flags & GARBLED:
            return None
        missing = np.isnan(frame)
        if missing.any():
            if missing.mean() > MISSING:
                return None
            frame = np.where(missing, np.float32(0), frame)
        if self._calibrated:
            return np.where(frame >= TOUCHED, frame, np.float32(0))
        low = int(FLOOR * (frame.size - 1))
        return np.maximum(frame - np.partition(frame, low, axis=None)[low], 0)

    def _mind_the_clock(self, tick: Tick, told: list[_Told]) -> None:
        if tick.jump_s is not None:
            told.append((tick.now_s, "clock", {"seconds": round(tick.jump_s, 3)}))
        if not tick.gap_s:
            return
        told.append((tick.now_s, "gap", {"seconds": round(tick.gap_s, 3)}))
        self._turns.pause()
        if tick.gap_s < LOST_S:
            return
        from_s = tick.now_s - tick.gap_s
        if self._track.lose(from_s):
            self._turns.settled("unknown", from_s, self._last_load)
            told.append((from_s, "posture", {"posture": "unknown"}))
        self._occupancy.lose()
        self._movement.forget()
        self._heels.lose()

    def _mind_the_bed(self, load: np.ndarray | None, empty: bool, now_s: float, told: list[_Told]) -> None:
        """Who comes has a new clock; who goes has none, for leaving relieves everything."""
        for kind, at_s, side in self._occupancy.update(load, empty, now_s):
            told.append((at_s, kind, {"side": side} if side else {}))
        there, since_s = self._occupancy.there, self._occupancy.since_s
        if there and self._turns.last_s is None and since_s is not None:
            self._turns.arrive(since_s)
            self._sliding.begin()
        elif there is False and self._turns.last_s is not None:
            self._turns.leave()
            self._movement.forget()
            self._heels.lose()

    def _chances(self, load: np.ndarray | None, empty: bool, pose: Pose) -> Mapping[str, float]:
        """Posture to probability, by what this frame shows and by the last pose."""
        if load is None:
            return UNKNOWN
        if empty:
            return EMPTY
        if sits(load, self._mat):
            return SITTING
        if pose.posture not in LYING:
            return UNKNOWN
        return pose.probabilities or {pose.posture: 1.0}

    def _settle(self, told: list[_Told]) -> None:
        posture, since_s = self._track.posture, self._track.since_s
        assert since_s is not None
        told.append((since_s, "posture", {"posture": posture}))
        turn = self._turns.settled(posture, since_s, self._last_load)
        if turn:
            told.append(_told(turn))
        self._sliding.begin()

    def _mind_the_body(self, lain: np.ndarray | None, pose: Pose, tick: Tick, told: list[_Told]) -> None:
        """What somebody does who is there: lie, slide, move, lift a heel."""
        for kind, side, at_s in self._heels.update(lain, self._part_map, pose, tick.now_s):
            told.append((at_s, kind, {"side": side}))
        if lain is None:
            self._turns.pause()
            return
        self._movement.update(lain, tick.now_s)
        posture = self._track.posture
        if posture not in LYING:
            self._turns.pause()
            return
        sure = not self._track.undecided
        turn = self._turns.lie(lain, posture, tick.now_s, tick.seconds, sure=sure)
        if turn:
            told.append(_told(turn))
            self._sliding.begin()
        if sure and (slide := self._sliding.update(lain, pose, tick.now_s, tick.seconds)):
            told.append((slide.at_s, "slid_down", {"metres": round(slide.metres, 2)}))

    def _press(
        self, frame: np.ndarray, load: np.ndarray | None, empty: bool, pose: Pose, fresh: bool, seconds: float
    ) -> tuple[PartReadings | None, np.ndarray]:
        """(what presses on each part now, the part over each cell): none of a frame that says nothing."""
        if load is None:
            return None, self._no_parts
        if empty:
            self._part_map = self._no_parts
        elif fresh:
            self._part_map = part_map(pose, frame, self._mat)
        if not self._calibrated:
            pressed = np.bincount(self._part_map.ravel(), load.ravel() > 0, len(PART_NAMES)) > 0
            pressed[0] = False
            self._loaded_s = np.where(pressed, self._loaded_s + seconds, 0.0)
            return None, self._part_map
        parts = read_parts(frame, self._part_map, self._mat)
        self._dose.add(parts, seconds)
        return parts, self._part_map


def _told(turn: Turn) -> _Told:
    return turn.at_s, "turn", {"posture": turn.posture, "from": turn.before, "why": turn.why}
