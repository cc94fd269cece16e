"""The terms beside the reconstruction: closed forms, delta maps, and where gradients go."""

from __future__ import annotations

import math

import pytest
import torch

from matpose.losses.concentration import concentration_loss
from matpose.losses.contact import contact_loss, contact_mask
from matpose.losses.equivariance import equivariance_loss
from matpose.losses.flip import flip_loss, mirror_permutation
from matpose.losses.separation import separation_loss
from matpose.losses.temporal import temporal_loss
from matpose.nn.heatmap import soft_argmax, spread_cells, variance_cells
from matpose.nn.warp import Warp, random_warp

ASPECT = 0.5
STRETCH = torch.tensor((ASPECT, 1.0))


def _chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _points(count: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(3, count, 2, generator=_chance(seed), dtype=torch.float64)


def _delta(*cells: tuple[int, int], size: tuple[int, int] = (32, 16)) -> torch.Tensor:
    """(1, K, h, w): each map has all its mass on one cell."""
    maps = torch.zeros(1, len(cells), *size)
    for index, (row, col) in enumerate(cells):
        maps[0, index, row, col] = 1
    return maps


def test_equivariance_is_the_mean_distance():
    a, b = _points(seed=1), _points(seed=2)
    by_hand = sum(math.dist(p, q) for p, q in zip(a.view(-1, 2).tolist(), b.view(-1, 2).tolist(), strict=True))
    assert equivariance_loss(a, b).item() == pytest.approx(by_hand / 15)


def test_equivariance_moves_the_points_and_not_what_they_are_held_to():
    a, b = _points(seed=1).requires_grad_(), _points(seed=2).requires_grad_()
    equivariance_loss(a, b).backward()
    way = (a - b).detach()
    torch.testing.assert_close(a.grad, way / way.norm(dim=-1, keepdim=True) / 15)
    assert b.grad is None


def test_a_delta_that_moves_with_its_map_costs_nothing_and_one_that_stays_costs_its_way():
    """Maps and points are moved by one warp: the delta's own map, brought back, lies where it was."""
    still = random_warp(1, ASPECT, _chance(), turn_deg=0, scale=0, shift=0, bend=0)
    by_cells = Warp(still.turn_rad, still.scale, torch.tensor([[0.25, -0.5]]), still.bend, ASPECT)
    delta = _delta((20, 6))
    moved = by_cells.maps(delta)  # 4 cells to the right, 8 towards the head
    assert moved[0, 0].nonzero().tolist() == [[12, 10]]
    expected = soft_argmax(delta) * STRETCH
    follows, stays = (by_cells.source(soft_argmax(maps)) * STRETCH for maps in (moved, delta))
    assert equivariance_loss(follows, expected).item() == pytest.approx(0, abs=1e-5)
    assert equivariance_loss(stays, expected).item() == pytest.approx(math.hypot(0.25, 0.5), rel=1e-5)


def test_concentration_of_two_deltas():
    """Half the mass on each of two cells d apart has the variance d^2 / 4."""
    for apart, cost in ((4, 0.0), (6, 1.0), (10, 17.0)):
        maps = (_delta((8, 8)) + _delta((8 + apart, 8))) / 2
        variance = variance_cells(maps, soft_argmax(maps))
        assert variance.item() == pytest.approx(apart**2 / 4, rel=1e-5)
        assert concentration_loss(variance, radius=2.0).item() == pytest.approx(cost, abs=1e-4)


def test_concentration_has_a_finite_gradient_on_a_single_cell():
    """The root that makes a radius of the variance has none there."""
    logits = (200 * _delta((3, 4))).requires_grad_()
    maps = logits.flatten(2).softmax(-1).view_as(logits)
    concentration_loss(variance_cells(maps, soft_argmax(maps)), radius=0.0).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert spread_cells(maps, soft_argmax(maps)).item() == pytest.approx(0, abs=1e-3)


def test_separation_by_hand():
    xy = torch.tensor([[[0.0, 0.0], [0.3, 0.4], [0.0, 1.0]]], dtype=torch.float64)
    pairs = (0.25, 0.09 + 0.36, 1.0)
    assert separation_loss(xy, reach=0.5).item() == pytest.approx(sum(math.exp(-d / 0.5) for d in pairs) / 3)
    assert separation_loss(1e3 * xy, reach=0.5).item() == pytest.approx(0, abs=1e-12)


def test_separation_drives_two_near_points_apart():
    xy = torch.tensor([[[0.0, 0.0], [0.05, 0.0]]], requires_grad=True)
    separation_loss(xy, reach=0.08).backward()
    assert xy.grad is not None
    assert xy.grad[0, 0, 0] > 0 > xy.grad[0, 1, 0]  # descent takes them apart
    assert not xy.grad[..., 1].any()


def test_contact_of_delta_maps():
    body = torch.zeros(1, 1, 32, 16)
    body[0, 0, 10:20, 4:8] = 1
    assert contact_loss(_delta((12, 5)), body).item() == 0
    assert contact_loss(_delta((0, 0)), body).item() == pytest.approx(-math.log(1e-12), rel=1e-5)
    assert contact_loss(_delta((0, 0)), torch.zeros_like(body)).item() == 0  # nobody is there
    quarter = 0.25 * _delta((12, 5)) + 0.75 * _delta((0, 0))
    assert contact_loss(torch.cat((quarter, _delta((12, 5))), 1), body).item() == pytest.approx(math.log(4) / 2)


def test_contact_draws_a_heatmap_onto_the_body_and_an_empty_map_draws_nothing():
    body = torch.zeros(2, 1, 4, 4)
    body[0, 0, 1, 1] = 1
    logits = torch.zeros(2, 1, 4, 4, requires_grad=True)
    contact_loss(logits.flatten(2).softmax(-1).view_as(logits), body).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0, 1, 1] < 0
    assert (logits.grad[0] > 0).sum() == 15
    assert not logits.grad[1].any()


