"""Where the joint head reads its heatmaps: around the peak, on the mat's own measure, and nowhere in between."""

import numpy as np
import torch

from matpose.nn.heatmap import around_peak
from matpose.nn.joint_head import AROUND, JointHead


def test_a_heatmap_that_wavers_is_read_at_its_higher_place():
    x = torch.linspace(-1, 1, 41)
    places = torch.stack((x, torch.zeros(41)), -1)
    bell = torch.exp(-((x + 0.7) ** 2) / 0.005) + 0.9 * torch.exp(-((x - 0.7) ** 2) / 0.005)
    maps = (bell / bell.sum()).view(1, 1, -1)
    read = around_peak(maps, places, 0.3)
    assert (read @ places / read.sum())[0, 0, 0].item() < -0.69
    assert abs((maps @ places)[0, 0, 0].item()) < 0.1  # the mean of all, where nothing is
    assert abs(read.sum().item() - 1 / 1.9) < 1e-3


def test_an_untrained_head_puts_joints_at_the_mean_around_the_peak():
    chance = torch.Generator().manual_seed(3)
    head = JointHead(8, 4, 0.5).eval()
    with torch.no_grad():
        head.heat.weight.mul_(30)  # heatmaps with several peaks
        found = head(torch.randn(2, 8, 16, 8, generator=chance), torch.randn(2, 4, 32, 16, generator=chance))
    maps = np.exp(found.logits.double().numpy())
    y, x = (np.arange(32) + 0.5) / 16 - 1, (np.arange(16) + 0.5) / 8 - 1
    one_peak = 0
    for person, joint in np.ndindex(2, 14):
        one = maps[person, joint] / maps[person, joint].sum()
        row, col = np.unravel_index(one.argmax(), one.shape)
        near = np.hypot((y - y[row])[:, None], 0.5 * (x - x[col])) <= AROUND  # the canvas is half as wide as high
        mass = one[near].sum()
        one_peak += mass > 0.99
        expected = ((one * near).sum(0) @ x / mass, (one * near).sum(1) @ y / mass)
        np.testing.assert_allclose(found.xy_norm[person, joint].numpy(), expected, atol=1e-4)
    assert one_peak < 14  # most of these heatmaps do waver


def test_a_place_is_learned_through_the_cells_around_the_peak():
    head = JointHead(8, 4, 0.5)
    found = head(torch.rand(2, 8, 16, 8), torch.rand(2, 4, 32, 16))
    found.xy_norm.sum().backward()
    assert head.heat.weight.grad is not None
    assert head.heat.weight.grad.isfinite().all()
    assert head.heat.weight.grad.abs().max() > 0
