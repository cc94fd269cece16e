"""Figures of named joints against hand-worked cases and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from matpose.evaluation.joint_score import auroc, joint_score, trust_score
from matpose.recording import JOINT_NAMES


def skeletons(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    xy_m = rng.normal(0, 0.02, (count, 14, 2))
    for index, name in enumerate(JOINT_NAMES):
        xy_m[:, index, 0] += 0.2 * (("left" in name) - 1.0 * ("right" in name))
        xy_m[:, index, 1] += 0.1 * index
    return xy_m


def test_exchanged_sides_are_found_and_forgiven():
    truth = skeletons(6)
    predicted = truth.copy()
    other = [JOINT_NAMES.index(n.translate({}).replace("left_", "*").replace("right_", "left_").replace("*", "right_"))
             for n in JOINT_NAMES]  # fmt: skip
    predicted[:2] = truth[:2][:, other]
    found = joint_score(predicted, truth, np.ones((6, 14), bool), np.full(6, 0.27))
    assert found["exchanged_share"] == pytest.approx(2 / 6)
    assert found["pckh20_sides_forgiven"] == 1
    assert found["pckh20"] == pytest.approx((4 * 14 + 2 * 2) / (6 * 14))  # thorax and head stay


def test_errors_stand_apart_by_contact():
    truth = skeletons(4)
    contact = np.zeros((4, 14), bool)
    contact[:, :5] = True
    predicted = truth + np.where(contact, 0.01, 0.03)[..., None] * [1, 0]
    found = joint_score(predicted, truth, contact, np.full(4, 0.27))
    assert found["contact_median_cm"] == pytest.approx(1)
    assert found["off_contact_median_cm"] == pytest.approx(3)
    assert found["mean_cm"] == pytest.approx((5 * 1 + 9 * 3) / 14)


def test_auroc_is_scikit_learns():
    rng = np.random.default_rng(1)
    score, event = rng.integers(0, 9, 200) / 9.0, rng.random(200) < 0.4
    assert auroc(score, event) == pytest.approx(roc_auc_score(event, score))
    assert auroc(score, np.zeros(200, bool)) is None


def test_honest_confidence_is_calibrated_and_a_boaster_is_not():
    rng = np.random.default_rng(2)
    chance = rng.random(200_000)
    error_m = np.where(rng.random(len(chance)) < chance, 0.01, 0.2)
    honest = trust_score(chance, error_m, np.array(0.05))
    assert honest["ece"] is not None
    assert honest["ece"] < 0.01
    boaster = trust_score(np.full(len(chance), 0.99), error_m, np.array(0.05))
    assert boaster["ece"] == pytest.approx(0.49, abs=0.01)
    assert honest["selective"] is not None and boaster["selective"] is not None  # noqa: PT018
    assert honest["selective"] < boaster["selective"] == pytest.approx(1, abs=0.02)
