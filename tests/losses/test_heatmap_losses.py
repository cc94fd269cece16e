"""Losses on heatmaps and places, against hand-worked cases and numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from matpose.losses.coordinate import coordinate_loss
from matpose.losses.focal import PRIOR, focal
from matpose.losses.heatmap_mse import heatmap_mse
from matpose.losses.js_divergence import js_divergence
from matpose.losses.structure_aware import structure_aware
from matpose.losses.weighted import weighted_mean

CHAIN = torch.tensor([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])  # three joints in a row


def _random(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class TestHeatmapMse:
    def test_it_is_the_recipes_joint_by_joint(self):
        heatmaps, target = _random(5, 3, 8, 4), _random(5, 3, 8, 4, seed=1)
        weight = (_random(5, 3, seed=2) > 0.4).double()
        p, g, w = heatmaps.numpy(), target.numpy(), weight.numpy()[..., None, None]
        joint_by_joint = [0.5 * np.mean((p[:, j] * w[:, j] - g[:, j] * w[:, j]) ** 2) for j in range(3)]
        assert heatmap_mse(heatmaps, target, weight).item() == pytest.approx(np.mean(joint_by_joint))


class TestStructureAware:
    def test_without_alpha_it_is_the_mean_square(self):
        heatmaps, target = _random(2, 3, 8, 4), _random(2, 3, 8, 4, seed=1)
        weight = torch.tensor([[1.0, 0, 1], [1, 1, 1]], dtype=torch.float64)
        assert structure_aware(heatmaps, target, weight, CHAIN, 0.0) == heatmap_mse(heatmaps, target, weight)

    @pytest.mark.parametrize(
        ("off", "joints", "groups"),
        [
            ((1.0, 0.0, 0.0), 1 / 3, 1 + 1 + 0),  # of the first: in its own group and the middle one's
            ((0.0, 1.0, 0.0), 1 / 3, 1 + 1 + 1),
            ((1.0, 2.0, 3.0), 14 / 3, 9 + 36 + 25),
            ((1.0, -1.0, 0.0), 2 / 3, 0 + 0 + 1),  # neighbours that make up for each other
        ],
    )
    def test_three_joints_on_one_cell_by_hand(self, off, joints, groups):
        heatmaps = torch.tensor(off).view(1, 3, 1, 1)
        loss = structure_aware(heatmaps, torch.zeros(1, 3, 1, 1), torch.ones(1, 3), CHAIN, 0.1)
        assert loss.item() == pytest.approx(0.5 * (joints + 0.1 * groups))

    def test_a_joint_without_weight_is_in_no_group(self):
        off = torch.tensor([1.0, 100.0, 3.0]).view(1, 3, 1, 1)
        loss = structure_aware(off, torch.zeros(1, 3, 1, 1), torch.tensor([[1.0, 0.0, 1.0]]), CHAIN, 1.0)
        assert loss.item() == pytest.approx(0.5 * (10 / 3 + 1 + 16 + 9))


class TestFocal:
    def test_one_cell_by_hand(self):
        logit = torch.tensor(math.log(0.8 / 0.2)).view(1, 1, 1, 1)  # p = .8
        one = torch.ones(1, 1)
        at_joint = focal(logit, torch.ones(1, 1, 1, 1), one)
        assert at_joint.item() == pytest.approx(-(0.2**2) * math.log(0.8))
        beside = focal(logit, torch.full((1, 1, 1, 1), 0.6), one)
        assert beside.item() == pytest.approx(-(0.4**4) * 0.8**2 * math.log(0.2))

    def test_it_is_divided_by_the_number_of_joints(self):
        logits, target = torch.randn(2, 3, 4, 4, dtype=torch.float64), _random(2, 3, 4, 4)
        each = [
            focal(logits[b, j][None, None], target[b, j][None, None], torch.ones(1, 1)) for b, j in ((0, 0), (1, 2))
        ]
        weight = torch.tensor([[1.0, 0, 0], [0, 0, 1]], dtype=torch.float64)
        assert focal(logits, target, weight).item() == pytest.approx((each[0] + each[1]).item() / 2)

    def test_sure_errors_stay_finite(self):
        logits = torch.tensor([200.0, -200.0]).view(1, 1, 1, 2).requires_grad_()
        loss = focal(logits, torch.tensor([0.0, 1.0]).view(1, 1, 1, 2), torch.ones(1, 1))
        loss.backward()
        assert loss.item() == pytest.approx(400)
        assert logits.grad is not None
        assert logits.grad.isfinite().all()

    def test_the_prior_is_one_in_ten(self):
        assert torch.tensor(PRIOR).sigmoid().item() == pytest.approx(0.1, abs=1e-3)


class TestJsDivergence:
    @staticmethod
    def _maps(seed: int) -> torch.Tensor:
        return (5 * _random(2, 3, 8, 4, seed=seed)).flatten(2).softmax(-1).view(2, 3, 8, 4)

    def test_it_is_scipys(self):
        p, g = self._maps(0), self._maps(1)
        weight = torch.tensor([[1.0, 1, 0], [1, 0, 0]], dtype=torch.float64)
        known = weight > 0
        pairs = zip(p.flatten(2)[known].numpy(), g.flatten(2)[known].numpy(), strict=True)
        expected = np.mean([jensenshannon(*pair) ** 2 for pair in pairs])  # scipy's is the root
        assert js_divergence(p, g, weight).item() == pytest.approx(expected)

    def test_it_is_kornias(self):
        losses = pytest.importorskip("kornia.losses", reason="kornia is of the extra `dev`")
        p, g = self._maps(0), self._maps(1)
        told = js_divergence(p, g, torch.ones(2, 3, dtype=torch.float64))
        torch.testing.assert_close(told, losses.js_div_loss_2d(p, g))

    def test_equal_maps_cost_nothing_and_cells_of_zero_are_harmless(self):
        maps = torch.eye(4, dtype=torch.float64).view(1, 4, 2, 2).requires_grad_()
        loss = js_divergence(maps, maps.detach().roll(1, 1), torch.ones(1, 4))
        loss.backward()
        assert loss.item() == pytest.approx(math.log(2))
        assert maps.grad is not None
        assert maps.grad.isfinite().all()
        assert js_divergence(maps, maps, torch.ones(1, 4)).item() == pytest.approx(0, abs=1e-9)


class TestPlaces:
    @pytest.mark.parametrize(("norm", "expected"), [("l1", 7 + 1), ("l2", 25 + 1), ("euclidean", 5 + 1)])
    def test_three_distances(self, norm, expected):
        off = torch.tensor([[[3.0, -4.0], [0.0, 1.0], [9.0, 9.0]]])
        loss = coordinate_loss(off, torch.zeros(1, 3, 2), torch.tensor([[1.0, 1.0, 0.0]]), norm)
        assert loss.item() == pytest.approx(expected / 2)

    def test_no_weight_at_all_is_no_loss(self):
        assert weighted_mean(torch.ones(2, 3), torch.zeros(2, 3)).item() == 0
