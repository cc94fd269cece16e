"""Input scaling, heatmap activation, and points from heatmaps, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from matpose.nn.heatmap import activate, soft_argmax, spread_cells
from matpose.nn.scaling import PEAK, scale_free, smoothed
from matpose.training.build import build_efd
from matpose.training.recipe import load_recipe


def _delta(*cells: tuple[int, int], height: int = 16, width: int = 8) -> torch.Tensor:
    maps = torch.zeros(1, 1, height, width)
    for row, col in cells:
        maps[0, 0, row, col] = 1
    return maps


def _spread(maps: torch.Tensor) -> torch.Tensor:
    return spread_cells(maps, soft_argmax(maps))


@pytest.mark.parametrize("gain", [1e-4, 0.13, 10.0, 4e4])
def test_scaling_forgets_unit_and_gain(gain):
    x = torch.rand(3, 1, 16, 8, generator=torch.Generator().manual_seed(0)) ** 3
    torch.testing.assert_close(scale_free(gain * x), scale_free(x), rtol=1e-5, atol=1e-6)


def test_scaling_of_a_flat_map_is_one_over_the_peak():
    torch.testing.assert_close(scale_free(torch.full((1, 1, 4, 4), 7.0)), torch.full((1, 1, 4, 4), 1 / PEAK))


def test_scaling_is_the_root_over_its_force_weighted_mean():
    x = torch.tensor([1.0, 4.0, 9.0, 0.0]).view(1, 1, 2, 2)
    # roots 1, 2, 3: weighted by themselves their mean is (1 + 4 + 9) / (1 + 2 + 3)
    expected = torch.tensor([1.0, 2.0, 3.0, 0.0]).view(1, 1, 2, 2) / (PEAK * 14 / 6)
    torch.testing.assert_close(scale_free(x), expected)


def test_an_empty_map_stays_empty_and_negatives_count_as_none():
    assert not scale_free(torch.zeros(2, 1, 8, 4)).any()
    assert not scale_free(torch.full((1, 1, 8, 4), -3.0)).any()


def test_a_hot_cell_is_bounded_and_leaves_the_body_visible():
    body = torch.rand(1, 1, 64, 32, generator=torch.Generator().manual_seed(0))
    hot = body.clone()
    hot[0, 0, 5, 5] = 100 * body.max()
    scaled = scale_free(hot)
    assert scaled.max() <= 1
    assert scaled[0, 0, 5, 5] == 1
    rest = torch.ones_like(body, dtype=torch.bool)
    rest[0, 0, 5, 5] = False
    assert (scaled[rest] / scale_free(body)[rest].clamp_min(1e-9)).median() > 0.9


def test_smoothing_is_a_binomial_filter_that_keeps_the_force():
    inside = torch.zeros(1, 1, 16, 8)
    inside[0, 0, 4:12, 2:6] = torch.rand(8, 4, generator=torch.Generator().manual_seed(0))
    got = smoothed(inside)
    binomial = np.array([1, 4, 6, 4, 1]) / 16
    expected = convolve2d(inside[0, 0].numpy(), np.outer(binomial, binomial), mode="same")
    np.testing.assert_allclose(got[0, 0].numpy(), expected, atol=1e-6)
    torch.testing.assert_close(got.sum(), inside.sum())
    row = smoothed(_delta((8, 4)))[0, 0].sum(1)
    assert (row * (torch.arange(16) - 8) ** 2).sum().item() == pytest.approx(1)  # a variance of one cell


def test_softmax_maps_sum_to_one_and_ignore_a_common_offset():
    logits = torch.randn(2, 3, 8, 4, generator=torch.Generator().manual_seed(0))
    maps = activate(logits, "softmax")
    torch.testing.assert_close(maps.sum((2, 3)), torch.ones(2, 3))
    torch.testing.assert_close(activate(logits + 50, "softmax"), maps)


def test_a_delta_is_found_where_it_stands():
    x, y = soft_argmax(_delta((3, 6)))[0, 0].tolist()
    assert x == pytest.approx(2 * 6.5 / 8 - 1)
    assert y == pytest.approx(2 * 3.5 / 16 - 1)
    assert _spread(_delta((3, 6))).item() == pytest.approx(0, abs=1e-3)


def test_two_deltas_give_their_midpoint_and_half_distance():
    maps = _delta((2, 1), (10, 7))
    found = soft_argmax(maps)
    middle = (soft_argmax(_delta((2, 1))) + soft_argmax(_delta((10, 7)))) / 2
    torch.testing.assert_close(found, middle)
    assert _spread(maps).item() == pytest.approx(np.hypot(8, 6) / 2, rel=1e-5)


def test_spread_of_a_gaussian_and_of_an_even_map():
    row, col = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    bell = torch.exp(-((row - 30) ** 2 + (col - 35) ** 2) / (2 * 3.0**2))
    assert _spread(bell[None, None]).item() == pytest.approx(3 * np.sqrt(2), rel=1e-4)
    even = _spread(torch.ones(1, 1, 64, 32)).item()
    assert even == pytest.approx(np.sqrt((64**2 - 1 + 32**2 - 1) / 12), rel=1e-5)


def test_points_do_not_depend_on_the_maps_mass():
    maps = torch.rand(2, 3, 8, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(soft_argmax(1e-3 * maps), soft_argmax(maps))


def test_a_sigmoid_collapses_to_the_centre_unless_it_is_nearly_exponential():
    """A blob of logit 6 amid unit noise over 2048 cells, 3/4 of the way to an edge."""
    logits = torch.randn(1, 1, 64, 32, generator=torch.Generator().manual_seed(0))
    logits[..., 54:58, 26:30] += 6
    true_y = 2 * 56 / 64 - 1
    plain, low = (soft_argmax(activate(logits + bias, "sigmoid"))[0, 0, 1].item() for bias in (0.0, -8.0))
    assert abs(plain) < 0.1
    assert low > true_y / 2
    soft = soft_argmax(activate(logits, "softmax"))[0, 0, 1].item()
    assert low == pytest.approx(soft, abs=0.1)


def test_only_the_sigmoid_encoder_starts_with_the_low_bias():
    for mode, bias in (("softmax", 0.0), ("sigmoid", -8.0)):
        encoder = build_efd(load_recipe("native", ("points=4", f"normalisation={mode}"))).encoder
        assert encoder.logits_norm.bias.unique().tolist() == [bias]
        with torch.no_grad():
            mass = encoder.eval()(torch.rand(1, 1, 32, 16)).heatmaps.sum((2, 3))
        assert torch.allclose(mass, torch.ones(1, 4)) is (mode == "softmax")
