"""A night of two: each turns and leaves for themselves, and one sensor reads both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lying import WIDE, lying

from matpose.errors import MatposeError
from matpose.mat import Mat, preset
from matpose.simulate import night_bodies, night_plan
from matpose.simulate.bed import Bed
from matpose.simulate.body import light_body
from matpose.simulate.contact import Place
from matpose.simulate.night import _read, _side_by_side, night
from matpose.simulate.night_bodies import Sleeper
from matpose.simulate.night_plan import Bout
from matpose.simulate.person import Person
from matpose.simulate.room import Half
from matpose.simulate.scene import seen
from matpose.simulate.sensor import Sensor
from matpose.simulate.settle import GRAVITY

BED = Mat(64, 60, 0.032, 0.030)  # 1.8 m wide


@pytest.fixture(scope="module")
def evening():
    """On a bed without folds, which make pressures and lose some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(night_bodies, "Bed", type("Bare", (), {"drawn": lambda rng: Bed()}))
        yield list(night(6, BED, 0.5, people=2, sensor=False))


def test_it_runs_on_with_both_ones_events(evening):
    np.testing.assert_array_equal(np.concatenate([chunk.time_s for chunk in evening]), np.arange(1800))
    told = [(when, what) for chunk in evening for when, what in chunk.events]
    assert told == sorted(told, key=lambda event: event[0])
    mine = {when for when, what in told if not what.startswith("partner ")}
    theirs = {when for when, what in told if what.startswith("partner ")}
    assert {"bed-entry", "partner bed-entry", "sitting", "partner sitting"} <= {what for _, what in told}
    assert len(mine - theirs) > 3  # they do not move as one
    assert len(theirs - mine) > 3


def test_each_weighs_what_they_weigh_whoever_else_is_there(evening):
    seen_states = set()
    for chunk in evening:
        assert chunk.partner_posture is not None
        assert chunk.posture is not None
        who = chunk.posture[0] != "empty", chunk.partner_posture[0] != "empty"
        seen_states.add(who)
        settled = not {chunk.posture[0], chunk.partner_posture[0]} & {"sitting"} and len(chunk) > 30
        assert chunk.whose is not None
        if settled:
            assert (np.isfinite(chunk.joints_m).all(), np.isfinite(chunk.partner_joints_m).all()) == who
            masses_kg = [float(chunk.meta[name]) for name in ("mass_kg", "partner_mass_kg")]
            weight_n = sum(mass for mass, there in zip(masses_kg, who, strict=True) if there) * GRAVITY
            force_n = chunk.frames.sum((1, 2), dtype=float) * 1000 * 0.032 * 0.030
            np.testing.assert_allclose(force_n, weight_n, rtol=0.02)  # a hand over the edge
            assert set(np.unique(chunk.whose)) == {
                0,
                *(number for number, there in zip((1, 2), who, strict=True) if there),
            }
    assert {(False, False), (True, True)} < seen_states


def test_the_same_seed_is_the_same_night(evening):
    for once, again in zip(evening, night(6, BED, 0.1, people=2, sensor=False), strict=False):
        count = min(len(once), len(again))
        for name, column in again.columns.items():
            np.testing.assert_array_equal(once.columns[name][:count], column[:count], err_msg=name)


def bout(seconds: int, event: str | None = None, still: bool = True) -> Bout:
    return Bout(seen(lying("supine"), Place(WIDE, 1.25, 1.5), "supine"), seconds, event, still)


def test_bouts_are_cut_where_anybodys_ends():
    ones = iter([bout(10, "a"), bout(900, "b"), bout(5, "never")])
    others = iter([bout(4, "x"), bout(6, "y"), bout(700, "z"), bout(1000, "w")])
    cut = [(at, count, *[(b.event, done) for b, done in now]) for at, count, now in _side_by_side([ones, others], 800)]
    assert cut == [
        (0, 4, ("a", 0), ("x", 0)), (4, 6, ("a", 4), ("y", 0)), (10, 600, ("b", 0), ("z", 0)),
        (610, 100, ("b", 600), ("z", 600)), (710, 90, ("b", 700), ("w", 0)),
    ]  # fmt: skip


def test_each_load_creeps_since_it_came_to_lie():
    device = replace(Sensor.ideal(WIDE), creep=0.2)
    sleeper = Sleeper(light_body(Person(1.75, 75, "a")), Bed(), 1.0, 0.25, 0.0)
    one = bout(99, still=False)
    other = replace(one, sample=replace(one.sample, pressure_kpa=one.sample.pressure_kpa[:, ::-1]))
    read = _read(device, [(one, 600), (other, 0)], [sleeper] * 2, 3, np.random.default_rng(0))
    mine, theirs = (device.creep_at(since + np.arange(3.0))[:, None, None] for since in (600, 0))
    assert (mine > 1.1 * theirs).all()
    expected = mine * one.sample.pressure_kpa + theirs * other.sample.pressure_kpa
    np.testing.assert_allclose(read, expected, rtol=1e-5)


def test_who_leaves_makes_room(monkeypatch):
    monkeypatch.setattr(night_plan, "EXITS_PER_HOUR", 1e5)
    sleeper = Sleeper(light_body(Person(1.75, 75, "a")), Bed(), 1.0, 0.25, 0.0)
    room, beside = Half.pair(BED, False)
    wide = lying("starfish")
    alone = beside.place(wide, None, np.random.default_rng(1))
    there = []
    for now in night_plan.bouts(sleeper, room, 0.01, np.random.default_rng(0)):
        if now.lasts_s > 1:  # not on the way
            there.append((now.sample.posture, beside.place(wide, None, np.random.default_rng(1)) == alone))
        if there[2:] and now.sample.posture == "empty" and now.lasts_s > 1:
            break
    postures, free = zip(*there, strict=True)
    assert (postures[0], postures[1], postures[-1]) == ("empty", "sitting", "empty")
    assert free == (True, *[False] * (len(free) - 2), True)


def test_what_is_refused():
    with pytest.raises(MatposeError, match="wide holds no two people"):
        next(night(0, preset("bpms"), 1, people=2))
    with pytest.raises(MatposeError, match="3 people on one mat"):
        next(night(0, BED, 1, people=3))
