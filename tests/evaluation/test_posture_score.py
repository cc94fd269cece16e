"""Figures of a posture table, each counted by hand or by an independent library."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from matpose.evaluation.bootstrap import centile_bootstrap, subject_bootstrap
from matpose.evaluation.posture_score import confusion, score


@pytest.fixture
def table() -> dict[str, np.ndarray]:
    """Five recordings of three people, six frames each, and the answers of three seeds among four classes."""
    rng = np.random.default_rng(0)
    recording = np.repeat(["a/1", "a/2", "b/1", "b/2", "c/1"], 6)
    return {
        "probabilities": rng.dirichlet([0.5] * 4, size=(3, 30)),
        "label": np.repeat([0, 1, 2, 0, 1], 6),
        "subject": np.array([name[0] for name in recording]),
        "recording": recording,
    }


def test_frames_and_classes_are_counted_as_scikit_learn_counts(table):
    found = score(**table)
    answers, label = table["probabilities"].argmax(-1), table["label"]
    accuracies = [(answer == label).mean() for answer in answers]
    assert found["accuracy"] == pytest.approx(np.mean(accuracies))
    assert found["accuracy_sd"] == pytest.approx(np.std(accuracies, ddof=1))
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        balanced = [balanced_accuracy_score(label, answer) for answer in answers]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(balanced))
    assert (found["n_frames"], found["n_recordings"], found["n_subjects"]) == (30, 5, 3)
    matrices = [confusion_matrix(label, answer, labels=range(4)) for answer in answers]
    np.testing.assert_array_equal(confusion(table["probabilities"], label), np.sum(matrices, axis=0))


def test_a_recording_answers_by_the_mean_of_its_probabilities():
    # two of three frames lean to class 1, the third is sure of class 0
    probabilities = np.array([[[0.45, 0.55], [0.45, 0.55], [0.9, 0.1]]])
    who = np.array(["a"] * 3)
    right = score(probabilities, np.zeros(3, int), who, who)
    assert (right["accuracy_recordings"], right["wrong_recordings"]) == (1.0, [])
    wrong = score(probabilities, np.ones(3, int), who, who)
    assert (wrong["accuracy_recordings"], wrong["wrong_recordings"]) == (0.0, ["a"])
    assert wrong["accuracy"] == pytest.approx(2 / 3)


def test_a_recording_is_listed_when_half_of_the_seeds_miss_it():
    sure = np.eye(2)[[[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]]]  # answers of four seeds to three recordings
    names = np.array(["x", "y", "z"])
    found = score(sure, np.zeros(3, int), names, names)
    assert found["wrong_recordings"] == ["x"]
    assert found["accuracy_recordings"] == pytest.approx(1 - 3 / 12)


def test_an_answer_outside_the_tested_classes_is_wrong():
    prone = np.tile([0.1, 0.2, 0.7], (1, 4, 1))
    label, who = np.array([0, 0, 1, 1]), np.array(["a", "a", "b", "b"])
    found = score(prone, label, who, who)
    assert (found["accuracy"], found["balanced_accuracy"], found["accuracy_recordings"]) == (0, 0, 0)
    assert confusion(prone, label) == [[0, 0, 2], [0, 0, 2], [0, 0, 0]]


def test_bootstrap_of_equal_people_has_the_binomial_interval():
    # ten people, half of them always right: the accuracy of a resample is Binomial(10, .5) / 10
    correct = np.repeat([1.0, 0.0] * 5, 100)
    subject = np.repeat(np.arange(10).astype(str), 100)
    assert subject_bootstrap(correct, subject) == pytest.approx((0.2, 0.8))


def test_bootstrap_of_a_median_is_that_of_drawing_people_by_hand():
    rng = np.random.default_rng(3)
    values, subject = rng.exponential(size=60), np.repeat(np.arange(20), 3)
    people = [values[subject == one] for one in range(20)]
    by_hand = [
        np.percentile(np.concatenate([people[one] for one in rng.integers(20, size=20)]), 80) for _ in range(4000)
    ]
    found = centile_bootstrap(values, subject, 80, draws=4000)
    assert found == pytest.approx(np.percentile(by_hand, (2.5, 97.5)), rel=0.08)
    single = centile_bootstrap(values, np.arange(60), 80, draws=4000)  # as if each value were somebody else's
    assert single is not None
    assert found is not None
    assert abs((single[1] - single[0]) - (found[1] - found[0])) > 1e-3


def test_bootstrap_weighs_people_by_their_frames():
    rng = np.random.default_rng(9)
    frames = np.array([400, 10, 20, 30, 10, 50, 20, 10])
    right = np.array([400, 0, 10, 10, 5, 40, 0, 5])
    drawn = rng.integers(0, 8, (20_000, 8))
    by_hand = np.percentile(right[drawn].sum(1) / frames[drawn].sum(1), (2.5, 97.5))
    correct = np.concatenate([np.arange(n) < k for n, k in zip(frames, right, strict=True)]).astype(float)
    found = subject_bootstrap(correct, np.repeat(np.arange(8).astype(str), frames))
    assert found == pytest.approx(tuple(by_hand), abs=0.01)


def test_bootstrap_is_wider_than_one_of_frames_and_needs_two_people():
    rng = np.random.default_rng(2)
    correct = np.repeat(rng.uniform(0.5, 1, 12), 50)
    low, high = subject_bootstrap(correct, np.repeat(np.arange(12).astype(str), 50)) or (0, 0)
    lone_low, lone_high = subject_bootstrap(correct, np.arange(600).astype(str)) or (0, 0)
    assert high - low > 4 * (lone_high - lone_low)
    assert subject_bootstrap(np.ones(5), np.array(["a"] * 5)) is None
