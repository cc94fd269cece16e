"""Drawn moments and nights: the same numbers, the same people; nights run on and keep their weight."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import preset
from matpose.recording import POSTURES
from matpose.simulate.night import night
from matpose.simulate.scene import draw_sample
from matpose.simulate.settle import GRAVITY

MAT = preset("bpms")


def same(a, b) -> bool:
    names = ("pressure_kpa", "joints_m", "joint_contact", "landmarks_m", "parts")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_the_same_numbers_draw_the_same_moment_whatever_came_before():
    first = draw_sample(3, seed=1, mat=MAT)
    draw_sample(4, seed=1, mat=MAT)
    assert same(first, draw_sample(3, seed=1, mat=MAT))
    assert not same(first, draw_sample(3, seed=2, mat=MAT))


def test_one_person_in_two_moments_has_one_body():
    a, b = (draw_sample(index, seed=0, mat=MAT, person=7) for index in (0, 1))
    assert a.facts["stature_m"] == b.facts["stature_m"]
    assert not same(a, b)


@pytest.mark.parametrize("posture", ["supine", "prone", "left", "right"])
def test_a_posture_can_be_asked_for(posture):
    sample = draw_sample(0, seed=5, mat=MAT, posture=posture, sensor=False)
    assert sample.posture == posture
    assert sample.pressure_kpa.dtype == np.float32
    assert sample.pressure_kpa.shape == (MAT.rows, MAT.cols)
    y_m, x_m = ((np.arange(n) + 0.5) * pitch_m for n, pitch_m in zip((MAT.rows, MAT.cols), MAT.pitch_m, strict=True))
    for at, on in zip(sample.joints_m, sample.joint_contact, strict=True):
        near = np.hypot(*np.meshgrid(x_m - at[0], y_m - at[1])) < 0.12
        if on and 0 < at[0] < MAT.width_m and 0 < at[1] < MAT.height_m:
            assert sample.pressure_kpa[near].max() > 0.15  # what presses leaves its mark nearby


def test_a_posture_that_nobody_lies_in():
    with pytest.raises(MatposeError, match="nobody is simulated"):
        draw_sample(0, seed=0, mat=MAT, posture="sitting")


@pytest.fixture(scope="module")
def evening():
    return list(night(4, preset("pmatdata-i"), 0.75, sensor=False))


def test_a_night_runs_on_second_by_second(evening):
    time_s = np.concatenate([chunk.time_s for chunk in evening])
    np.testing.assert_array_equal(time_s, np.arange(2700))
    assert {name for chunk in evening for name in chunk.posture} <= set(POSTURES)
    told = [(when, what) for chunk in evening for when, what in chunk.events]
    assert told == sorted(told)
    assert {"bed-entry", "sitting"} <= {what for _, what in told}
    for chunk in evening:  # an event stands in the chunk that it falls into
        assert all(chunk.time_s[0] <= when <= chunk.time_s[-1] for when, _ in chunk.events)


def test_nobody_weighs_nothing_and_a_sleeper_what_they_weigh(evening):
    cell_m2 = 0.0278**2
    for chunk in evening:
        force_n = chunk.frames.sum((1, 2), dtype=float) * 1000 * cell_m2
        if chunk.posture[0] == "empty" and len(chunk) > 1:
            assert not force_n.any()
            assert np.isnan(chunk.joints_m).all()
        elif len(chunk) > 60:
            weight_n = float(chunk.meta["mass_kg"]) * GRAVITY
            assert force_n.max() < 1.03 * weight_n  # what lies beside the mat is not on it
            assert force_n.min() > 0.7 * weight_n
            assert force_n.std() / force_n.mean() < 0.01  # breathing moves load, it makes none
            assert chunk.frames.std(0).max() > 0


def test_the_same_seed_is_the_same_night(evening):
    for once, again in zip(evening, night(4, preset("pmatdata-i"), 0.75, sensor=False), strict=True):
        np.testing.assert_array_equal(once.frames, again.frames)
        np.testing.assert_array_equal(once.joints_m, again.joints_m)
