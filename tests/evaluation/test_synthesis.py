"""Where fits differ, and their rival: closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.evaluation.synthesis import excess_by_part, fits_beside_real, mean_of_others
from matpose.mat import Mat
from matpose.recording import JOINT_NAMES


def test_excess_is_of_shares_and_adds_up_to_nothing():
    parts = np.array([[0, 1], [6, 6]], np.uint8)
    real, simulated = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[0.0, 8.0], [4.0, 4.0]])
    found = excess_by_part(real, simulated, parts)
    assert found["none"] == pytest.approx(0.25)
    assert found["head"] == pytest.approx(-0.25)
    assert found["sacrum"] == pytest.approx(0)
    assert sum(found.values()) == pytest.approx(0)
    assert excess_by_part(3 * real, simulated, parts) == pytest.approx(found)


def test_others_count_alike_and_lie_on_the_map():
    own = np.zeros((20, 10))
    own[8:12, 4:6] = 1
    other = np.zeros((20, 10))
    other[8:10, 4:6] = 1
    mean = mean_of_others(own, np.stack([50 * np.roll(own, (3, -2), (0, 1)), other]))
    assert mean.sum() == pytest.approx(own.sum())
    assert mean[9, 4] + mean[10, 4] > mean[8, 4]
    assert (mean[8:12, 4:6] > 0.49).all()  # the first lies on the map and weighs a half


def test_the_picture_draws_joints_where_they_lie():
    mat = Mat(8, 4, 0.1, 0.2)
    joints_m = np.tile([0.5, 0.3, 0.0], (1, len(JOINT_NAMES), 1))
    maps = np.ones((1, 8, 4))
    figure = fits_beside_real(maps, 2 * maps, joints_m, mat, ["one"])
    real, fit, difference = figure.axes
    assert real.get_title() == "one"
    np.testing.assert_allclose(
        np.asarray(fit.lines[0].get_xydata()), [[2, 2.5], [2, 2.5]]
    )  # cells, centres at whole numbers
    assert not np.asarray(difference.images[0].get_array()).any()  # the fit is drawn at the real force
    assert "ODC-By" in figure.get_supxlabel()
