"""What pose systems cost: parameters, multiplications, and one-core latency taken in turns, so that all meet the same
machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from matpose.evaluation.cost import parameters
from matpose.zoo.padding import size_for
from matpose.zoo.system import System
from matpose.zoo.systems import build_system

PAPER_CELLS = 256
WARM = 2


def system_cost(name: str, rows: int, cols: int) -> dict[str, int]:
    """What one map costs, attention and dense layers included, activations and normalisation not.

    Args:
        name: of a system.
        rows, cols: of the canvas.

    Returns:
        ``parameters``; ``macs`` of one map of the canvas, padded where it must be; ``macs_256`` of one of 256 x 256
        cells.

    Example:
        >>> system_cost("resnet18", 64, 32)["parameters"] > 10_000_000
        True
    """
    cost: dict[str, int] = {}
    for key, (height, width) in (("macs", (rows, cols)), ("macs_256", (PAPER_CELLS, PAPER_CELLS))):
        with torch.random.fork_rng(devices=[]):
            system = build_system(name, height, width, torch.rand(8, 14, 2))  # statistics of bones need values
        cost.setdefault("parameters", parameters(system))
        cost[key] = _macs(system, size_for(system.backbone, height, width))
    return cost


@torch.no_grad()
def _macs(system: System, size: tuple[int, int]) -> int:
    """Of backbone and head, without decoding, which multiplies nothing and does not run without values."""
    shapes = system.to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        shapes.head(shapes.backbone(torch.zeros(1, 1, *size, device="meta")))
    return counter.get_total_flops() // 2


@torch.inference_mode()
def latencies_ms(
    systems: Mapping[str, Callable[[torch.Tensor], object]], inputs: Mapping[str, torch.Tensor], rounds: int
) -> dict[str, dict[str, float]]:
    """Wall time of one map on one core: the systems take turns, so that a busy machine slows all alike.

    Args:
        systems: name to what takes its input.
        inputs: name to (1, 1, H, W).
        rounds: turns.

    Returns:
        Name to ``p50`` and ``p95``.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spent = {name: np.empty(rounds) for name in systems}
    try:
        for turn in range(-WARM, rounds):
            for name, system in systems.items():
                start = time.perf_counter()
                system(inputs[name])
                if turn >= 0:
                    spent[name][turn] = 1e3 * (time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return {name: {f"p{q}": float(np.percentile(ms, q)) for q in (50, 95)} for name, ms in spent.items()}