def test_the_contact_mask_is_the_loaded_cells_and_their_neighbours():
    scaled = torch.zeros(1, 1, 8, 8)
    scaled[0, 0, 0, 0], scaled[0, 0, 7, 7] = 0.5, 0.05  # the second is not loaded
    mask = contact_mask(scaled, (4, 4))
    assert mask[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("points", [2, 3, 6, 8, 31, 32, 128])
def test_the_mirror_permutation_is_its_own_inverse_and_has_a_midline(points):
    other = mirror_permutation(points)
    assert torch.equal(other[other], torch.arange(points))
    alone = int((other == torch.arange(points)).sum())
    assert points / 4 <= alone <= points / 4 + 2


def test_flip_is_nothing_for_mirrored_points_with_their_sides_exchanged():
    xy = _points(8)
    flipped = xy[:, [1, 0, 3, 2, 5, 4, 6, 7]] * torch.tensor([-1.0, 1.0])
    assert flip_loss(flipped, xy).item() == 0
    exchanged = flip_loss(xy * torch.tensor([-1.0, 1.0]), xy)  # mirrored, but each keeps its side
    by_hand = (xy - xy[:, [1, 0, 3, 2, 5, 4, 6, 7]]).norm(dim=-1).mean()
    assert exchanged.item() == pytest.approx(by_hand.item())


def test_flip_moves_the_mirrored_points_only():
    xy, flipped = _points(8, 1).requires_grad_(), _points(8, 2).requires_grad_()
    flip_loss(flipped, xy).backward()
    assert xy.grad is None
    assert flipped.grad is not None
    assert flipped.grad.any()


def test_temporal_says_nothing_below_its_threshold():
    xy = torch.zeros(1, 2, 2, dtype=torch.float64)
    other = torch.tensor([[[0.03, 0.04], [0.3, 0.4]]], dtype=torch.float64).requires_grad_()
    loss = temporal_loss(other, xy, still=0.1)
    assert loss.item() == pytest.approx((0 + 0.4) / 2)
    loss.backward()
    assert other.grad is not None
    assert not other.grad[0, 0].any()
    torch.testing.assert_close(other.grad[0, 1], torch.tensor([0.3, 0.4], dtype=torch.float64))


def test_equal_points_have_finite_gradients():
    """The distance of equal points has no derivative; training must not break there."""
    for term in (lambda a, b: temporal_loss(a, b, still=0.0), flip_loss, equivariance_loss):
        xy = torch.zeros(1, 2, 2, requires_grad=True)
        term(xy, torch.zeros(1, 2, 2)).backward()
        assert xy.grad is not None
        assert xy.grad.isfinite().all()
