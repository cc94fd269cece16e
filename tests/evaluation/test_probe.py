"""The linear probe against scikit-learn and closed forms, and what it tells on blob people."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from matpose.errors import MatposeError
from matpose.evaluation.probe import RIDGE, joint_errors, linear_probe, probe_rivals
from matpose.simulate.blobs import blob_people
from matpose.training.data import canvas_maps
from matpose.training.recipe import load_recipe

RNG = np.random.default_rng(0)


def test_errors_in_closed_form():
    true = np.zeros((1, 14, 2))
    true[0, 13] = [0, -0.2]  # head top 20 cm above the thorax
    off = true.copy()
    off[0, :5, 0] += 0.05  # within half a head and more than a fifth
    off[0, 5:7, 1] += 0.30  # outside both
    measured = joint_errors(off, true, height_m=2.0)
    assert measured["error_cm"] == pytest.approx((5 * 5 + 2 * 30) / 14)
    assert measured["error_pct"] == pytest.approx(measured["error_cm"] / 2)
    assert measured["pckh50"] == pytest.approx(12 / 14)
    assert measured["pckh20"] == pytest.approx(7 / 14)


def test_the_probe_is_ridge_regression_with_an_intercept():
    x, test = RNG.normal(size=(60, 10)) * np.arange(1, 11) + 5, RNG.normal(size=(9, 10)) + 5
    joints = RNG.normal(size=(60, 14, 2))
    true = RNG.normal(size=(9, 14, 2))
    mean, spread = x.mean(0), x.std(0)
    model = Ridge(alpha=RIDGE * 60).fit((x - mean) / spread, joints.reshape(60, -1))
    expected = joint_errors(model.predict((test - mean) / spread).reshape(9, 14, 2), true)
    assert linear_probe(x, joints, test, true) == pytest.approx(expected)


def test_an_affine_relation_is_found_despite_dead_and_repeated_inputs():
    joints = RNG.random((80, 14, 2))
    mixed = joints.reshape(80, -1) @ RNG.normal(size=(28, 28)) + 3
    x = np.concatenate([mixed, mixed[:, :3], np.full((80, 2), 7.0)], 1)
    assert linear_probe(x[:60], joints[:60], x[60:], joints[60:])["error_cm"] < 2
    deaf = linear_probe(np.ones((60, 4)), joints[:60], np.ones((20, 4)), joints[60:])
    mean = joint_errors(np.broadcast_to(joints[:60].mean(0), (20, 14, 2)), joints[60:])
    assert deaf == pytest.approx(mean)


def test_numbers_that_are_none_are_an_error():
    x, joints = np.ones((4, 6)), np.ones((4, 14, 2))
    for spoilt in (x * np.nan, x[:0]):
        with pytest.raises(MatposeError, match="finite"):
            linear_probe(spoilt, joints[: len(spoilt)], x, joints)


def _labelled(people: range, count: int = 4) -> dict[str, np.ndarray]:
    """One frame of each recording: maps, joints and postures."""
    canvas = load_recipe("native").canvas
    maps, joints, posture = [], [], []
    for recording in blob_people(people, count):
        assert recording.joints_m is not None
        assert recording.posture is not None
        on_canvas, frames, _ = canvas_maps(recording, canvas, 1)
        maps.append(on_canvas)
        joints.append(recording.joints_m[frames, :, :2])
        posture.append(recording.posture[frames])
    return {"maps": np.concatenate(maps), "joints": np.concatenate(joints), "posture": np.concatenate(posture)}


def test_rivals_are_ordered_as_their_knowledge():
    train, test = _labelled(range(1, 41)), _labelled(range(41, 53))
    rivals = probe_rivals(
        train["maps"], train["joints"], train["posture"], test["maps"], test["joints"], test["posture"],
        cell_m=0.032, numbers=64,
    )  # fmt: skip
    error = {name: measured["error_cm"] for name, measured in rivals.items()}
    assert error["centre_and_axes"] < error["mean_pose"]
    assert error["pca"] < error["mean_pose"]
    assert error["posture_mean"] < error["mean_pose"]
    mean = joint_errors(np.broadcast_to(train["joints"].mean(0), test["joints"].shape), test["joints"])
    assert rivals["mean_pose"] == pytest.approx(mean)
    truth = linear_probe(
        train["joints"].reshape(160, -1), train["joints"], test["joints"].reshape(48, -1), test["joints"]
    )
    assert truth["error_cm"] < 1 < error["pca"]
    assert truth["pckh50"] == 1


def test_a_posture_that_training_lacks_gets_the_mean_of_all():
    maps, joints = RNG.random((6, 8, 8)), RNG.random((6, 14, 2))
    posture = np.array(["left", "left", "right", "right", "right", "right"])
    rivals = probe_rivals(
        maps, joints, posture, maps[:2], joints[:2], np.array(["prone", "prone"]), cell_m=0.03, numbers=2
    )
    assert rivals["posture_mean"] == pytest.approx(rivals["mean_pose"])


def test_joints_of_blob_people_stand_where_their_maps_press():
    """The probe's truth and the maps are in one frame: mirrored joints would be far worse."""
    train, test = _labelled(range(1, 31)), _labelled(range(31, 41))
    mirrored = _mirrored(test["joints"], train["joints"][..., 0].mean())
    right, wrong = (
        probe_rivals(
            train["maps"], train["joints"], train["posture"], test["maps"], joints, test["posture"],
            cell_m=0.032, numbers=32,
        )["pca"]["error_cm"]
        for joints in (test["joints"], mirrored)
    )  # fmt: skip
    assert right < 0.8 * wrong


def _mirrored(joints: np.ndarray, middle: float) -> np.ndarray:
    turned = joints.copy()
    turned[..., 0] = 2 * middle - turned[..., 0]
    return turned
