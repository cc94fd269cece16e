"""The model that ships, measured beside the grid: its answers are the product's, and it steps back where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from matpose.compare.recipe import load_compare_recipe
from matpose.compare.shipped import digest, fits, shipped_answers
from matpose.datasets import load
from matpose.quality import clean
from matpose.runtime import Detector


def test_it_answers_as_the_detector_does():
    recording, _ = clean(next(load("simulated:1")))
    canvas = load_compare_recipe("full").canvas
    origin_m = canvas.origin_over(recording)
    maps = canvas.resample(recording.frames[:3], recording.mat, origin_m)
    found = shipped_answers(torch.from_numpy(maps)[:, None])
    size_m = np.array((canvas.width_m, canvas.height_m))
    xy_m = (found.xy_norm.numpy() + 1) / 2 * size_m + origin_m
    for place, score, pose in zip(xy_m, found.score.numpy(), Detector()(recording), strict=False):
        joints = [joint for joint in pose.keypoints.values() if joint is not None]
        assert len(joints) == 14
        np.testing.assert_allclose(place, [joint.xy_m for joint in joints], atol=1e-4)
        np.testing.assert_allclose(score, [joint.confidence for joint in joints], atol=1e-5)


@pytest.mark.parametrize("change", ["rows=256", "cell_mm=30", "crop=full", "test_scales=[0.9,1.1]"])
def test_on_another_canvas_or_look_it_has_no_row(change):
    assert fits(load_compare_recipe("full"))
    assert not fits(load_compare_recipe("full", (change,)))


def test_a_row_is_of_one_file_of_weights(tmp_path, monkeypatch):
    first = digest()
    (tmp_path / "other.onnx").write_bytes(b"other weights")
    monkeypatch.setattr("matpose.compare.shipped.SHIPPED", tmp_path / "other.onnx")
    assert digest() != first
