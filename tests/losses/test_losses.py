"""Losses against independent implementations and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from matpose.losses.presence import presence_loss
from matpose.losses.reconstruction import reconstruction_loss
from matpose.losses.ssim import C1, C2, global_ssim, ssim


def _pair(seed: int, size: tuple[int, int] = (64, 32)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(3, 1, *size, generator=generator) ** 3
    return x, (x + 0.2 * torch.randn(x.shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("size", [(64, 32), (11, 11), (40, 17)])
def test_ssim_is_that_of_scikit_image(size):
    x, y = _pair(0, size)
    expected = []
    for a, b in zip(x[:, 0].double().numpy(), y[:, 0].double().numpy(), strict=True):
        per_window = structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, full=True
        )[1]  # pyright: ignore[reportIndexIssue]
        expected.append(per_window[5:-5, 5:-5].mean())  # windows wholly inside
    np.testing.assert_allclose(ssim(x.double(), y.double()).numpy(), expected, atol=1e-9)
    np.testing.assert_allclose(ssim(x, y).numpy(), expected, atol=1e-5)


def test_ssim_of_empty_maps_and_of_opposites():
    zero = torch.zeros(1, 1, 16, 16)
    assert ssim(zero, zero).item() == pytest.approx(1)
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2.0
    assert ssim(board[None, None], 1 - board[None, None]).item() < -0.9


def test_global_ssim_is_the_papers_fraction():
    """Equation 2 by its letters: means, variances and covariance over the whole map."""
    x, y = _pair(1)
    for a, b, found in zip(x.double().flatten(1), y.double().flatten(1), global_ssim(x, y), strict=True):
        a, b = a.numpy(), b.numpy()
        covariance = np.cov(a, b, bias=True)
        expected = ((2 * a.mean() * b.mean() + C1) * (2 * covariance[0, 1] + C2)) / (
            (a.mean() ** 2 + b.mean() ** 2 + C1) * (covariance[0, 0] + covariance[1, 1] + C2)
        )
        assert found.item() == pytest.approx(expected, abs=1e-5)


def test_global_ssim_of_flat_maps():
    x, y = torch.full((1, 1, 8, 8), 0.2), torch.full((1, 1, 8, 8), 0.6)
    assert global_ssim(x, y).item() == pytest.approx((2 * 0.12 + C1) / (0.04 + 0.36 + C1))


def test_presence_loss_in_closed_form():
    logits = torch.zeros(1, 2, 1, 4)
    logits[0, 1] = torch.tensor([2.0, 2.0, -1.0, 50.0])
    present = torch.tensor([True, False, False, False]).view(1, 1, 1, 4)
    on_mat = torch.tensor([True, True, True, False]).view(1, 1, 1, 4)  # the last, very wrong one is beside the mat
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(2)) + math.log1p(math.exp(-1))) / 3
    assert presence_loss(logits, present, on_mat).item() == pytest.approx(expected, rel=1e-6)


def test_presence_loss_without_a_mat_is_zero():
    nothing = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    assert presence_loss(torch.randn(1, 2, 2, 2), nothing, nothing).item() == 0


@pytest.mark.parametrize(("l2_weight", "ssim_weight"), [(1, 0), (0, 1), (10, 2)])
def test_reconstruction_loss_is_its_weighted_parts(l2_weight, ssim_weight):
    x, y = _pair(2)
    expected = l2_weight * ((x - y) ** 2).mean() + ssim_weight * (1 - ssim(x, y).mean())
    found = reconstruction_loss(x, y, l2_weight=l2_weight, ssim_weight=ssim_weight)
    torch.testing.assert_close(found, expected)


def test_descending_the_reconstruction_loss_rebuilds_the_map():
    _, target = _pair(3)
    guess = torch.full_like(target, 0.5).requires_grad_()
    optimiser = torch.optim.Adam([guess], lr=0.05)
    for _ in range(80):
        optimiser.zero_grad()
        loss = reconstruction_loss(guess, target, l2_weight=10, ssim_weight=1)
        loss.backward()
        optimiser.step()
    assert (guess - target).abs().max() < 0.1
