"""Likeness is blind to gain, knows its thresholds, and shifts are found to a fraction of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import KPA_PER_UNIT
from matpose.simulate.likeness import best_shifts, likeness, moved, shape_of

MMHG = KPA_PER_UNIT["mmHg"]


def hill(row: float, col: float, shape=(40, 24)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.exp(-((y - row) ** 2 + (x - col) ** 2) / 18)


def test_a_map_is_like_itself_at_any_gain():
    same = likeness(hill(20, 12), 7 * hill(20, 12))
    assert same.error == pytest.approx(0, abs=1e-12)
    assert (same.correlation, same.overlap) == (pytest.approx(1), 1)


def test_maps_that_nowhere_meet_differ_by_both_squares():
    one, other = np.zeros((40, 24)), np.zeros((40, 24))
    one[10, 12], other[30, 12] = 5, 2
    apart = likeness(one, other)
    assert apart.error == pytest.approx(2)
    assert apart.overlap == 0
    assert apart.correlation < 0


def test_overlap_counts_cells_of_one_mmhg_at_the_real_maps_force():
    real, simulated = np.zeros((8, 8)), np.zeros((8, 8))
    real[2, :4] = [4 * MMHG, 4 * MMHG, 4 * MMHG, 0.9 * MMHG]
    simulated[2, 1:5] = 1  # as heavy as the real one: 3.2 mmHg each
    assert likeness(real, simulated).overlap == pytest.approx(2 / 5)


def test_root_pressure_is_what_is_compared():
    one = np.zeros((30, 30))
    one[15, 8], one[15, 22] = 4, 1
    shape = shape_of(one)
    assert shape[15, 8] / shape[15, 22] == pytest.approx(2)
    assert not shape_of(np.zeros((2, 8, 8))).any()


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.0, -2.0), (-1.4, 0.3)])
def test_shifts_are_found_to_a_fraction_of_a_cell(shift):
    here, there = hill(18, 11), hill(18 + shift[0], 11 + shift[1])
    found, errors = best_shifts(there, here[None])
    np.testing.assert_allclose(found[0], shift, atol=0.03)
    assert errors[0] < 0.02


def test_moved_loses_what_leaves():
    map_kpa = hill(20, 12)
    back = moved(moved(map_kpa, 5, -3), -5, 3)
    np.testing.assert_array_equal(back[:-5, 3:], map_kpa[:-5, 3:])
    assert not back[-5:].any()
    assert not back[:, :3].any()


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(MatposeError, match="cannot be compared"):
        likeness(hill(20, 12), hill(20, 12)[1:])
    with pytest.raises(MatposeError, match="nobody"):
        likeness(hill(20, 12), 0 * hill(20, 12))
