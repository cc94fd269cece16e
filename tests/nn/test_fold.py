"""Folding BatchNorm into convolutions: the same answers from a module without norms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from matpose.nn.fold import folded
from matpose.training.build import build_efd
from matpose.training.recipe import load_recipe


def _lively(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.3, 0.3),
                (layer.running_var, 0.5, 2),
                (layer.weight, 0.5, 1.5),
                (layer.bias, -0.3, 0.3),
            ):
                assert tensor is not None
                nn.init.uniform_(tensor, low, high)


@pytest.mark.parametrize("changes", [(), ("blocks=paper", "stride=4"), ("dilation=false", "exchange=false")])
def test_a_folded_model_answers_the_same(changes):
    torch.manual_seed(0)
    efd = build_efd(load_recipe("native", changes)).eval()
    _lively(efd)
    x = torch.rand(3, 1, 64, 32)
    fused = folded(efd)
    with torch.no_grad():
        before, after = efd.encoder.logits(x), fused.encoder.logits(x)
        # random weights give faint differences between cells: the error must be small beside those
        assert (before - after).abs().max() < 2e-3 * before.std((2, 3)).median()
        torch.testing.assert_close(efd.points(x), fused.points(x), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(efd(x), fused(x), rtol=1e-3, atol=1e-3)


def test_folding_removes_norms_and_leaves_the_original():
    efd = build_efd(load_recipe("native")).eval()
    state = {key: value.clone() for key, value in efd.state_dict().items()}

    def norms(module: nn.Module) -> int:
        return sum(isinstance(layer, nn.BatchNorm2d) for layer in module.modules())

    before, after = ([norms(part) for part in (model.encoder, model.decoder.rebuild)] for model in (efd, folded(efd)))
    assert all(few < many / 3 for few, many in zip(after, before, strict=True))
    assert norms(efd.encoder) == before[0]
    assert all(torch.equal(state[key], value) for key, value in efd.state_dict().items())
