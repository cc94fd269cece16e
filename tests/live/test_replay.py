"""A recording as a source: its own times, its own flags."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

import numpy as np
import pytest
from listening import SMALL, run, taken

import matpose
from matpose.errors import MatposeError
from matpose.live.sources.replay import Replay
from matpose.recording import Flag, Recording


def recording(times_s, **known) -> Recording:
    count = len(times_s)
    frames = np.arange(count * 12, dtype=np.float32).reshape(count, 4, 3)
    return Recording(frames, SMALL, "kPa", np.asarray(times_s, float), np.zeros(count, np.uint16), **known)


async def all_of(source: Replay) -> list:
    return [arrival async for arrival in source.arrivals()]


def test_frames_times_and_names():
    given = recording([5, 6, 7])
    source = Replay(given, bed="7", speed=inf)
    began_s = time.time()
    found = run(all_of(source))
    assert (source.mat, source.unit, source.beds, source.line.state) == (SMALL, "kPa", ("7",), "closed")
    assert [one.bed for one in found] == ["7"] * 3
    assert [one.sequence for one in found] == [0, 1, 2]
    np.testing.assert_array_equal([one.frame for one in found], given.frames)
    assert found[0].epoch_s == pytest.approx(began_s, abs=5)
    np.testing.assert_allclose(np.diff([one.epoch_s for one in found]), 1, atol=1e-6)


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_it_takes_as_long_as_it_should(speed):
    source = Replay(recording([0, 0.1, 0.4]), speed=speed)
    began_s = time.monotonic()
    found = run(all_of(source))
    assert 0.4 / speed <= time.monotonic() - began_s < 0.4 / speed + 2
    assert found[2].epoch_s - found[0].epoch_s == pytest.approx(0.4, abs=1e-6)  # the recording's seconds


def test_flags_of_the_recording_and_of_its_times():
    given = recording([0, 1, 2, 3, 4, 20, 21])
    given = replace(given, flags=np.array([64, 0, 1 | 1024, 2048, 0, 0, 128], np.uint16))
    found = run(all_of(Replay(given, speed=inf)))
    assert [one.flags.names for one in found] == [["wrong_size"], [], ["gap"], ["clock"], [], ["gap"], []]
    back = run(all_of(Replay(recording([0, 1, 0.5, 1.5]), speed=inf)))
    assert [one.flags.names for one in back] == [[], [], ["clock"], []]


def test_it_loops_only_when_asked():
    found = run(taken(Replay(recording([0, 1, 2]), speed=inf, loop=True), 8))
    assert [one.sequence for one in found] == list(range(8))
    assert [one.flags for one in found] == [Flag.GAP if n in (3, 6) else Flag(0) for n in range(8)]
    np.testing.assert_allclose(np.diff([one.epoch_s for one in found]), 1, atol=1e-6)
    np.testing.assert_array_equal(found[3].frame, found[0].frame)
    assert len(run(taken(Replay(recording([0.0]), speed=inf, loop=True), 3))) == 3


def test_its_own_start():
    given = recording([0, 1], start_time="2024-03-01T22:00:00+01:00")
    found = run(all_of(Replay(given, speed=inf, own_start=True)))
    assert found[0].epoch_s == datetime(2024, 3, 1, 21, tzinfo=UTC).timestamp()
    for wrong in (None, "yesterday"):
        with pytest.raises(MatposeError, match=r"does not say|is no time"):
            Replay(recording([0, 1], start_time=wrong), own_start=True)


def test_a_slow_taker_misses_nothing():
    async def work():
        found = []
        async for one in Replay(recording(np.arange(40) / 1000.0)).arrivals():
            found.append(one.sequence)
            await asyncio.sleep(0.003)
        return found

    assert run(work()) == list(range(40))


def test_what_cannot_be_played():
    for speed in (0.0, -1.0, float("nan")):
        with pytest.raises(MatposeError, match="a speed of"):
            Replay(recording([0, 1]), speed=speed)
    with pytest.raises(MatposeError, match="no frames"):
        Replay(recording([]))
    with pytest.raises(MatposeError, match="without a time"):
        Replay(recording([0, np.nan]))
    with pytest.raises(MatposeError, match="no name of a bed"):
        Replay(recording([0]), bed="a/b")
    no_pitch = replace(recording([0]), mat=matpose.Mat(4, 3, None, None))
    with pytest.raises(MatposeError, match="pitch"):
        Replay(no_pitch)


def test_a_real_recording(real_data):
    path = next((real_data / "pmatdata").rglob("S1/1.txt"))
    given = matpose.read(path)
    found = run(taken(Replay(given, speed=inf), 20))
    np.testing.assert_array_equal([one.frame for one in found], given.frames[:20])
