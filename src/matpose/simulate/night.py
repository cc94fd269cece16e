"""A night on a mat, one frame a second: lying still and breathing, turning, moving a limb, sitting up, leaving.

Rates: sleepers change their posture 1.6 +- 0.7 times an hour, lie on a side 54 %, on the back 37.5 %, prone 7.3 % of
the time. Every bout of lying still is settled by physics. The seconds between two bouts are none of it: pressures and
joints pass unevenly from the one to the other, so that the weight is always there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from matpose.mat import Mat
from matpose.quality import assess
from matpose.recording import Recording
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body
from matpose.simulate.contact import Place
from matpose.simulate.postures import STYLES, draw_posture
from matpose.simulate.sample import Sample
from matpose.simulate.scene import WEIGHT, draw_body, draw_place, draw_style, furnished, seen
from matpose.simulate.sensor import Sensor
from matpose.simulate.settle import Posture, settle

TURNS_PER_HOUR, TURNS_SD = 1.6, 0.7
LIMBS_PER_HOUR = 5.0  # movements of limbs alone, between turns
EXITS_PER_HOUR = 0.15
AWAY_S = (240, 900)
BREATH_HZ, BREATH = (0.2, 0.3), 0.05  # share of the trunk's load that comes and goes
RAISED, RAISED_DEG = 0.3, (20, 45)  # share of sleepers whose bed's head is raised, and how far
SLIDE_M_H, SLID_M = 0.06, 0.10  # down a raised bed; so much is told as an event, and mended at the next turn
STRAY_M = 0.03  # of the place on the mat, from turn to turn
LONGEST_CHUNK_S = 600
TRUNK = (4, 5, 21)
SEAT = (6, 7, 8, 13, 14)


@dataclass(frozen=True)
class Sleeper:
    """Who sleeps tonight, on what, and how restless."""

    body: Body
    bed: Bed
    turns_per_hour: float
    breath_hz: float
    raised_deg: float


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


def night(seed: int, mat: Mat, hours: float, *, sensor: bool = True, bodies: str = "light") -> Iterator[Recording]:
    """One person's night at 1 Hz, in chunks of consecutive frames.

    Args:
        seed: the same seed gives the same night.
        mat: what they lie on.
        hours: its length.
        sensor: read by a sensor with its faults, else the true pressure.
        bodies: as for :func:`matpose.simulate.scene.draw_body`.

    Yields:
        Recordings with posture, joints, contact, parts; joints are NaN while nobody is there. ``time_s`` runs on from
        chunk to chunk, and each holds the events that fall into it.
    """
    rng = np.random.default_rng((seed, 3))
    device = Sensor.drawn(mat, rng) if sensor else Sensor.ideal(mat)
    last, at_s = round(hours * 3600), 0
    sleeper = _sleeper(rng, seed, bodies)
    for bout in _bouts(sleeper, mat, hours, rng):
        done = 0
        while done < bout.lasts_s and at_s < last:
            count = min(bout.lasts_s - done, last - at_s, LONGEST_CHUNK_S)
            since_s = np.arange(done, done + count, dtype=np.float64)
            true_kpa = _breathing(bout, since_s, sleeper.breath_hz)
            frames = device.read(true_kpa, since_s, rng)
            yield _recording(bout, frames, mat, at_s, sleeper, bout.event if done == 0 else None, seed)
            done, at_s = done + count, at_s + count
        if at_s >= last:
            return


def _sleeper(rng: np.random.Generator, seed: int, bodies: str) -> Sleeper:
    return Sleeper(
        draw_body(rng, f"simulated/{seed}", bodies),
        Bed.drawn(rng),
        float(np.clip(rng.normal(TURNS_PER_HOUR, TURNS_SD), 0.3, 4)),
        float(rng.uniform(*BREATH_HZ)),
        float(rng.uniform(*RAISED_DEG)) if rng.random() < RAISED else 0.0,
    )


@dataclass(frozen=True)
class Intent:
    """How the sleeper means to lie, on which pillow, and where on the mat."""

    style: str
    held: Posture
    bed: Bed
    place: Place | None

    def sample(self, sleeper: Sleeper, mat: Mat, rng: np.random.Generator) -> tuple[Sample, Intent]:
        """Settled; and the same with its place, if it had none."""
        lying = settle(sleeper.body, self.bed, self.held)
        place = self.place or draw_place(lying, mat, rng)
        return seen(lying, place, self.held.name), replace(self, place=place)


def _bouts(sleeper: Sleeper, mat: Mat, hours: float, rng: np.random.Generator) -> Iterator[Bout]:
    """Bouts without end; the caller stops."""
    exits = np.sort(rng.uniform(0.1, 0.95, rng.poisson(EXITS_PER_HOUR * hours))) * hours * 3600
    rate = (sleeper.turns_per_hour + LIMBS_PER_HOUR) / 3600
    empty = _nobody(mat)
    yield Bout(empty, int(rng.integers(20, 90)), "empty", still=False)
    lying, intent = _turned(sleeper, None, rng).sample(sleeper, mat, rng)
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
            yield Bout(empty, int(rng.integers(*AWAY_S)), "empty", still=False)
            then, intent = _turned(sleeper, None, rng).sample(sleeper, mat, rng)
            yield from _entering(empty, then, rng)
        elif rng.random() < sleeper.turns_per_hour / (rate * 3600):
            slid_m = 0.0
            then, intent = _turned(sleeper, intent, rng).sample(sleeper, mat, rng)
            yield from _moving(lying, then, int(rng.integers(4, 9)), f"turn {then.posture}", rng)
        else:
            intent = _limb_moved(intent, rng)
            event = "limb movement"
            if slid_m > SLID_M and intent.place is not None:
                intent = replace(intent, place=replace(intent.place, y_m=intent.place.y_m + slid_m))
                slid_m, event = 0.0, "slid down"
            then, intent = intent.sample(sleeper, mat, rng)
            yield from _moving(lying, then, int(rng.integers(2, 5)), event, rng)
        lying = then


def _entering(empty: Sample, lying: Sample, rng: np.random.Generator) -> Iterator[Bout]:
    """From beside the bed to lying: onto the edge, then down."""
    yield from _moving(empty, _sitting(lying), 4, "bed-entry", rng)
    yield Bout(_sitting(lying), int(rng.integers(5, 40)), "sitting", still=False)
    yield from _moving(_sitting(lying), lying, 5, f"turn {lying.posture}", rng)


def _turned(sleeper: Sleeper, before: Intent | None, rng: np.random.Generator) -> Intent:
    """In another posture than before, about where they were."""
    leaving = None if before is None else before.held.name
    choices = [style for style in WEIGHT if STYLES[style] != leaving and "roll" not in style]
    style = draw_style(choices, rng)
    held = draw_posture(style, rng)
    bed = furnished(sleeper.bed, sleeper.body, style, held, rng)
    bed = replace(bed, raised_deg=sleeper.raised_deg if held.name == "supine" else 0.0)
    place = None if before is None else before.place
    if place is not None:
        place = replace(place, x_m=place.x_m + rng.normal(0, STRAY_M), y_m=place.y_m + rng.normal(0, STRAY_M / 2))
    return Intent(style, held, bed, place)


def _limb_moved(intent: Intent, rng: np.random.Generator) -> Intent:
    """The same posture with one or two limbs elsewhere."""
    fresh = draw_posture(intent.style, rng).joints
    limbs = rng.choice(["left_arm", "right_arm", "left_leg", "right_leg"], rng.integers(1, 3), replace=False)
    joints = dict(intent.held.joints)
    for limb in limbs:
        side, kind = limb.split("_")
        for segment in ("upper_arm", "forearm", "hand") if kind == "arm" else ("thigh", "shank", "foot"):
            joints[f"{side}_{segment}"] = fresh[f"{side}_{segment}"]
    return replace(intent, held=replace(intent.held, joints=joints))


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


def _breathing(bout: Bout, since_s: np.ndarray, breath_hz: float) -> np.ndarray:
    """(T, rows, cols) kPa: the trunk's load comes and goes, and the rest of the body takes what it gives."""
    kpa = bout.sample.pressure_kpa
    trunk = np.isin(bout.sample.parts, TRUNK)
    if not bout.still or not trunk.any() or trunk.all():
        return np.repeat(kpa[None], len(since_s), 0)
    swing = (BREATH * np.sin(2 * np.pi * breath_hz * since_s)).astype(np.float32)
    moved = np.where(trunk, kpa, -kpa * (kpa[trunk].sum() / max(float(kpa[~trunk].sum()), 1e-6)))
    return np.maximum(kpa + swing[:, None, None] * moved, 0)


def _recording(
    bout: Bout, frames_kpa: np.ndarray, mat: Mat, at_s: int, sleeper: Sleeper, event: str | None, seed: int
) -> Recording:
    count, sample = len(frames_kpa), bout.sample
    return assess(
        Recording(
            frames=frames_kpa,
            mat=mat,
            unit="kPa",
            time_s=np.arange(at_s, at_s + count, dtype=np.float64),
            flags=np.zeros(count, np.uint16),
            name=f"night-{seed}",
            subject=sleeper.body.person.name,
            posture=np.full(count, sample.posture),
            joints_m=np.repeat(sample.joints_m[None], count, 0),
            joint_contact=np.repeat(sample.joint_contact[None], count, 0),
            landmarks_m=np.repeat(sample.landmarks_m[None], count, 0),
            parts=np.repeat(sample.parts[None], count, 0),
            events=() if event is None else ((float(at_s), event),),
            meta={"stature_m": f"{sleeper.body.person.stature_m:.3f}", "mass_kg": f"{sleeper.body.person.mass_kg:.1f}"},
        )
    )
