"""Moments made by hand: a night of which every second is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from matpose.monitor.moment import Event, Moment, PartReadings
from matpose.pose import Keypoint, Pose
from matpose.recording import JOINT_NAMES, PART_NAMES, Flag

START_S = 1_700_000_000.0 - 1_700_000_000.0 % 60
INTERVAL_S = 7200.0
FRAME = np.arange(12, dtype=np.float32).reshape(4, 3)


def made_night(
    stretches: Sequence[tuple[str, float, Mapping[str, float]]],
    *,
    start_s: float = START_S,
    step_s: float = 1.0,
    unit: str = "kPa",
) -> Iterator[Moment]:
    """Moments of (posture, seconds, {part: mmHg}) one after the other; a change of side is a turn, "empty" an exit.

    A gap is the posture "gap": nothing is watched.
    """
    count = len(PART_NAMES)
    dose, loaded_s = np.zeros(count), np.zeros(count)
    posture_s: dict[str, float] = {}
    epoch_s, before, since_s, turned_s = start_s, None, start_s, None
    gap = False
    for posture, seconds, pressures in stretches:
        if posture == "gap":
            epoch_s, gap = epoch_s + seconds, True
            continue
        mmhg = np.zeros(count)
        for name, value in pressures.items():
            mmhg[PART_NAMES.index(name)] = value
        events = []
        if posture != before:
            since_s = epoch_s
            events.append(Event(epoch_s, "posture", {"posture": posture}))
            if posture == "empty":
                turned_s = None
                events += [Event(epoch_s, "bed_exit")] if before else []
            else:
                kind = "bed_entry" if before in (None, "empty") else "turn"
                why = {"posture": posture, "from": before or "empty", "why": "posture"} if kind == "turn" else {}
                events.append(Event(epoch_s, kind, why))
                turned_s = epoch_s
        if gap:
            events.append(Event(epoch_s, "gap", {"seconds": 60.0}))
        for _ in range(round(seconds / step_s)):
            epoch_s += step_s
            posture_s[posture] = posture_s.get(posture, 0.0) + step_s
            dose = dose + mmhg * step_s / 3600
            loaded_s = np.where(mmhg > 0, loaded_s + step_s, 0.0)
            parts = PartReadings(mmhg, mmhg * 0.5, (mmhg > 0) * 100.0, np.zeros(count, bool))
            known = unit == "kPa"
            yield Moment(
                epoch_s=epoch_s,
                frame=FRAME,
                flags=(Flag.EMPTY_BED if posture == "empty" else Flag(0)) | (Flag.GAP if gap else Flag(0)),
                pose=Pose(0, epoch_s - start_s, keypoints={n: Keypoint((0.4, 0.5), 0.8, 0.9) for n in JOINT_NAMES}),
                fresh=posture != "empty",
                occupancy="out" if posture == "empty" else "in_bed",
                posture=posture,
                posture_since_s=since_s,
                turned_at_s=turned_s,
                turn_due_s=None if turned_s is None else turned_s + INTERVAL_S,
                movement=0.1,
                part_map=np.zeros(FRAME.shape, np.uint8),
                parts=parts if known else None,
                dose_mmhg_h=dose if known else None,
                loaded_s=loaded_s,
                posture_s=dict(posture_s),
                heels_off={"left": False, "right": None},
                events=tuple(replace(event, epoch_s=epoch_s) for event in events),
            )
            events, gap = [], False
        before = posture
