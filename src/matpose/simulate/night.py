"""A night on a mat, one frame a second: lying still and breathing, turning, moving a limb, sitting up, leaving.

Rates: sleepers change their posture 1.6 +- 0.7 times an hour, lie on a side 54 %, on the back 37.5 %, prone 7.3 % of
the time. Every bout of lying still is settled by physics. The seconds between two bouts are none of it: pressures and
joints pass unevenly from the one to the other, so that the weight is always there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.quality import assess
from matpose.recording import Recording
from matpose.simulate.couple import refuse_for_two, together
from matpose.simulate.night_bodies import Sleeper
from matpose.simulate.night_plan import Bout, bouts
from matpose.simulate.room import Alone, Half
from matpose.simulate.sensor import Sensor

BREATH = 0.05  # share of the trunk's load that comes and goes
LONGEST_CHUNK_S = 600
TRUNK = (4, 5, 21)


def night(
    seed: int, mat: Mat, hours: float, *, people: int = 1, sensor: bool = True, bodies: str = "light"
) -> Iterator[Recording]:
    """A night at 1 Hz, in chunks of consecutive frames.

    Args:
        seed: the same seed gives the same night.
        mat: what they lie on.
        hours: its length.
        people: one; or two, each on a half of the mat, who turn, leave and return independently of each other.
        sensor: read by a sensor with its faults, else the true pressure.
        bodies: as for :func:`matpose.simulate.scene.draw_body`.

    Yields:
        Recordings with posture, joints, contact, parts; joints are NaN while nobody is there. ``time_s`` runs on from
        chunk to chunk, and each holds the events that fall into it. Of two people, the second is the partner in
        every column and event.

    Raises:
        MatposeError: other numbers of people, or a mat too narrow for two.
    """
    rng = np.random.default_rng((seed, 3))
    device = Sensor.drawn(mat, rng) if sensor else Sensor.ideal(mat)
    if people == 1:
        sleepers = [Sleeper.drawn(rng, f"simulated/{seed}", bodies)]
        plans = [bouts(sleepers[0], Alone(mat), hours, rng)]
    elif people == 2:
        refuse_for_two(mat)
        sleepers, plans = _couple(seed, mat, hours, bodies)
    else:
        raise MatposeError(f"{people} people on one mat", mend="simulate one or two")
    for at_s, count, now in _side_by_side(plans, round(hours * 3600)):
        frames_kpa = _read(device, now, sleepers, count, rng)
        yield _recording(frames_kpa, now, mat, at_s, sleepers, f"night-{seed}")


def _couple(seed: int, mat: Mat, hours: float, bodies: str) -> tuple[list[Sleeper], list[Iterator[Bout]]]:
    """Two sleepers on one flat bed, each with chance of their own."""
    chances = [np.random.default_rng((seed, 7, number)) for number in (1, 2)]
    names = (f"simulated/{seed}", f"simulated/{seed}/partner")
    drawn = [Sleeper.drawn(rng, name, bodies) for rng, name in zip(chances, names, strict=True)]
    sleepers = [replace(sleeper, bed=drawn[0].bed, raised_deg=0.0) for sleeper in drawn]
    rooms = Half.pair(mat, bool(chances[0].integers(2)))
    return sleepers, [bouts(*mine) for mine in zip(sleepers, rooms, (hours, hours), chances, strict=True)]


def _side_by_side(plans: Sequence[Iterator[Bout]], last_s: int) -> Iterator[tuple[int, int, list[tuple[Bout, int]]]]:
    """Cut everybody's bouts where anybody's ends.

    Yields:
        The second, how many follow in which nothing changes, and everybody's bout with how long it has lasted.
    """
    now = [(next(plan), 0) for plan in plans]
    at_s = 0
    while at_s < last_s:
        count = min(last_s - at_s, LONGEST_CHUNK_S, *(bout.lasts_s - done for bout, done in now))
        yield at_s, count, now
        at_s += count
        now = [(bout, done + count) for bout, done in now]
        if at_s < last_s:  # asked one after another: who moves later knows where the other lies
            now = [
                (next(plan), 0) if done == bout.lasts_s else (bout, done)
                for plan, (bout, done) in zip(plans, now, strict=True)
            ]


def _read(
    device: Sensor, now: Sequence[tuple[Bout, int]], sleepers: Sequence[Sleeper], count: int, rng: np.random.Generator
) -> np.ndarray:
    """(T, rows, cols) kPa: loads are added before they are read, each with the creep since it came to lie."""
    since_s = [np.arange(done, done + count, dtype=np.float64) for _, done in now]
    true_kpa = _breathing(now[0][0], since_s[0], sleepers[0].breath_hz)
    for (bout, _), theirs_s, sleeper in zip(now[1:], since_s[1:], sleepers[1:], strict=True):
        creep = device.creep_at(theirs_s) / device.creep_at(since_s[0])  # the sensor adds the first one's to all
        true_kpa = true_kpa + _breathing(bout, theirs_s, sleeper.breath_hz) * creep.astype(np.float32)[:, None, None]
    return device.read(true_kpa, since_s[0], rng)


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
    frames_kpa: np.ndarray, now: Sequence[tuple[Bout, int]], mat: Mat, at_s: int, sleepers: Sequence[Sleeper], name: str
) -> Recording:
    count, sample = len(frames_kpa), reduce(together, (bout.sample for bout, _ in now))
    labels: dict[str, Any] = {label: np.repeat(value[None], count, 0) for label, value in sample.labels.items()}
    events, meta = [], {}
    for who, (bout, done), sleeper in zip(("", "partner "), now, sleepers, strict=False):
        if done == 0 and bout.event:
            events.append((float(at_s), who + bout.event))
        person, name_of = sleeper.body.person, who.replace(" ", "_")
        meta |= {f"{name_of}stature_m": f"{person.stature_m:.3f}", f"{name_of}mass_kg": f"{person.mass_kg:.1f}"}
    return assess(
        Recording(
            frames=frames_kpa,
            mat=mat,
            unit="kPa",
            time_s=np.arange(at_s, at_s + count, dtype=np.float64),
            flags=np.zeros(count, np.uint16),
            name=name,
            subject=sleepers[0].body.person.name,
            events=tuple(events),
            meta=meta,
            **labels,
        )
    )
