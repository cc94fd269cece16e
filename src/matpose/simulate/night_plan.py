"""What happens in one sleeper's night: bouts of lying still, and the seconds of turning, rising and leaving between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from matpose.mat import Mat
from matpose.simulate.intent import lie
from matpose.simulate.night_bodies import Sleeper, limb_moved, turned
from matpose.simulate.room import Alone, Half
from matpose.simulate.sample import Sample

LIMBS_PER_HOUR = 5.0  # movements of limbs alone, between turns
EXITS_PER_HOUR = 0.15
AWAY_S = (240, 900)
SLIDE_M_H, SLID_M = 0.06, 0.10  # down a raised bed; so much is told as an event, and mended at the next turn
SEAT = (6, 7, 8, 13, 14)


@dataclass(frozen=True)
class Bout:
    """Some time in one posture.

    Args:
        sample: what the mat feels and the truth.
        lasts_s: whole seconds.
        event: what began it.
        still: whether somebody lies there and breathes.
    """

    sample: Sample
    lasts_s: int
    event: str | None
    still: bool = True


def bouts(sleeper: Sleeper, room: Alone | Half, hours: float, rng: np.random.Generator) -> Iterator[Bout]:
    """One sleeper's bouts without end; the caller stops.

    Args:
        sleeper: who.
        room: where they may lie; it is told when they come to lie and when they leave.
        hours: within which they rise now and then.
        rng: their only source of chance.
    """
    exits = np.sort(rng.uniform(0.1, 0.95, rng.poisson(EXITS_PER_HOUR * hours))) * hours * 3600
    rate = (sleeper.turns_per_hour + LIMBS_PER_HOUR) / 3600
    empty = _nobody(room.mat)
    yield Bout(empty, int(rng.integers(20, 90)), "empty", still=False)
    lying, intent = lie(partial(turned, sleeper, None, room, rng), sleeper.body, room, rng)
    yield from _entering(empty, lying, rng)
    now_s, slid_m, out = 0.0, 0.0, 0
    while True:
        lasts = int(np.clip(rng.exponential(1 / rate), 20, 7200))
        yield Bout(lying, lasts, None)
        now_s += lasts
        slid_m += lasts / 3600 * SLIDE_M_H if sleeper.raised_deg else 0.0
        if out < len(exits) and now_s >= exits[out]:
            out, slid_m = out + 1, 0.0
            yield from _moving(lying, _sitting(lying), 5, "sitting", rng)
            yield Bout(_sitting(lying), int(rng.integers(10, 60)), None, still=False)
            yield from _moving(_sitting(lying), empty, 3, "bed-exit", rng)
            room.leave()
            yield Bout(empty, int(rng.integers(*AWAY_S)), "empty", still=False)
            then, intent = lie(partial(turned, sleeper, None, room, rng), sleeper.body, room, rng)
            yield from _entering(empty, then, rng)
        elif rng.random() < sleeper.turns_per_hour / (rate * 3600):
            slid_m = 0.0
            then, intent = lie(partial(turned, sleeper, intent, room, rng), sleeper.body, room, rng)
            yield from _moving(lying, then, int(rng.integers(4, 9)), f"turn {then.posture}", rng)
        else:
            event = "limb movement"
            if slid_m > SLID_M and intent.place is not None:
                intent = replace(intent, place=replace(intent.place, y_m=intent.place.y_m + slid_m))
                slid_m, event = 0.0, "slid down"
            then, intent = lie(partial(limb_moved, intent, rng), sleeper.body, room, rng)
            yield from _moving(lying, then, int(rng.integers(2, 5)), event, rng)
        lying = then


def _entering(empty: Sample, lying: Sample, rng: np.random.Generator) -> Iterator[Bout]:
    """From beside the bed to lying: onto the edge, then down."""
    yield from _moving(empty, _sitting(lying), 4, "bed-entry", rng)
    yield Bout(_sitting(lying), int(rng.integers(5, 40)), "sitting", still=False)
    yield from _moving(_sitting(lying), lying, 5, f"turn {lying.posture}", rng)


def _moving(a: Sample, b: Sample, seconds: int, event: str, rng: np.random.Generator) -> Iterator[Bout]:
    """Seconds on the way from one to the other, uneven as people move; named by what is nearer."""
    steps = np.sort(rng.uniform(0, 1, seconds))
    for number, share in enumerate(steps):
        nearer = b if share >= 0.5 else a
        mixed = replace(
            nearer,
            pressure_kpa=((1 - share) * a.pressure_kpa + share * b.pressure_kpa).astype(np.float32),
            joints_m=_between(a.joints_m, b.joints_m, share),
            landmarks_m=_between(a.landmarks_m, b.landmarks_m, share),
        )
        yield Bout(mixed, 1, event if number == 0 else None, still=False)


def _between(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return ((1 - share) * a + share * b).astype(np.float32)


def _nobody(mat: Mat) -> Sample:
    nowhere = np.full((14, 3), np.nan, np.float32)
    return Sample(
        pressure_kpa=np.zeros((mat.rows, mat.cols), np.float32),
        posture="empty",
        joints_m=nowhere,
        joint_contact=np.zeros(14, bool),
        landmarks_m=np.full((12, 3), np.nan, np.float32),
        parts=np.zeros((mat.rows, mat.cols), np.uint8),
    )


def _sitting(lying: Sample) -> Sample:
    """The same person sitting up where they lay: the seat bears the weight, the trunk stands on the hips."""
    seat = np.isin(lying.parts, SEAT)
    total = float(lying.pressure_kpa.sum())
    kept = np.where(seat, lying.pressure_kpa, 0)
    pressure = kept * np.float32(total / max(float(kept.sum()), 1e-6)) if kept.any() else lying.pressure_kpa
    joints, landmarks = lying.joints_m.copy(), lying.landmarks_m.copy()
    hips_m = lying.joints_m[[2, 3]].mean(0)
    for points, above in ((joints, range(6, 14)), (landmarks, range(5))):
        for index in above:  # the trunk swings up about the hips
            away = points[index] - hips_m
            points[index] = hips_m + np.array([away[0], -0.2 * abs(away[1]), abs(away[1])])
    contact = lying.joint_contact.copy()
    contact[6:] = False
    parts = np.where(seat, lying.parts, 0).astype(np.uint8)
    return replace(
        lying, pressure_kpa=pressure, posture="sitting", joints_m=joints, landmarks_m=landmarks,
        joint_contact=contact, parts=parts,
    )  # fmt: skip
