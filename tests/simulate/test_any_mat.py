import numpy as np
import pytest

from matpose.simulate.any_mat import HEIGHT_M, OBLONG, PITCH_M, WIDTH_M, draw_mat


def test_mats_fill_their_ranges_and_leave_them_by_no_more_than_half_a_cell():
    mats = [draw_mat(np.random.default_rng(seed)) for seed in range(400)]
    pitches = np.array([mat.pitch_m for mat in mats])
    mean = np.sqrt(pitches.prod(1))
    assert PITCH_M[0] <= mean.min() < 1.1 * PITCH_M[0]
    assert 0.9 * PITCH_M[1] < mean.max() <= PITCH_M[1]
    assert np.quantile(mean, 0.5) == pytest.approx(np.sqrt(np.prod(PITCH_M)), rel=0.15), "coarse as often as fine"
    oblong = pitches[:, 0] / pitches[:, 1]
    assert 1 / OBLONG <= oblong.min() < 0.8
    assert 1.25 < oblong.max() <= OBLONG
    for size_m, (low, high), pitch in (
        ([mat.height_m for mat in mats], HEIGHT_M, pitches[:, 0]),
        ([mat.width_m for mat in mats], WIDTH_M, pitches[:, 1]),
    ):
        assert np.all(size_m >= low - pitch / 2 - 1e-9)
        assert np.all(size_m <= high + pitch / 2 + 1e-9)


def test_the_same_seed_gives_the_same_mat():
    assert draw_mat(np.random.default_rng(3)) == draw_mat(np.random.default_rng(3))
