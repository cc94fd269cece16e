"""The small convolutional rival: it learns plain shapes, forgets weight, and answers the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matpose.evaluation.small_cnn import fit_small_cnn


@pytest.fixture(scope="module")
def bars() -> tuple[np.ndarray, np.ndarray]:
    """Maps of a bar along (0) or across (2), anywhere and of any weight; class 1 never occurs."""
    rng = np.random.default_rng(0)
    canvases, label = np.zeros((48, 64, 32), np.float32), np.tile([0, 2], 24)
    for canvas, kind in zip(canvases, label, strict=True):
        row, col = rng.integers(4, 40), rng.integers(4, 12)
        canvas[(slice(row, row + 16), col) if kind == 0 else (row, slice(col, col + 16))] = rng.uniform(0.2, 5)
    return canvases, label


@pytest.fixture(scope="module")
def answer(bars):
    canvases, label = bars
    return fit_small_cnn(canvases[:32], label[:32], 3, seed=0)


@pytest.mark.slow
def test_unseen_bars_are_told_apart_at_any_weight(bars, answer):
    canvases, label = bars
    probabilities = answer(canvases[32:])
    assert (probabilities.argmax(1) == label[32:]).all()
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-9)
    np.testing.assert_allclose(answer(7 * canvases[32:]), probabilities, atol=1e-4)


def test_one_frame_alone_has_the_answer_of_the_batch(bars, answer):
    canvases, _ = bars
    np.testing.assert_allclose(answer(canvases[:1]), answer(canvases)[:1], atol=1e-5)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_net_and_leaves_chance_alone(bars, answer):
    canvases, label = bars
    before = torch.random.get_rng_state()
    again = fit_small_cnn(canvases[:32], label[:32], 3, seed=0)(canvases)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(again, answer(canvases))
    assert not np.array_equal(fit_small_cnn(canvases[:32], label[:32], 3, seed=1)(canvases), answer(canvases))
