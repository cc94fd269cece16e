import numpy as np
import pytest

from matpose.mat import Mat
from matpose.monitor.turns import Turns

MAT = Mat(64, 32, 0.0278, 0.0278)


def body(*, x: int = 12, leg_x: int = 14) -> np.ndarray:
    """(64, 32) a trunk with a heavy pelvis, and a leg."""
    load = np.zeros((64, 32), np.float32)
    load[10:30, x : x + 8] = 2
    load[28:36, x + 1 : x + 7] = 6
    load[36:58, leg_x : leg_x + 3] = 2
    return load


def lie(turns: Turns, load: np.ndarray, from_s: int, lasts_s: int, posture: str = "left", **how):
    """Seconds of lying; the turns that came of it, and when they were told."""
    told = []
    for now_s in range(from_s, from_s + lasts_s):
        turn = turns.lie(load, posture, float(now_s), 1.0, **how)
        if turn:
            told.append((now_s, turn))
    return told


@pytest.fixture
def lain() -> Turns:
    """Somebody who has lain on their left for ten minutes; their clock began at 0."""
    turns = Turns(MAT, 7200, 60)
    turns.arrive(0.0)
    assert turns.settled("left", 5.0, body()) is None  # to lie down is no turn
    assert lie(turns, body(), 5, 600) == []
    return turns


def test_another_posture_is_a_turn_from_when_it_began(lain):
    turn = lain.settled("supine", 600.0, body(x=19, leg_x=22))
    assert turn == (600.0, "supine", "left", "posture")
    assert (lain.last_s, lain.due_s) == (600.0, 7800.0)


def test_the_same_posture_again_is_none(lain):
    assert lain.settled("sitting", 600.0, body()) is None
    assert lain.settled("left", 700.0, body(x=19, leg_x=22)) is None
    assert lain.last_s == 0.0


def test_a_posture_after_sitting_up_is_a_turn(lain):
    lain.settled("sitting", 600.0, body())
    assert lain.settled("right", 900.0, body(x=3, leg_x=3)) == (900.0, "right", "left", "posture")


def test_another_name_for_the_same_load_is_none(lain):
    assert lain.settled("supine", 600.0, body() * 1.2) is None
    assert lain.last_s == 0.0
    turn = lain.settled("right", 900.0, body(x=3, leg_x=3))
    assert turn is not None
    assert turn.before == "supine"  # what it was last said to be


def test_what_happened_out_of_sight_is_dated_to_when_it_was_last_known(lain):
    lain.settled("unknown", 600.0, body())
    assert lain.settled("right", 5000.0, body(x=3, leg_x=3)) == (600.0, "right", "left", "posture")
    lie(lain, body(x=3, leg_x=3), 5010, 100, "right")
    assert lain.settled("left", 6000.0, body()) == (6000.0, "left", "right", "posture")


def test_the_relieved_region_is_a_turn_once_it_has_lasted(lain):
    assert lie(lain, body(x=21, leg_x=24), 605, 59) == []
    told = lie(lain, body(x=21, leg_x=24), 664, 300)
    assert told == [(665, (605.0, "left", "left", "offloaded"))]
    assert lain.last_s == 605.0


def test_relief_that_is_broken_is_none(lain):
    for start in range(605, 1605, 100):
        assert lie(lain, body(x=21, leg_x=24), start, 50) == []
        assert lie(lain, body(), start + 50, 50) == []
    lie(lain, body(x=21, leg_x=24), 1605, 50)
    lain.pause()
    assert lie(lain, body(x=21, leg_x=24), 1655, 50) == []
    assert lain.last_s == 0.0


def test_a_limb_that_moves_is_none(lain):
    assert lie(lain, body(leg_x=26), 605, 1000) == []
    without = body()
    without[36:] = 0
    assert lie(lain, without, 1605, 1000) == []


def test_the_posture_that_comes_with_the_relief_is_the_same_turn():
    turns = Turns(MAT, 7200, offload_s=5)
    turns.arrive(0.0)
    turns.settled("left", 5.0, body())
    lie(turns, body(), 5, 600)
    assert len(lie(turns, body(x=21, leg_x=24), 605, 10)) == 1
    assert turns.settled("supine", 606.0, body(x=21, leg_x=24)) is None
    assert turns.settled("left", 800.0, body()) is not None


def test_a_posture_in_doubt_is_not_mixed_into_what_was_borne():
    turns = Turns(MAT, 7200, 60)
    turns.arrive(0.0)
    turns.settled("left", 0.0, body())
    lie(turns, body(), 0, 12)
    lie(turns, body(x=21, leg_x=24), 12, 300, sure=False)
    assert turns.settled("supine", 12.0, body(x=21, leg_x=24)) is not None


def test_due_is_told_once_and_again_after_a_turn(lain):
    assert [now_s for now_s in range(7000, 9000) if lain.overdue(float(now_s))] == [7200]
    assert lain.settled("supine", 9000.0, body(x=21, leg_x=24))
    assert [now_s for now_s in range(9000, 17000) if lain.overdue(float(now_s))] == [16200]


def test_who_leaves_and_comes_back_has_a_new_clock(lain):
    lain.leave()
    assert (lain.last_s, lain.due_s) == (None, None)
    assert not lain.overdue(1e9)
    assert lain.lie(body(), "left", 1000.0, 1.0) is None
    lain.arrive(1000.0)
    assert lain.settled("right", 1005.0, body(x=3, leg_x=3)) is None  # not turned: lain down
    assert (lain.last_s, lain.due_s) == (1000.0, 8200.0)


@pytest.mark.parametrize("mat", [Mat(4, 3, 0.4, 0.3), Mat(192, 84, 0.01016, 0.01016), Mat(1, 1, 0.5, 0.5)])
def test_any_grid(mat):
    turns = Turns(mat, 7200, 60)
    turns.arrive(0.0)
    load = np.zeros((mat.rows, mat.cols), np.float32)
    load[: max(mat.rows // 2, 1)] = 1
    for now_s in range(200):
        assert turns.lie(load, "left", float(now_s), 1.0) is None
    told = [turns.lie(load[::-1] if mat.rows > 1 else load, "left", float(now_s), 1.0) for now_s in range(200, 300)]
    assert sum(turn is not None for turn in told) == (mat.rows > 1)
