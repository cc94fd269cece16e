"""Heatmaps by cross-entropy: least at the Gaussian itself, and a pull that does not fade far from the truth."""

import torch
from torch.distributions import Categorical

from matpose.losses.heatmap_cross_entropy import heatmap_cross_entropy
from matpose.nn.heatmap import cell_grid, soft_argmax


def grid(height: int = 16, width: int = 8) -> torch.Tensor:
    x, y = cell_grid(height, width, torch.zeros(1))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).view(1, -1, 2)


def test_at_the_gaussian_it_is_its_entropy_without_gradient():
    places, truth = grid(), torch.tensor([[[0.1, -0.3]]])
    logits = (-torch.cdist(truth, places).square() / (2 * 0.2**2)).view(1, 1, 16, 8).requires_grad_()
    loss = heatmap_cross_entropy(logits, places, truth, sigma=0.2)
    entropy = Categorical(logits=logits.detach().flatten(2)).entropy()
    torch.testing.assert_close(loss.detach(), entropy.squeeze())
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6
    torch.testing.assert_close(
        soft_argmax(logits.detach().flatten(2).softmax(-1).view(1, 1, 16, 8)), truth, atol=5e-3, rtol=0
    )


def test_a_heatmap_that_is_sure_of_the_wrong_place_is_pulled_where_an_expected_distance_hardly_pulls():
    places, truth = grid(), torch.tensor([[[0.5, 0.8]]])
    wrong = torch.zeros(1, 1, 16, 8)
    wrong[0, 0, 1, 1] = 12.0
    by_entropy, by_distance = wrong.clone().requires_grad_(), wrong.clone().requires_grad_()
    heatmap_cross_entropy(by_entropy, places, truth, sigma=0.06).backward()
    (by_distance.flatten(2).softmax(-1) * torch.cdist(truth, places)).sum(-1).mean().backward()
    assert by_entropy.grad is not None
    assert by_distance.grad is not None
    assert by_entropy.grad.abs().max() > 0.9
    assert by_distance.grad.abs().max() < 0.01
    nearest = torch.cdist(truth, places).argmin()
    assert by_entropy.grad.flatten().argmin() == nearest


def test_a_joint_beyond_the_map_and_one_that_nobody_knows_do_no_harm():
    places = grid()
    truth = torch.tensor([[[0.0, 3.0], [0.2, 0.2]]])
    logits = torch.randn(1, 2, 16, 8, generator=torch.Generator().manual_seed(0))
    both = heatmap_cross_entropy(logits, places, truth, sigma=0.06)
    assert both.isfinite()
    one = heatmap_cross_entropy(logits, places, truth, sigma=0.06, weight=torch.tensor([[0.0, 1.0]]))
    alone = heatmap_cross_entropy(logits[:, 1:], places, truth[:, 1:], sigma=0.06)
    torch.testing.assert_close(one, alone)
