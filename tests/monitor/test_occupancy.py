import numpy as np
import pytest

from matpose.mat import Mat
from matpose.monitor.occupancy import Occupancy

MAT = Mat(64, 32, 0.03, 0.03)  # 0.96 m across


def at(x_m: float) -> np.ndarray:
    """(64, 32) somebody narrow whose middle is there."""
    x = (np.arange(32) + 0.5) * 0.03
    return np.tile((np.abs(x - x_m) < 0.1).astype(np.float32), (64, 1))


def run(occupancy: Occupancy, *stretches, from_s: float = 0.0, step_s: float = 1.0):
    """Show (load or None, empty, seconds); what was told, as (when told, kind, since when, side)."""
    told, now_s = [], from_s
    for load, empty, lasts_s in stretches:
        for _ in range(round(lasts_s / step_s)):
            told += [(now_s, *change) for change in occupancy.update(load, empty, now_s)]
            now_s += step_s
    return told


MIDDLE, NOBODY = at(0.48), np.zeros((64, 32), np.float32)
IN, OUT, GARBLED = (MIDDLE, False, 60), (NOBODY, True, 60), (None, False, 60)


def test_leaving_and_coming_back_are_told_once_and_dated_back():
    occupancy = Occupancy(MAT, 0.15)
    told = run(occupancy, IN, OUT, IN)
    assert told == [(63.0, "bed_exit", 60.0, ""), (123.0, "bed_entry", 120.0, "")]
    assert (occupancy.state, occupancy.there, occupancy.since_s) == ("in_bed", True, 120.0)


def test_nobody_came_or_left_before_the_watch_began():
    assert run(Occupancy(MAT, 0.15), IN) == []
    empty = Occupancy(MAT, 0.15)
    assert run(empty, OUT) == []
    assert empty.there is False
    assert run(empty, IN, from_s=60.0) == [(63.0, "bed_entry", 60.0, "")]


@pytest.mark.parametrize("lasts_s", [1, 2])
def test_a_moment_without_load_is_no_exit(lasts_s):
    occupancy = Occupancy(MAT, 0.15)
    assert run(occupancy, IN, (NOBODY, True, lasts_s), IN) == []
    assert occupancy.since_s == 0.0


def test_frames_that_say_nothing_are_unknown_after_a_while_and_no_exit():
    occupancy = Occupancy(MAT, 0.15)
    assert run(occupancy, IN, (None, True, 8)) == []
    assert occupancy.state == "in_bed"
    assert run(occupancy, GARBLED, from_s=68.0) == []
    assert (occupancy.state, occupancy.there) == ("unknown", True)
    assert run(occupancy, IN, from_s=128.0) == []
    assert run(occupancy, GARBLED, OUT, from_s=188.0) == [(251.0, "bed_exit", 248.0, "")]


def test_after_a_long_gap_it_is_unknown_at_once():
    occupancy = Occupancy(MAT, 0.15)
    run(occupancy, IN)
    occupancy.lose()
    assert (occupancy.state, occupancy.there) == ("unknown", True)
    assert run(occupancy, OUT, from_s=5000.0) == [(5003.0, "bed_exit", 5000.0, "")]


@pytest.mark.parametrize(("x_m", "side"), [(0.12, "right"), (0.84, "left")])  # of a person on their back
def test_edge(x_m, side):
    occupancy = Occupancy(MAT, 0.15)
    told = run(occupancy, IN, (at(x_m), False, 60))
    assert told == [(62.0, "edge", 60.0, side)]
    assert (occupancy.state, occupancy.there) == ("edge", True)


def test_a_third_of_the_load_at_the_side_is_the_edge_too():
    load = MIDDLE.copy()
    load[:, 0] = 2.9  # 6.9 cells' worth lie in the middle
    assert run(Occupancy(MAT, 0.15), IN, (load, False, 60)) == []
    load[:, 0] = 3.6
    assert [kind for _, kind, *_ in run(Occupancy(MAT, 0.15), IN, (load, False, 60))] == ["edge"]


def column(col: int) -> np.ndarray:
    load = np.zeros((64, 32), np.float32)
    load[:, col] = 1
    return load


def test_the_centre_has_to_come_well_in_before_the_edge_is_over():
    occupancy = Occupancy(MAT, 0.15)
    sway = [(column(col), False, 10) for col in (4, 5, 4, 5, 4)]  # 0.135 and 0.165 m
    assert len(run(occupancy, IN, *sway)) == 1
    assert occupancy.state == "edge"
    run(occupancy, (column(6), False, 10), from_s=200.0)
    assert occupancy.state == "in_bed"
    assert run(occupancy, (column(5), False, 10), from_s=300.0) == []
    assert len(run(occupancy, (column(4), False, 10), from_s=400.0)) == 1


def test_so_has_the_load():
    occupancy = Occupancy(MAT, 0.15)
    side = [(column(0) * share + column(20) * (1 - share), False, 10) for share in (0.35, 0.3, 0.35, 0.3)]
    assert len(run(occupancy, IN, *side)) == 1
    assert occupancy.state == "edge"
    run(occupancy, (column(0) * 0.2 + column(20) * 0.8, False, 10), from_s=200.0)
    assert occupancy.state == "in_bed"
    assert run(occupancy, (column(0) * 0.3 + column(20) * 0.7, False, 10), from_s=300.0) == []


def test_from_the_edge_out_is_one_exit():
    told = run(Occupancy(MAT, 0.15), IN, (at(0.1), False, 20), OUT)
    assert [kind for _, kind, *_ in told] == ["edge", "bed_exit"]


def test_fast_frames_wait_as_long():
    told = run(Occupancy(MAT, 0.15), IN, OUT, step_s=0.25)
    assert told == [(63.0, "bed_exit", 60.0, "")]
