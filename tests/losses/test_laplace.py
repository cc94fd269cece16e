"""The likelihood of joints: a density, whose best scale is known."""

import numpy as np
import pytest
import torch

from matpose.losses.laplace import LEAST_LOG_SCALE, laplace_nll


def test_it_is_a_density_but_for_the_constant():
    # in polar coordinates the integral of exp(-r / b) / (2 pi b^2) over the plane is 1
    scale = 0.7
    r = torch.linspace(0, 60, 600_001, dtype=torch.float64)
    log_scale = torch.full((1, 1), np.log(scale), dtype=torch.float64)
    nll = torch.stack([laplace_nll(one.view(1, 1), log_scale) for one in r[::100_000]])
    assert torch.allclose(nll, r[::100_000] / scale + 2 * np.log(scale))
    density = torch.exp(-r / scale - 2 * np.log(scale)) / (2 * np.pi)
    assert torch.trapezoid(density * 2 * np.pi * r, r).item() == pytest.approx(1, abs=1e-6)


def test_the_best_scale_is_half_the_mean_distance():
    distance = torch.rand(1000, 1) + 0.2
    log_scale = torch.linspace(-3, 1, 4001)
    costs = torch.stack([laplace_nll(distance, one.expand_as(distance)) for one in log_scale])
    assert log_scale[costs.argmin()].exp().item() == pytest.approx(distance.mean().item() / 2, rel=2e-3)


def test_a_joint_that_is_too_sure_of_itself_gains_nothing():
    far = torch.full((1, 1), LEAST_LOG_SCALE - 4.0, requires_grad=True)
    laplace_nll(torch.zeros(1, 1), far).backward()
    assert far.grad is not None
    assert far.grad.item() == 0
