"""RebuildNet and the whole EFD: shapes, ablation switches, gradients, head swap."""

from __future__ import annotations

import pytest
import torch

from matpose.evaluation.cost import parameters
from matpose.losses.reconstruction import reconstruction_loss
from matpose.nn.efd import EFD
from matpose.nn.rebuildnet import ExchangeLayer, ExpansionLayer, RebuildNet
from matpose.nn.scaling import scale_free, smoothed
from matpose.training.build import build_efd
from matpose.training.recipe import load_recipe


@pytest.mark.parametrize("dilation", [True, False])
def test_expansion_doubles_the_map(dilation):
    layer = ExpansionLayer(6, 4, dilation=dilation)
    assert layer(torch.zeros(2, 6, 8, 4)).shape == (2, 4, 16, 8)


def test_expansion_sees_as_far_as_its_widest_dilation():
    """The response to one cell reaches 5 cells with dilation, 1 without; each is two cells in the doubled map."""
    for dilation, reach in ((True, 5), (False, 1)):
        torch.manual_seed(0)
        layer = ExpansionLayer(1, 8, dilation=dilation).eval()
        x = torch.zeros(1, 1, 24, 24)
        base = layer(x)
        x[0, 0, 12, 12] = 100.0
        changed = (layer(x) - base).abs().amax((0, 1)) > 1e-6
        rows = changed.any(1).nonzero().flatten()
        assert (rows.min().item(), rows.max().item()) == (2 * (12 - reach), 2 * (12 + reach) + 1)


@pytest.mark.parametrize("factors", [(0.25, 0.5, 1, 2), (0.5, 1, 2), (1,)])
def test_exchange_keeps_the_shape(factors):
    layer = ExchangeLayer(6, 4, factors)
    assert layer(torch.rand(2, 6, 16, 8)).shape == (2, 6, 16, 8)
    assert len(layer.stages) == 2


def test_exchange_carries_news_between_the_routes():
    """Through the quarter-size route one cell's change comes 4 cells or more from where it was."""
    torch.manual_seed(0)
    far = {}
    for factors in ((1.0,), (0.25, 1.0)):
        layer = ExchangeLayer(1, 8, factors, stages=1).eval()
        x = torch.zeros(1, 1, 32, 32)
        base = layer(x)
        x[0, 0, 16, 16] = 100.0
        rows = ((layer(x) - base).abs().amax((0, 1)) > 1e-6).any(1).nonzero().flatten()
        far[len(factors)] = (16 - rows.min()).item()
    assert far == {1: 1, 2: 4}


@pytest.mark.parametrize("switch", ["dilation", "exchange"])
def test_an_ablation_removes_parameters_and_keeps_the_shape(switch):
    whole = RebuildNet((8, 8, 8), 4, outputs=1)
    without = RebuildNet((8, 8, 8), 4, outputs=1, dilation=switch != "dilation", exchange=switch != "exchange")
    assert parameters(without) < parameters(whole)
    assert without(torch.zeros(1, 1, 8, 4)).shape == whole(torch.zeros(1, 1, 8, 4)).shape == (1, 1, 32, 16)


def _small_efd(*changes: str) -> EFD:
    torch.manual_seed(0)
    return build_efd(load_recipe("native", ("rows=32", "cols=16", "points=6", "features=3", *changes)))


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ("normalisation=sigmoid",),
        ("positions=paper", "fully_connected=shared", "start=fc"),
        ("dilation=false", "exchange=false"),
        ("start_channels=4",),
        ("blocks=paper", "stride=4"),
    ],
)
def test_every_parameter_gets_gradient(changes):
    efd = _small_efd(*changes)
    x = torch.rand(4, 1, 32, 16)
    reconstruction_loss(efd(x), x, l2_weight=1, ssim_weight=1).backward()
    dead = [name for name, p in efd.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_a_new_head_keeps_the_backbone():
    efd = _small_efd()
    net = efd.decoder.rebuild
    x = torch.rand(2, net.start_channels, 8, 4)
    net.eval()
    before = net.backbone(x)
    net.head = net.new_head(2)
    assert net(x).shape == (2, 2, 32, 16)
    assert torch.equal(net.backbone(x), before)


def test_decoder_maps_the_vector_row_by_row():
    """Its fully connected layer starts from the quarter-size map of the canvas, whatever the canvas."""
    for rows, cols in ((64, 32), (32, 64)):
        efd = build_efd(load_recipe("native", (f"rows={rows}", f"cols={cols}", "points=6", "features=3")))
        assert efd(torch.rand(2, 1, rows, cols)).shape == (2, 1, rows, cols)
        assert efd.decoder.start[1:] == (rows // 4, cols // 4)


@pytest.mark.parametrize("recipe", ["native", "paper"])
def test_alone_as_in_a_batch(recipe):
    """Points of one frame alone and of the same frame in a batch agree to 1e-5."""
    torch.manual_seed(0)
    changes = ("rows=64", "cols=64", "points=16") if recipe == "paper" else ()
    made = load_recipe(recipe, (*changes, "sharpness=8"))
    efd = build_efd(made).eval()
    x = 5 * torch.rand(6, 1, made.rows, made.cols) ** 4
    with torch.no_grad():
        batch, alone = efd.points(x), efd.points(x[3:4])
    for part, one in zip(batch, alone, strict=True):
        torch.testing.assert_close(part[3:4], one, rtol=0, atol=1e-5)


def test_points_forget_the_unit():
    efd = _small_efd("sharpness=8").eval()
    x = torch.rand(3, 1, 32, 16)
    with torch.no_grad():
        torch.testing.assert_close(efd.points(75.0 * x).xy_norm, efd.points(x).xy_norm, rtol=0, atol=1e-5)


def test_efd_forward_is_its_three_parts():
    efd = _small_efd().eval()
    x = torch.rand(2, 1, 32, 16)
    with torch.no_grad():
        fused = efd.fuser(efd.encoder(scale_free(smoothed(x))))
        by_hand = efd.decoder(fused.vector, fused.positions)
        assert torch.equal(efd(x), by_hand)
