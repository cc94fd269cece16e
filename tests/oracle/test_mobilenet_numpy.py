"""MobileNetV3's block against a forward pass written with scipy and numpy alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import correlate
from torch import nn

from matpose.nn.mobilenet import BlockSpec, InvertedResidual, SqueezeExcite


def _convolved(x: np.ndarray, layer: nn.Conv2d) -> np.ndarray:
    """(C, H, W) -> (O, H', W'), padding and stride and groups as the layer says."""
    weight = layer.weight.detach().double().numpy()
    padding, stride = int(layer.padding[0]), layer.stride[0]
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    per_group = weight.shape[1]
    outs = []
    for channel, kernel in enumerate(weight):
        first = 0 if layer.groups == 1 else channel * per_group
        full = correlate(x[first : first + per_group], kernel, mode="valid")[0]
        outs.append(full[::stride, ::stride])
    return np.stack(outs)


def _normed(x: np.ndarray, layer: nn.BatchNorm2d) -> np.ndarray:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    mean, var, weight, bias = (
        t.detach().double().numpy()[:, None, None]
        for t in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (x - mean) / np.sqrt(var + layer.eps) * weight + bias


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def _hardsigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(x / 6 + 0.5, 0, 1)


def _block(x: np.ndarray, block: InvertedResidual, spec: BlockSpec) -> np.ndarray:
    act = _relu if spec.act == "relu" else lambda v: v * _hardsigmoid(v)
    out = act(_normed(_convolved(x, block.expand), block.expand_norm))
    out = act(_normed(_convolved(out, block.depthwise), block.depthwise_norm))
    out = _normed(_convolved(out, block.project), block.project_norm)
    if isinstance(block.squeeze, SqueezeExcite):
        squeeze = block.squeeze
        weight = out.mean((1, 2), keepdims=True)
        weight = _relu(_normed(_convolved(weight, squeeze.reduce), squeeze.reduce_norm))
        out = out * _hardsigmoid(_normed(_convolved(weight, squeeze.expand), squeeze.expand_norm))
    if spec.stride == 2:
        return out
    if isinstance(block.shortcut, nn.Sequential):
        conv, norm = block.shortcut
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        return out + _normed(_convolved(x, conv), norm)
    return out + x


def _lively(module: nn.Module) -> None:
    """Statistics and weights that differ from their neutral start, so that no term goes untested."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            nn.init.normal_(layer.running_mean, 0, 0.3)
            nn.init.uniform_(layer.running_var, 0.2, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.5)


@pytest.mark.parametrize("squeeze", [True, False])
@pytest.mark.parametrize(
    ("channels", "kernel", "out", "act", "stride"),
    [
        (8, 3, 8, "relu", 1),  # identity shortcut
        (8, 5, 12, "hardswish", 1),  # 1x1 shortcut
        (8, 3, 12, "hardswish", 2),  # no shortcut
        (8, 5, 8, "relu", 2),
    ],
)
def test_block_is_what_numpy_computes(channels, kernel, out, act, stride, squeeze):
    torch.manual_seed(0)
    spec = BlockSpec(kernel, 20, out, squeeze, act, stride)
    block = InvertedResidual(channels, spec).eval()
    _lively(block)
    x = torch.randn(2, channels, 10, 7)
    with torch.no_grad():
        found = block(x).numpy()
    expected = np.stack([_block(one, block, spec) for one in x.double().numpy()])
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


def test_batchnorm_answers_alike_alone_and_in_a_batch():
    torch.manual_seed(0)
    block = InvertedResidual(8, BlockSpec(3, 20, 8, True, "relu", 1)).eval()
    _lively(block)
    x = torch.randn(5, 8, 10, 7)
    with torch.no_grad():
        torch.testing.assert_close(block(x)[2:3], block(x[2:3]), rtol=0, atol=1e-5)
