"""Order and time: what is missing, what came twice, whose clock is wrong."""

from __future__ import annotations

import pytest

from matpose.live.continuity import LONGEST_LATE_RUN, Continuity
from matpose.recording import Flag

NOW = 1.7e9


def follow(frames, *, clocked=True) -> list:
    """Flags of frames given as (seconds received, seconds said or None, sequence or None); None where left out."""
    order = Continuity()
    found = []
    for received_s, said_s, sequence in frames:
        placed = order.place(NOW + received_s, epoch_s=None if said_s is None else NOW + said_s, sequence=sequence)
        found.append(None if placed is None else placed.flags.names)
    return found


def steady(count: int) -> list:
    return [(n, n, n) for n in range(count)]


def test_a_steady_stream_has_no_flags():
    assert follow(steady(50)) == [[]] * 50
    assert follow([(n, None, None) for n in range(50)]) == [[]] * 50
    assert follow([(n / 50, None, None) for n in range(50)]) == [[]] * 50


def test_a_skipped_sequence_is_a_gap_and_the_counter_may_overflow():
    assert follow([*steady(3), (3, 3, 4), (4, 4, 5)]) == [[], [], [], ["gap"], []]
    last = 2**32 - 1
    assert follow([(0, 0, last - 1), (1, 1, last), (2, 2, 0), (3, 3, 1)]) == [[]] * 4
    assert follow([(0, 0, last), (1, 1, 1)]) == [[], ["gap"]]


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize(("pause_s", "flags"), [(2.9, []), (3.1, ["gap"]), (3600, ["gap"])])
def test_a_long_interval_is_a_gap(said, pause_s, flags):
    times = [*range(10), 9 + pause_s, 10 + pause_s]
    found = follow([(t, t if said else None, n if said else None) for n, t in enumerate(times)])
    assert found == [[]] * 10 + [flags, []]


def test_a_slower_stream_is_soon_the_usual_one():
    times = [*range(10), *range(20, 200, 10)]
    found = follow([(t, t, n) for n, t in enumerate(times)])
    assert found[10] == ["gap"]
    assert found[-10:] == [[]] * 10


def test_bursts_of_a_line_are_no_gaps():
    # frames of a mat without a clock, in packets of ten
    found = follow([(n // 10 * 0.5, None, None) for n in range(60)])
    assert found == [[]] * 60


def test_what_comes_twice_is_left_out():
    assert follow([*steady(3), (2.1, 2, 2), (3, 3, 3)]) == [[], [], [], None, []]
    assert follow([(0, None, 7), (0.1, None, 7), (1, None, 8)]) == [[], None, []]
    # out of order: 3 comes after 4; the gap was told at 4
    assert follow([*steady(3), (4, 4, 4), (4.1, 3, 3), (5, 5, 5)]) == [[], [], [], ["gap"], None, []]


def test_a_mat_that_does_not_count():
    assert follow([(n, n, 0) for n in range(5)]) == [[]] * 5
    assert follow([(n, None, 0) for n in range(5)]) == [[]] * 5


def test_a_mat_that_begins_anew_is_heard():
    assert follow([(n, n, 100 + n) for n in range(5)] + [(9, 9, 0), (10, 10, 1)])[5:] == [["gap"], []]
    # its clock fell back too, so that it looks like a frame that came late; but not for long
    found = follow([(n, n, 100 + n) for n in range(5)] + [(9 + n, -40 + n / 2, n) for n in range(LONGEST_LATE_RUN + 5)])
    assert found[5 : 5 + LONGEST_LATE_RUN] == [None] * LONGEST_LATE_RUN
    assert found[5 + LONGEST_LATE_RUN] == ["gap", "clock"]
    assert found[6 + LONGEST_LATE_RUN :] == [[]] * 4


def test_a_clock_that_goes_back_or_leaps():
    assert follow([*steady(5), (5, -3600, 5), (6, -3599, 6)])[5:] == [["clock"], []]
    # behind by an hour, and then set right: nothing is missing
    found = follow([(n, n - 3600, n) for n in range(5)] + [(5, 5, 5), (6, 6, 6)])
    assert found == [[]] * 5 + [["clock"], []]


def test_a_clock_ahead_of_ours_is_not_believed_and_told_once():
    order = Continuity()
    placed = [order.place(NOW + n, epoch_s=NOW + n + (3600 if n >= 3 else 0), sequence=n) for n in range(8)]
    assert all(placed)
    assert [p.epoch_s - NOW for p in placed if p] == list(range(8))
    assert [p.flags.names for p in placed if p] == [[], [], [], ["clock"], [], [], [], []]
    assert order.ahead_s == pytest.approx(3600)
    back = order.place(NOW + 8, epoch_s=NOW + 8, sequence=8)
    assert back is not None
    assert back.flags == Flag.CLOCK
    assert order.ahead_s is None


def test_what_a_line_had_kept_is_of_its_own_time():
    # cut for ten minutes; then all comes at once
    kept = [(600 + n / 1000, n, n) for n in range(5, 600)]
    assert follow([*steady(5), *kept]) == [[]] * 600


def test_losses_speak_for_mats_that_do_not_count():
    order = Continuity()
    assert order.place(NOW, lost=True) == (NOW, Flag(0))  # before the first there is nothing
    assert order.place(NOW + 1, lost=True) == (NOW + 1, Flag.GAP)
    assert order.place(NOW + 2) == (NOW + 2, Flag(0))
    counted = Continuity()
    counted.place(NOW, sequence=1)
    assert counted.place(NOW + 1, sequence=2, lost=True) == (NOW + 1, Flag(0))
