"""Varied copies train the posture classifiers and are never tested."""

from __future__ import annotations

import numpy as np
import torch

from matpose.evaluation.posture import leave_one_subject_out
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.evaluation.posture_rows import Row
from matpose.training.augmentation import COPIES, varied_copies
from matpose.training.recipe import load_recipe


def test_copies_differ_from_their_maps_and_come_again_with_the_seed():
    maps = torch.rand(3, 1, 64, 32)
    recipe = load_recipe("native")
    copies = varied_copies(maps, recipe)
    assert copies.shape == (COPIES * 3, 1, 64, 32)
    assert torch.equal(copies, varied_copies(maps, recipe))
    assert not torch.allclose(copies[:3], maps, atol=0.05)
    assert not torch.allclose(copies[:3], copies[3:6], atol=0.05)


def test_copies_train_but_are_never_tested():
    people, originals = np.array(["a", "b", "c"]), 3
    trained_on = []

    def fit(seen, label, classes, seed):
        trained_on.append(len(label))
        return lambda tested: np.tile([0.9, 0.1], (len(tested.canvases), 1))

    frames = LabelledFrames(
        canvases=np.ones((6, 8, 4), np.float32),
        label=np.zeros(6, int),
        classes=("supine", "left"),
        subject=np.tile(people, 2),
        recording=np.tile(people, 2),
        fit=np.ones(6, bool),
        varied=np.arange(6) >= originals,
    )

    def encoder_for(held_out):
        return lambda maps: (np.zeros((len(maps), 2, 2)), np.zeros((len(maps), 2, 1))), False

    answer = leave_one_subject_out(
        frames, encoder_for, [frozenset("abc")], seeds=(0,), rows=[Row("always the first", fit, primary=True)]
    )
    assert answer["rows"][0]["n_frames"] == originals
    assert trained_on == [4, 4, 4]  # two people, each once and as a copy; nobody's copy meets his own test
