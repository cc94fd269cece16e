"""The grid of `matpose compare`: every system trained and measured alike; what is done is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from matpose.atomic import atomic_path
from matpose.compare import shipped
from matpose.compare.look import answered
from matpose.compare.material import Say, gathered
from matpose.compare.real import RealMaps
from matpose.compare.recipe import CompareRecipe
from matpose.compare.row import Answers, trained_row
from matpose.errors import MatposeError
from matpose.evaluation.system_cost import PAPER_CELLS, latencies_ms
from matpose.zoo.systems import build_system, check_system

RECIPE_NAME, ROW_NAME = "recipe.json", "row.json"
ROUNDS, PAPER_ROUNDS = 20, 3


def compare(
    recipe: CompareRecipe,
    folder: Path,
    *,
    real: RealMaps | None = None,
    workers: int = 1,
    device: str = "cpu",
    progress: bool = True,
    say: Say = lambda line: None,
) -> dict[str, Any]:
    """Run or resume the grid.

    Args:
        recipe: the systems and their budget.
        folder: takes the maps, a folder for every system and seed, and a picture of the attention of each system that
            has any.
        real: recordings with postures, for posture on familiar and unfamiliar mats; else simulated people serve.
        workers: processes that simulate.
        device: "cpu", "cuda" or "auto", for training; latencies are always of one core.
        progress: show bars.
        say: told what is going on.

    Returns:
        ``rows``, one for each system and seed, of those that failed with ``failed`` alone; ``shipped``, a row of the
        model that ships, None on maps that it does not take; ``recipe``; ``latency_ms`` on the grid's maps and
        ``latency_256_ms`` on maps of 256 x 256 cells, taken in turns at the end.

    Raises:
        MatposeError: another recipe's grid is in the folder.
        DatasetError: a dataset that cannot be read, or without joints.
        ModelError: an unknown system.
    """
    for name in recipe.systems:
        check_system(name)  # told before hours have passed
    folder.mkdir(parents=True, exist_ok=True)
    # more systems may join a grid, but rows of real and of simulated postures must not stand side by side
    same = recipe.model_dump(exclude={"systems", "seeds", "name"})
    asked = json.dumps({**same, "postures": "simulated" if real is None else "real"})
    kept = folder / RECIPE_NAME
    if kept.is_file() and kept.read_text(encoding="utf-8") != asked:
        raise MatposeError("the grid of another recipe is there", mend="name another folder", path=folder)
    material = gathered(recipe, folder, real, workers=workers, say=say)
    with atomic_path(kept) as temporary:  # not before: a dataset that could not be read binds nobody
        temporary.write_text(asked, encoding="utf-8")
    rows = []
    grid = [(name, seed) for seed in range(recipe.seeds) for name in recipe.systems]
    for number, (name, seed) in enumerate(grid, 1):
        place = folder / f"{name}-seed{seed}"
        train = partial(trained_row, name, seed, recipe, material, place, device=device, progress=progress)
        rows.append(_kept(place, train, lambda told=f"{name}, seed {seed}: {number} of {len(grid)}": say(told)))
    ours = None
    if shipped.fits(recipe):
        place = folder / f"shipped-{shipped.digest()}"
        ours = _kept(place, partial(shipped.shipped_row, recipe, material), lambda: say(shipped.NAME))
    say("latencies, in turns on one core")
    paper = recipe.model_copy(update={"rows": PAPER_CELLS, "cols": PAPER_CELLS})
    return {
        "rows": rows,
        "shipped": ours,
        "latency_ms": _latencies(recipe, ROUNDS, {} if ours is None else {shipped.NAME: shipped.shipped_answers}),
        "latency_256_ms": _latencies(paper, PAPER_ROUNDS),
        "recipe": recipe.model_dump(),
    }


def _kept(place: Path, make: Callable[[], dict[str, Any]], say: Callable[[], object]) -> dict[str, Any]:
    """The row in a folder, made where there is none yet."""
    path = place / ROW_NAME
    if not path.is_file():
        say()
        row = make()
        place.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def _latencies(
    recipe: CompareRecipe, rounds: int, more: dict[str, Answers] | None = None
) -> dict[str, dict[str, float]]:
    """From pressure to joints, of freshly built systems: weights do not change how long a map takes."""
    with torch.random.fork_rng(devices=[]):
        systems = {
            name: build_system(name, recipe.rows, recipe.cols, torch.rand(8, 14, 2)).eval() for name in recipe.systems
        }
    tasks = {name: partial(answered, system, look=recipe.look) for name, system in systems.items()} | (more or {})
    return latencies_ms(tasks, dict.fromkeys(tasks, torch.rand(1, 1, recipe.rows, recipe.cols)), rounds)
