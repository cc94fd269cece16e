"""The painted start of the decoder: closed forms, and geometry that cannot be bypassed."""

from __future__ import annotations

import math

import pytest
import torch

from matpose.errors import RecipeError
from matpose.nn.gaussian_start import GaussianStart
from matpose.training.build import build_efd
from matpose.training.recipe import load_recipe

SMALL = ("rows=32", "cols=16", "points=6", "features=3")


def test_features_are_painted_at_their_points_and_add_up():
    """Two points on cells (3, 1) and (3, 3) of 8 x 4: by the formula, cell by cell."""
    k_c = torch.tensor([[[-0.25, -0.125, 1.0], [0.75, -0.125, 1.0]]])
    k_f = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    painted = GaussianStart((8, 4), 0.75)(k_c, k_f)
    assert painted.shape == (1, 2, 8, 4)
    for channel, (col, height) in enumerate(((1, 1.0), (3, 2.0))):
        for row in range(8):
            for at in range(4):
                expected = height * math.exp(-((row - 3) ** 2 + (at - col) ** 2) / (2 * 0.75**2))
                assert painted[0, channel, row, at].item() == pytest.approx(expected, abs=1e-6)


def test_positions_are_homogeneous():
    """A heatmap of half the mass has half of x, y and mass: the point is the same."""
    k_c, k_f = torch.tensor([[[0.3, -0.6, 1.0]]]), torch.ones(1, 1, 1)
    start = GaussianStart((8, 4))
    torch.testing.assert_close(start(k_c / 2, k_f), start(k_c, k_f))
    assert not torch.allclose(start(k_c * torch.tensor([1.0, 0.5, 1.0]), k_f), start(k_c, k_f), atol=0.1)


@pytest.mark.parametrize(("start", "inputs"), [("fc", 2), ("gaussian", 3), ("both", 5)])
def test_what_rebuildnet_starts_from(start, inputs):
    efd = build_efd(load_recipe("plain", (*SMALL, f"start={start}"))).eval()
    assert efd.decoder.rebuild.start_channels == inputs
    assert efd(torch.rand(2, 1, 32, 16)).shape == (2, 1, 32, 16)


def test_a_painted_start_alone_sees_nothing_of_the_fused_vectors_positions():
    """All it knows of geometry is where the features are."""
    efd = build_efd(load_recipe("plain", (*SMALL, "start=gaussian"))).eval()
    k_c, k_f = torch.rand(2, 6, 3), torch.rand(2, 6, 3)
    vector = torch.cat((torch.rand(2, 6, 3), k_f), 2)
    torch.testing.assert_close(efd.decoder(vector, k_c), efd.rebuild(k_c, k_f))


def test_a_start_that_does_not_know_where_the_points_are_is_refused():
    with pytest.raises(RecipeError, match="start=both needs to know where"):
        build_efd(load_recipe("paper", ("start=both",)))
