"""The encoder's published counts and positions; the fuser against a plain loop over Algorithm 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matpose.evaluation.cost import conv_macs, paper_convention, parameters
from matpose.nn.encoder import PAPER_BLOCKS, Encoded, Encoder
from matpose.nn.fuser import Fuser
from matpose.nn.heatmap import soft_argmax
from matpose.training.build import build_efd
from matpose.training.recipe import load_recipe


def test_paper_encoder_has_the_published_counts():
    """Known from the released model: 138,400 parameters, 557,088,768 multiplications; the paper prints half and G."""
    encoder = build_efd(load_recipe("paper")).encoder
    x = torch.zeros(1, 1, 256, 256)
    assert parameters(encoder) == 138_400
    assert conv_macs(encoder, x) == 557_088_768
    assert paper_convention(encoder, x) == {"params": 69_200, "flops": 613_327_344}


def test_paper_encoder_counts_by_parts():
    encoder = Encoder(128, 16, PAPER_BLOCKS)
    stem_and_blocks = sum(map(parameters, (encoder.stem, encoder.stem_norm, encoder.blocks)))
    assert stem_and_blocks == 125_552
    assert parameters(encoder.head) + parameters(encoder.logits_norm) == 12_544
    assert parameters(encoder.feature) + parameters(encoder.feature_norm) == 304
    assert encoder.fine_block is None


def test_native_keeps_its_budget():
    recipe = load_recipe("native")
    efd = build_efd(recipe)
    assert parameters(efd.encoder) <= 140_000
    assert conv_macs(efd.encoder, torch.zeros(1, 1, recipe.rows, recipe.cols)) <= 15_000_000
    assert parameters(efd.decoder) <= 200_000


def test_encoder_without_the_wanted_stride_is_refused():
    with pytest.raises(ValueError, match="stride 8"):
        Encoder(4, 2, PAPER_BLOCKS, stride=8)


@pytest.mark.parametrize(
    ("recipe", "stride", "size"),
    [("paper", 4, (64, 64)), ("paper", 2, (64, 32)), ("native", 2, (64, 32)), ("native", 4, (64, 32))],
)
def test_all_three_maps_have_the_heatmaps_size(recipe, stride, size):
    encoder = build_efd(load_recipe(recipe, ("points=6", "features=3", f"stride={stride}"))).encoder
    encoded = encoder(torch.rand(2, 1, *size))
    small = (size[0] // stride, size[1] // stride)
    assert [tuple(part.shape) for part in encoded] == [(2, 6, *small), (2, 3, *small), (2, 3, *small)]
    assert (encoded.features >= 0).all()


def test_sharpness_is_the_logits_spread_at_the_start():
    torch.manual_seed(0)
    x = torch.rand(16, 1, 64, 32)
    for sharpness in (1.0, 8.0):
        encoder = build_efd(load_recipe("native", (f"sharpness={sharpness}",))).encoder
        logits = encoder.logits(x)  # training mode: BatchNorm sets the spread
        assert logits.std((0, 2, 3)).mean().item() == pytest.approx(sharpness, rel=0.02)


def test_paper_positions_are_the_cells_maximum_row_and_column():
    x = torch.rand(2, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    found = Encoder(2, 2, PAPER_BLOCKS, positions="paper").eval()(x).positions
    for image in range(2):
        for row in range(4):
            for col in range(8):
                cell = x[image, 0, 4 * row : 4 * row + 4, 4 * col : 4 * col + 4]
                expected = [cell.max().item(), row / 4, col / 8]
                assert found[image, :, row, col].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("mode", ["joint", "shared"])
def test_fuser_is_algorithm_1(mode):
    rng = np.random.default_rng(0)
    count, k, f, height, width = 2, 4, 3, 6, 5
    heatmaps = rng.random((count, k, height, width))
    features, positions = rng.random((count, f, height, width)), rng.random((count, 3, height, width))
    fuser = Fuser(k, f, mode).double()
    found = fuser(Encoded(*(torch.from_numpy(a) for a in (heatmaps, features, positions))))
    weight, bias = (p.detach().numpy() for p in (fuser.expand.weight, fuser.expand.bias))
    for n in range(count):
        k_c = np.array([[(heatmaps[n, i] * positions[n, c]).sum() for c in range(3)] for i in range(k)])
        k_f = np.array([[(heatmaps[n, i] * features[n, c]).sum() for c in range(f)] for i in range(k)])
        if mode == "joint":
            raised = (weight @ k_c.reshape(-1) + bias).reshape(k, f)
        else:
            raised = np.stack([weight @ one + bias for one in k_c])
        np.testing.assert_allclose(found.positions[n].detach(), k_c)
        np.testing.assert_allclose(found.features[n].detach(), k_f)
        np.testing.assert_allclose(found.vector[n].detach(), np.concatenate([raised, k_f], 1))
    torch.testing.assert_close(found.xy_norm, soft_argmax(torch.from_numpy(heatmaps)))


def test_shared_fuser_is_the_same_layer_at_every_point():
    joint, shared = Fuser(5, 3, "joint"), Fuser(5, 3, "shared")
    assert parameters(joint) == 15 * 15 + 15
    assert parameters(shared) == 3 * 3 + 3
    k_c, k_f = torch.rand(2, 5, 3), torch.rand(2, 5, 3)
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(shared.join(k_c, k_f)[:, order], shared.join(k_c[:, order], k_f[:, order]))


def test_homogeneous_positions_under_softmax_are_x_y_1():
    torch.manual_seed(0)
    efd = build_efd(load_recipe("native", ("sharpness=8",))).eval()
    fused = efd.fuser(efd.encoder(torch.rand(3, 1, 64, 32)))
    expected = torch.cat((fused.xy_norm, torch.ones(3, fused.xy_norm.shape[1], 1)), -1)
    torch.testing.assert_close(fused.positions, expected, rtol=0, atol=1e-5)


def test_homogeneous_positions_under_sigmoid_carry_the_mass():
    torch.manual_seed(0)
    efd = build_efd(load_recipe("native", ("normalisation=sigmoid",))).eval()
    fused = efd.fuser(efd.encoder(torch.rand(3, 1, 64, 32)))
    torch.testing.assert_close(fused.positions[..., :2] / fused.positions[..., 2:], fused.xy_norm, rtol=0, atol=1e-4)
