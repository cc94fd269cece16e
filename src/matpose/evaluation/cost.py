"""What a network costs: parameters, convolution multiplications, and the figures by the paper's own counting."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from matpose.nn.encoder import Encoder
from matpose.nn.mobilenet import SqueezeExcite


def parameters(module: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in module.parameters())


@torch.no_grad()
def conv_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Multiplications of all convolutions over maps, for the given inputs of batch 1.

    Transposed convolutions count by their input cells. The squeeze-excite products work on one pooled cell, not
    on a map, and are left out: with them the paper's encoder has 7,488 more.

    Example:
        >>> conv_macs(nn.Conv2d(2, 4, 3, padding=1), torch.zeros(1, 2, 8, 8))
        4608
    """
    total = 0

    def count(layer: nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d) and out.shape[2:].numel() > 1:
            total += out[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.ConvTranspose2d):
            total += args[0][0].numel() * layer.weight[0].numel()

    _run_with_hook(module, count, inputs)
    return total


@torch.no_grad()
def paper_convention(encoder: Encoder, x: torch.Tensor) -> dict[str, int]:
    """An encoder's parameters and FLOPs as the paper's tables count them.

    Its profiler ran a batch of two and the result was halved, so "params" are half the true ones. Its FLOPs are the
    multiplications of all convolutions, four for every BatchNorm value, one for every pooled cell and three for
    every cell of the softmax.

    Args:
        encoder: the encoder.
        x: (1, 1, H, W).

    Returns:
        ``{"params", "flops"}``.
    """
    total = 0

    def count(layer: nn.Module, args: tuple[torch.Tensor, ...], out) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += out[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.BatchNorm2d):
            total += 4 * out[0].numel()
        elif isinstance(layer, SqueezeExcite):
            total += args[0][0].numel()
        elif isinstance(layer, Encoder):
            total += 3 * out.heatmaps[0].numel()

    _run_with_hook(encoder, count, (x,))
    return {"params": parameters(encoder) // 2, "flops": total}


def _run_with_hook(module: nn.Module, hook, inputs: tuple[torch.Tensor, ...]) -> None:
    shapes = deepcopy(module).to("meta").eval()  # shapes are all that counting needs
    for layer in shapes.modules():
        layer.register_forward_hook(hook)
    shapes(*(x.to("meta") for x in inputs))
