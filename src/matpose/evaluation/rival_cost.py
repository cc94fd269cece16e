"""What other pose nets take for one map beside ours: the paper's Table 1 at its size, and nets of our size at ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from matpose.evaluation.system_cost import WARM, latencies_ms
from matpose.nn.fold import folded
from matpose.training.build import build_efd
from matpose.training.recipe import load_recipe
from matpose.zoo.padding import padded
from matpose.zoo.systems import build_system

LARGE = ("shglass", "pose_attention", "pyranet", "hrpose", "respose")
"""The baselines of the paper's Table 1, for maps of 256 x 256 cells."""
SMALL = ("resnet18+simcc", "cspnext_t+simcc", "native+simcc", "matpose")
"""Nets of our size, for our canvas; "matpose" is the one that ships, in torch like the others."""
PAPER = "paper encoder"
PAPER_CELLS = 256
FEWER = 12
"""Nets that take half a second get so many times fewer rounds."""

Task = Callable[[], object]


def rival_rows(
    ours: Mapping[str, Task], rows: int, cols: int, rounds: int, advance: Task = lambda: None
) -> list[dict[str, Any]]:
    """Latency of every rival and of ours on one core, taken in turns, and how many times ours it is.

    Weights are random, for they do not change how long a map takes; BatchNorm is folded as it is in ours. A net that
    has just run leaves the caches cold for the next, ours too, which is slower here than by itself.

    Args:
        ours: name to what does the product's work for one frame.
        rows, cols: of the product's canvas.
        rounds: turns of the small nets.
        advance: called after every turn.

    Returns:
        For each rival ``{"name", "rows", "cols", "rounds", "p50_ms", "p95_ms", "ours_p50_ms", "times"}``; the last two
        by the names of ``ours``, measured in the same turns.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        large = {name: _system(name, PAPER_CELLS, PAPER_CELLS) for name in LARGE}
        encoder = build_efd(load_recipe("paper")).encoder.eval()
        large[PAPER] = _ready(encoder), torch.rand(1, 1, PAPER_CELLS, PAPER_CELLS)
        small = {name: _system(name, rows, cols) for name in SMALL}
    few = max(3, rounds // FEWER)
    return [
        *_in_turns(large, ours, few, (PAPER_CELLS, PAPER_CELLS), advance),
        *_in_turns(small, ours, rounds, (rows, cols), advance),
    ]


def turns(rounds: int) -> int:
    """How often :func:`rival_rows` calls ``advance``."""
    return max(3, rounds // FEWER) + rounds + 2 * WARM


def _system(name: str, rows: int, cols: int) -> tuple[nn.Module, torch.Tensor]:
    system = build_system(name, rows, cols, torch.rand(8, 14, 2)).eval()
    return _ready(system), padded(torch.rand(1, 1, rows, cols), system.backbone)


def _ready(module: nn.Module) -> nn.Module:
    return folded(module).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _in_turns(
    rivals: Mapping[str, tuple[nn.Module, torch.Tensor]],
    ours: Mapping[str, Task],
    rounds: int,
    size: tuple[int, int],
    advance: Task,
) -> list[dict[str, Any]]:
    nothing, turned = torch.zeros(0), "turned"
    tasks: dict[str, Callable[[torch.Tensor], object]] = {name: module for name, (module, _) in rivals.items()}
    for name, task in ours.items():
        tasks[f"ours: {name}"] = _without_maps(task)
    tasks[turned] = _without_maps(advance)
    inputs = {name: maps for name, (_, maps) in rivals.items()}
    found = latencies_ms(tasks, inputs | {name: nothing for name in tasks if name not in inputs}, rounds)
    mine = {name: found[f"ours: {name}"]["p50"] for name in ours}
    return [
        {
            "name": name,
            "rows": size[0],
            "cols": size[1],
            "rounds": rounds,
            "p50_ms": found[name]["p50"],
            "p95_ms": found[name]["p95"],
            "ours_p50_ms": mine,
            "times": {ours_name: found[name]["p50"] / ms for ours_name, ms in mine.items()},
        }
        for name in rivals
    ]


def _without_maps(task: Task) -> Callable[[torch.Tensor], object]:
    return lambda _: task()
