"""The gate opens for what matters, for nothing else, and never leaves an old pose standing."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.recording import Flag
from matpose.runtime.change_gate import ChangeGate

SOUND = Flag(0)
BODY = np.random.default_rng(0).gamma(0.5, 2.0, (64, 32)).astype(np.float32)


def test_the_first_frame_opens_and_the_same_again_does_not():
    gate = ChangeGate(0.15, 20)
    assert [gate.opens(BODY.copy(), s, SOUND) for s in range(5)] == [True, False, False, False, False]


def test_the_threshold_is_relative_l1():
    moved = BODY.copy()
    moved[:32] *= 0.7
    change = np.abs(moved - BODY).sum() / BODY.sum()
    for threshold, opens in ((change * 0.99, True), (change * 1.01, False)):
        gate = ChangeGate(float(threshold), 20)
        gate.opens(BODY, 0, SOUND)
        assert gate.opens(moved, 1, SOUND) is opens


def test_it_is_relative_to_the_heavier_of_the_two():
    for first, second in ((1.0, 1.17), (1.17, 1.0)):  # .145 of the heavier, .17 of the lighter
        gate = ChangeGate(0.15, 20)
        gate.opens(BODY * np.float32(first), 0, SOUND)
        assert not gate.opens(BODY * np.float32(second), 1, SOUND)


def test_slow_creep_adds_up():
    gate = ChangeGate(0.15, 1e9)
    opened = [gate.opens(np.roll(BODY, 0) * np.float32(1 + 0.01 * step), step, SOUND) for step in range(60)]
    assert opened[0]
    assert 2 <= sum(opened[1:]) <= 4  # each step alone is a hundredth
    assert opened.index(True, 1) == 18  # 1 - 1 / 1.18 > .15


def test_the_heartbeat():
    gate = ChangeGate(0.15, 20)
    assert [s for s in range(61) if gate.opens(BODY, 1000 + s, SOUND)] == [0, 20, 40, 60]


def test_a_clock_that_jumps_back_opens():
    gate = ChangeGate(0.15, 20)
    gate.opens(BODY, 1000, SOUND)
    assert gate.opens(BODY, 500, SOUND)
    assert not gate.opens(BODY, 501, SOUND)


def test_zero_computes_every_frame():
    gate = ChangeGate(0, 20)
    assert all(gate.opens(BODY, s, SOUND) for s in range(5))


@pytest.mark.parametrize("flag", [Flag.EMPTY_BED, Flag.CORRUPTED, Flag.WRONG_SIZE])
def test_it_opens_once_when_somebody_leaves_or_trust_ends_and_once_when_they_return(flag):
    gate = ChangeGate(0.15, 5)
    states = [SOUND] * 3 + [flag] * 20 + [SOUND] * 3
    opened = [s for s, flags in enumerate(states) if gate.opens(BODY, s, flags)]
    assert opened == [0, 3, 23]  # no heartbeat while there is nothing to compute


def test_other_flags_do_not_open():
    gate = ChangeGate(0.15, 20)
    gate.opens(BODY, 0, SOUND)
    assert not gate.opens(BODY, 1, Flag.SATURATED | Flag.HOT | Flag.GAP)


def test_cells_without_a_reading_do_not_poison_it():
    gate, holes = ChangeGate(0.15, 20), BODY.copy()
    holes[::9, ::7] = np.nan
    moved = np.roll(holes, 5, axis=0)
    gate.opens(holes, 0, SOUND)
    assert not gate.opens(holes.copy(), 1, Flag.NAN)
    assert not gate.opens(BODY, 2, SOUND)  # the same where both are read
    assert gate.opens(moved, 3, Flag.NAN)
    assert not gate.opens(moved.copy(), 4, Flag.NAN)


def test_losing_many_cells_opens_at_once():
    """A pose of before must not stand beside a frame that nothing can be read from."""
    gate, torn = ChangeGate(0.15, 20), BODY.copy()
    torn[:10] = np.nan
    gate.opens(BODY, 0, SOUND)
    assert [gate.opens(torn, s, Flag.NAN) for s in (1, 2)] == [True, False]
    assert gate.opens(BODY, 3, SOUND)


def test_what_becomes_of_the_callers_frame_is_no_matter():
    gate, frame = ChangeGate(0.15, 20), BODY.copy()
    gate.opens(frame, 0, SOUND)
    frame[:] = 0
    assert gate.opens(frame, 1, SOUND)
