"""People who do not exist, as a source."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
from listening import run, taken

import matpose
from matpose.errors import MatposeError
from matpose.live.sources import simulated
from matpose.live.sources.simulated import Simulated, SimulatedNight
from matpose.recording import Flag
from matpose.runtime.recording_report import sample_night


def test_beds_play_the_packaged_night_from_other_hours_without_end():
    source = Simulated(("a", "b"), interval_s=0.0)
    night = matpose.read(sample_night())
    found = run(taken(source, 2 * len(night) + 4))
    first, second = ([one for one in found if one.bed == bed] for bed in ("a", "b"))
    np.testing.assert_array_equal(first[3].frame, night.frames[3])
    np.testing.assert_array_equal(second[3].frame, night.frames[3 + len(night) // 2])
    np.testing.assert_array_equal(first[len(night)].frame, night.frames[0])
    assert [one.flags for one in first].count(Flag.GAP) == 1
    assert first[len(night)].flags == Flag.GAP
    assert (source.mat, source.unit, source.beds) == (night.mat, "kPa", ("a", "b"))


def test_a_frame_an_interval_with_the_time_of_now():
    found = run(taken(Simulated(interval_s=0.1), 4))
    np.testing.assert_allclose(np.diff([one.epoch_s for one in found]), 0.1, atol=0.09)
    assert found[-1].epoch_s == pytest.approx(time.time(), abs=5)


def test_a_night_goes_on_after_the_morning(monkeypatch):
    chunk = matpose.read(sample_night()).select(slice(0, 2))
    asked = []

    def nights(seed, mat):
        while True:
            asked.append(seed)
            yield chunk

    async def at_once(_seconds: float) -> None:
        await pause(0)

    pause = asyncio.sleep
    monkeypatch.setattr(simulated, "_nights", nights)
    monkeypatch.setattr(asyncio, "sleep", at_once)
    source = SimulatedNight(chunk.mat, seed=3, bed="x")
    found = run(taken(source, 5))
    assert [one.flags for one in found] == [Flag(0), Flag(0), Flag.GAP, Flag(0), Flag.GAP]
    assert asked == [3] * len(asked)
    assert len(asked) <= 4  # a little ahead, not the whole year
    assert source.line.state == "closed"


def test_without_the_simulator(monkeypatch):
    monkeypatch.setattr(simulated, "find_spec", lambda name: None)
    with pytest.raises(MatposeError, match=r"matpose\[simulate\]"):
        SimulatedNight(matpose.Mat(64, 27, 0.0286, 0.0275))


@pytest.mark.slow
def test_a_simulated_night():
    pytest.importorskip("mujoco", reason="nights need the extra simulate")
    found = run(taken(SimulatedNight(matpose.Mat(64, 27, 0.0286, 0.0275), seed=1), 3))
    assert found[0].frame.shape == (64, 27)
    assert found[1].epoch_s - found[0].epoch_s == pytest.approx(1, abs=0.5)
