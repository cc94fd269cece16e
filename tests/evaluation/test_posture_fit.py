"""Training of the posture net: it learns, it repeats itself, and it leaves the world as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matpose.errors import MatposeError
from matpose.evaluation.posture_fit import Graph, _disturbed, fit_posture

K, F = 10, 3


def people(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rings of points: class 0 upright, 1 with its first points moved right, 2 told by a feature alone."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, K, endpoint=False)
    label = np.arange(n) % 3
    xy = np.stack([0.3 * np.cos(turn), 0.6 * np.sin(turn)], -1) + 0.02 * rng.normal(size=(n, K, 2))
    xy[label == 1, :4, 0] += 0.25
    features = 50 + rng.normal(size=(n, K, F))
    features[label == 2, :, 0] += 3
    return xy + 0.05 * rng.normal(size=(n, 1, 2)), features, label


@pytest.fixture(scope="module")
def trained():
    xy, features, label = people(120, 0)
    return fit_posture(xy, features, label, classes=3)


def accuracy(fitted, frames) -> float:
    xy, features, label = frames
    return float((fitted.predict_proba(xy, features).argmax(1) == label).mean())


def test_unseen_frames_are_told_apart(trained):
    assert accuracy(trained, people(90, 1)) > 0.95


@pytest.mark.parametrize(("nodes", "tells", "hidden"), [("coordinates", 1, 2), ("features", 2, 1)])
def test_each_input_carries_what_only_it_can_tell(nodes, tells, hidden):
    xy, features, label = people(120, 0)
    fitted = fit_posture(xy, features, label, classes=3, graph=Graph(nodes=nodes, edges="complete"), epochs=40)
    xy, features, label = people(90, 1)
    answers = fitted.predict_proba(xy, features).argmax(1)
    assert (answers[label == tells] == tells).mean() > 0.9
    assert 0.1 < (answers[label == hidden] == hidden).mean() < 0.9


def test_the_same_seed_gives_the_same_net_and_another_seed_another():
    xy, features, label = people(30, 0)
    once, again, other = (
        fit_posture(xy, features, label, classes=3, seed=seed, epochs=2).predict_proba(xy, features)
        for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1e-3


def test_the_global_random_state_is_neither_used_nor_moved():
    xy, features, label = people(30, 0)
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    fit_posture(xy, features, label, classes=3, epochs=1)
    torch.testing.assert_close(torch.rand(3), expected)


def test_the_net_is_standardised_by_its_training_frames(trained):
    xy, features, _ = people(120, 0)
    np.testing.assert_allclose(trained.net.mean[:, :2], xy.mean(0), atol=1e-5)
    np.testing.assert_allclose(trained.net.spread[:, 2:], features.std(0, ddof=1), rtol=1e-4)


def test_features_are_disturbed_by_a_common_gain_and_a_little_noise():
    torch.manual_seed(0)
    features, spread = torch.full((4000, 5, 2), 10.0), torch.tensor([0.0, 30.0])
    found = _disturbed(features, spread)
    gain = found[:, :, :1] / 10
    torch.testing.assert_close(gain, gain[:, :1].expand_as(gain))  # one for the whole person
    assert float(gain.std()) == pytest.approx(0.1, rel=0.05)
    noise = found[:, :, 1] - found[:, :, 0]
    assert float(noise.std()) == pytest.approx(3, rel=0.05)


def test_probabilities_are_such_and_do_not_depend_on_the_batch(trained):
    xy, features, _ = people(20, 2)
    probabilities = trained.predict_proba(xy, features)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    np.testing.assert_allclose(trained.predict_proba(xy, features, batch=3), probabilities, atol=1e-5)


def test_a_small_shift_turn_or_growth_of_the_person_does_not_change_the_answer(trained):
    xy, features, label = people(90, 3)
    cos, sin = np.cos(0.1), np.sin(0.1)
    for moved in (xy + 0.06, xy @ np.array([[cos, sin], [-sin, cos]]), 1.08 * xy):
        assert accuracy(trained, (moved, features, label)) > 0.9


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda xy, f, y: (xy[:0], f[:0], y[:0]), "no frames"),
        (lambda xy, f, y: (np.where(xy == xy[0, 0, 0], np.nan, xy), f, y), "not finite"),
        (lambda xy, f, y: (xy, np.where(f == f[0, 0, 0], np.inf, f), y), "not finite"),
        (lambda xy, f, y: (xy, f, y + 1), "outside 0..2"),
        (lambda xy, f, y: (xy, f, y - 1), "outside 0..2"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_a_mend(spoil, words):
    with pytest.raises(MatposeError, match=words):
        fit_posture(*spoil(*people(9, 0)), classes=3)
