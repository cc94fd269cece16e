"""The plain classifiers against shapes whose right answer is known, and against the libraries."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from matpose.evaluation import rivals

FITS = [rivals.fit_raw_pixels, rivals.fit_hog_knn, rivals.fit_pca, rivals.fit_logistic, rivals.fit_majority]


@pytest.fixture(scope="module")
def bars() -> tuple[np.ndarray, np.ndarray]:
    """Maps of a bar along (0), across (2) or on the slant (3); class 1 never occurs."""
    rng = np.random.default_rng(0)
    canvases, label = np.zeros((60, 32, 32), np.float32), np.tile([0, 2, 3], 20)
    for canvas, kind in zip(canvases, label, strict=True):
        at, along = 16 + rng.integers(-1, 2), np.arange(6, 26)
        rows, cols = {0: (along, at), 2: (at, along), 3: (along, along + at - 16)}[int(kind)]
        canvas[rows, cols] = 5
        canvas *= rng.uniform(0.2, 5)  # weight must not matter
    return canvases, label


@pytest.mark.parametrize("fit", FITS)
def test_probabilities_cover_all_classes_and_none_of_the_absent(fit, bars):
    canvases, label = bars
    probabilities = fit(canvases, label, 5)(canvases[:7])
    assert probabilities.shape == (7, 5)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    assert not probabilities[:, [1, 4]].any()


@pytest.mark.parametrize("fit", [rivals.fit_raw_pixels, rivals.fit_hog_knn, rivals.fit_pca])
def test_unseen_maps_of_plain_shapes_are_told_apart_at_any_weight(fit, bars):
    canvases, label = bars
    predict_proba = fit(canvases[:30], label[:30], 4)
    probabilities = predict_proba(canvases[30:])
    assert (probabilities.argmax(1) == label[30:]).mean() >= 0.9
    np.testing.assert_allclose(predict_proba(7 * canvases[30:]), probabilities, atol=1e-5)


@pytest.mark.parametrize("fit", FITS)
def test_a_single_training_class_is_always_the_answer(fit, bars):
    canvases, _ = bars
    probabilities = fit(canvases[:4], np.full(4, 2), 3)(canvases)
    assert (probabilities == [0, 0, 1]).all()


def test_majority_says_the_commonest_class():
    probabilities = rivals.fit_majority(np.zeros((5, 1)), np.array([0, 1, 1, 2, 1]), 3)(np.zeros((2, 1)))
    np.testing.assert_array_equal(probabilities, [[0, 1, 0], [0, 1, 0]])


def test_logistic_standardises_by_the_training_samples():
    rng = np.random.default_rng(1)
    x, label = rng.normal(size=(50, 3, 2)), rng.integers(0, 2, 50)
    standard = (x - x.mean(0)) / x.std(0)
    model = LogisticRegression(C=rivals.PENALTY_C, max_iter=2000).fit(standard.reshape(50, -1), label)
    for scale, shift in ((1, 0), (1000, -7)):
        found = rivals.fit_logistic(scale * x + shift, label, 2)(scale * x + shift)
        np.testing.assert_allclose(found, model.predict_proba(standard.reshape(50, -1)), atol=1e-6)


def test_pca_rival_sees_so_many_numbers_and_no_more(bars):
    canvases, label = bars
    flat = rivals.sqrt_pressure(canvases)
    kept = PCA(2, svd_solver="full").fit(flat)
    predict_proba = rivals.fit_pca(canvases, label, 4, components=2)
    plain = rivals.fit_logistic(kept.transform(flat), label, 4)
    np.testing.assert_allclose(predict_proba(canvases), plain(kept.transform(flat)), atol=1e-3)


def test_sqrt_pressure_leaves_an_empty_map_empty():
    assert not rivals.sqrt_pressure(np.zeros((2, 3, 3))).any()
