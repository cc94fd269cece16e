from math import inf, nan

import pytest

from matpose.errors import MatposeError
from matpose.monitor.elapsed import Elapsed
from matpose.recording import Flag

NONE = Flag(0)


def ticks(elapsed: Elapsed, *epochs_s: float, flags: Flag = NONE):
    return [elapsed.tick(epoch_s, flags) for epoch_s in epochs_s]


def test_seconds_between_frames():
    assert [tick.seconds for tick in ticks(Elapsed(), 100.0, 100.5, 101.5, 101.5)] == [0, 0.5, 1, 0]


def test_a_clock_set_back_takes_no_time_and_shifts_what_was():
    elapsed = Elapsed()
    ticks(elapsed, 1000.0, 1001.0)
    jump, after = ticks(elapsed, 401.0, 402.0)
    assert (jump.now_s, jump.seconds, jump.jump_s) == (1001.0, 0.0, -600.0)
    assert (after.now_s, after.seconds, after.jump_s) == (1002.0, 1.0, None)
    assert elapsed.epoch_s(1000.0) == 400.0


def test_a_clock_that_the_source_says_was_set_forward_is_no_gap():
    elapsed = Elapsed()
    ticks(elapsed, 0.0, 1.0)
    (jump,) = ticks(elapsed, 3601.0, flags=Flag.CLOCK)
    assert (jump.now_s, jump.seconds, jump.gap_s, jump.jump_s) == (1.0, 0.0, 0.0, 3600.0)


def test_frames_that_overtake_each_other_are_no_jump():
    found = ticks(Elapsed(), 10.0, 10.2, 10.1, 10.3)
    assert [tick.jump_s for tick in found] == [None] * 4
    assert sum(tick.seconds for tick in found) == pytest.approx(0.3)


def test_a_gap_counts_nowhere_but_time_goes_on():
    elapsed = Elapsed()
    ticks(elapsed, 0.0, 1.0, 2.0)
    (late,) = ticks(elapsed, 62.0)
    assert (late.now_s, late.seconds, late.gap_s) == (62.0, 0.0, 60.0)


def test_a_gap_that_the_source_saw():
    elapsed = Elapsed()
    ticks(elapsed, 0.0, 0.1)
    (late,) = ticks(elapsed, 0.6, flags=Flag.GAP)
    assert (late.seconds, late.gap_s) == (0.0, pytest.approx(0.5))


def test_a_slow_mat_has_no_gaps_once_it_is_known():
    found = ticks(Elapsed(), *(120.0 * number for number in range(10)))
    assert [tick.gap_s for tick in found] == [0.0, 120.0] + [0.0] * 8


@pytest.mark.parametrize("epoch_s", [nan, inf])
def test_no_time_is_refused(epoch_s):
    with pytest.raises(MatposeError, match="a frame at"):
        Elapsed().tick(epoch_s, NONE)
