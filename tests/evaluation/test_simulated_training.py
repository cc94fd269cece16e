"""Posture from simulated maps alone: what was learned is found again, other gains do not matter, prone is an error."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.evaluation import simulated_training
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.evaluation.simulated_training import blurred_ranks, posture_from_simulated, presence

CLASSES = ("supine", "left", "right", "prone")


def bars(seed: int, kinds: list[int], classes: tuple[str, ...] = CLASSES) -> LabelledFrames:
    """Each class is a bar of its own: along, left leaning, right leaning, across."""
    rng = np.random.default_rng(seed)
    canvases = np.zeros((len(kinds), 32, 24), np.float32)
    for canvas, kind in zip(canvases, kinds, strict=True):
        row, col = rng.integers(10, 22), rng.integers(9, 14)
        for step in range(-8, 9):
            dy, dx = ((step, 0), (step, step), (step, -step), (0, step))[kind]
            canvas[row + dy, col + dx : col + dx + 2] = rng.uniform(2, 4)
    who = np.array([f"{n}" for n in range(len(kinds))])
    return LabelledFrames(canvases, np.array(kinds), classes, who, who, np.ones(len(kinds), bool))


@pytest.mark.slow
def test_what_was_learned_is_found_again_at_any_gain_and_prone_is_an_error(monkeypatch):
    monkeypatch.setattr(simulated_training, "EPOCHS", 60)
    shown = bars(1, [0, 1, 2] * 10 + [3] * 10)
    # everything twice, once much louder; those that look prone are said to be supine
    canvases, label = (
        np.concatenate((shown.canvases, 40 * shown.canvases)),
        np.tile(np.where(shown.label == 3, 0, shown.label), 2),
    )
    who = np.arange(80).astype(str)
    real = LabelledFrames(canvases, label, CLASSES, who, who, np.ones(80, bool))
    answer = posture_from_simulated(bars(0, [0, 1, 2, 3] * 16), real)
    assert answer["classes"] == list(CLASSES)
    names = [row["name"] for row in answer["rows"]]
    assert names[:3] == ["small CNN, root pressure", "small CNN, blurred ranks", "small CNN, presence"]
    assert len(names) == 6
    assert names[3] == "small CNNs, all nets together"
    for row in answer["rows"]:
        counts = np.array(row["confusion"])
        assert counts.sum(1).tolist() == [40, 20, 20, 0]
        assert (counts % 2 == 0).all(), f"{row['name']} answers otherwise at another gain"
        recall = np.diag(counts)[:3] / (40, 20, 20)
        assert row["balanced_accuracy"] == pytest.approx(recall.mean())
        if row["name"] in names[:4]:
            assert counts[0, 3] >= 16
            assert recall[0] <= 0.6
            assert recall[1:].min() > 0.8


def test_ranks_forget_every_gain_curve_and_presence_all_but_the_outline():
    maps = np.random.default_rng(0).gamma(2.0, 1.0, (3, 12, 8))
    maps[:, :4] = 0
    ranks = blurred_ranks(maps)
    loaded = np.sort(ranks[0][ranks[0] > 0])
    np.testing.assert_allclose(loaded, np.arange(1, len(loaded) + 1) / len(loaded))
    assert len(loaded) < ranks[0].size
    outline = presence(maps)
    assert set(np.unique(outline)) == {0.0, 1.0}
    assert not outline[:, :4].any()
    np.testing.assert_array_equal(presence(300 * maps), outline)
    assert not blurred_ranks(np.zeros((1, 4, 4))).any()
    assert not presence(np.zeros((1, 4, 4))).any()


def test_maps_that_do_not_fit_together_are_refused():
    simulated, real = bars(0, [0, 1]), bars(1, [0, 1])
    with pytest.raises(MatposeError, match="differently"):
        posture_from_simulated(simulated, bars(1, [0, 1], CLASSES[:2]))
    smaller = LabelledFrames(real.canvases[:, :16], real.label, CLASSES, real.subject, real.recording, real.fit)
    with pytest.raises(MatposeError, match="grids"):
        posture_from_simulated(simulated, smaller)
    with pytest.raises(MatposeError, match="no maps"):
        posture_from_simulated(simulated, bars(1, []))
