"""Presence: the F-score by its definition, and rivals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from matpose.evaluation.presence import f_score, presence_rivals


def test_f_score_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    predicted, present, on_mat = rng.random((3, 5, 8, 4)) < 0.4
    expected = f1_score(present[on_mat], predicted[on_mat])
    assert f_score(predicted, present, on_mat) == pytest.approx(expected)


def test_cells_beside_the_mat_do_not_count():
    predicted, present = np.array([True, True]), np.array([True, False])
    assert f_score(predicted, present, np.array([True, False])) == 1
    assert f_score(np.zeros(2, bool), np.zeros(2, bool), np.ones(2, bool)) == 0


def _people(count: int, seed: int) -> np.ndarray:
    """Maps along two directions only: two numbers say everything."""
    rng = np.random.default_rng(seed)
    left, right = np.zeros((2, 16, 8))
    left[4:12, 1:3], right[2:14, 5:7] = 1, 1
    return rng.uniform(0, 1, (count, 1, 1)) * left + rng.uniform(0, 1, (count, 1, 1)) * right


def test_rivals():
    train, test = _people(40, 0), _people(20, 1)
    present = [maps > 0.3 for maps in (train, test)]
    on_mat = np.ones_like(present[1])
    scores = presence_rivals(train, present[0], test, present[1], on_mat, numbers=2)
    share = present[1].mean()
    assert scores["all_ones"] == pytest.approx(2 * share / (1 + share))
    assert scores["mean_map"] == pytest.approx(f_score(present[0].mean(0) > 0.5, present[1], on_mat))
    # two components rebuild these maps exactly, one does not
    assert scores["pca"] > max(scores["all_ones"], scores["mean_map"], 0.9)
    one = presence_rivals(train, present[0], test, present[1], on_mat, numbers=1)
    assert one["pca"] < scores["pca"]


def test_more_components_than_maps_is_no_error():
    train = _people(3, 0)
    scores = presence_rivals(train, train > 0.3, train, train > 0.3, np.ones_like(train, bool), numbers=100)
    assert scores["pca"] > 0.9
