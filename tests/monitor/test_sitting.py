import numpy as np
import pytest

from matpose.mat import Mat
from matpose.monitor.sitting import sits

MAT = Mat(64, 32, 0.0278, 0.0278)


def loaded(from_row: int, rows: int) -> np.ndarray:
    load = np.zeros((64, 32), np.float32)
    load[from_row : from_row + rows, 10:22] = 5
    return load


@pytest.mark.parametrize(("rows", "sitting"), [(8, True), (16, True), (20, False), (50, False)])
def test_a_short_stretch_of_bed_bears_who_sits(rows, sitting):
    assert sits(loaded(5, rows), MAT) == sitting
    assert sits(loaded(5, rows) * 1000, MAT) == sitting  # in any unit


def test_cross_talk_and_a_foot_that_hangs_do_not_matter():
    load = loaded(30, 12) + 0.3
    load[60, 3] = 3
    assert sits(load, MAT)


def test_nobody_does_not_sit():
    assert not sits(np.zeros((64, 32), np.float32), MAT)


def test_a_mat_that_feels_only_a_piece_of_the_body_cannot_tell():
    assert not sits(np.ones((20, 32), np.float32), Mat(20, 32, 0.0278, 0.0278))
