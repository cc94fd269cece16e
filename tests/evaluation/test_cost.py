"""Counts of parameters and multiplications against hand-made sums."""

from __future__ import annotations

import torch
from torch import nn

from matpose.evaluation.cost import conv_macs, parameters
from matpose.nn.mobilenet import BlockSpec, InvertedResidual


def test_convolutions_by_hand():
    x = torch.zeros(1, 4, 10, 6)
    assert conv_macs(nn.Conv2d(4, 8, 3, stride=2, padding=1), x) == 8 * 5 * 3 * 4 * 9
    assert conv_macs(nn.Conv2d(4, 4, 5, padding=2, groups=4), x) == 4 * 10 * 6 * 25
    assert conv_macs(nn.ConvTranspose2d(4, 8, 2, stride=2), x) == 4 * 10 * 6 * 8 * 4


def test_a_block_by_hand():
    block = InvertedResidual(8, BlockSpec(3, 20, 12, True, "relu", 1))
    cells = 10 * 6
    assert parameters(block) == 8 * 20 + 40 + 20 * 9 + 40 + 20 * 12 + 24 + 2 * 12 * 3 + 6 + 24 + 8 * 12 + 24
    # expansion, depthwise, projection and shortcut; squeeze-excite works on one pooled cell
    assert conv_macs(block, torch.zeros(1, 8, 10, 6)) == cells * (8 * 20 + 20 * 9 + 20 * 12 + 8 * 12)


def test_counting_leaves_the_module_as_it_was():
    block = InvertedResidual(8, BlockSpec(3, 20, 12, True, "relu", 1)).train()
    before = block.expand_norm.running_mean
    assert before is not None
    before = before.clone()
    conv_macs(block, torch.rand(1, 8, 10, 6))
    assert block.training
    assert torch.equal(block.expand_norm.running_mean, before)  # pyright: ignore[reportArgumentType]
    assert not any(layer._forward_hooks for layer in block.modules())


def test_a_batch_costs_one_map():
    layer = nn.Conv2d(1, 2, 3)
    assert conv_macs(layer, torch.zeros(5, 1, 8, 8)) == conv_macs(layer, torch.zeros(1, 1, 8, 8))
