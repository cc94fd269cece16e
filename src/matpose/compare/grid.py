"""The grid of `matpose compare`: every system trained and measured alike; what is done is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from matpose import __version__
from matpose.atomic import atomic_path
from matpose.compare import shipped
from matpose.compare.look import answered
from matpose.compare.material import Say, gathered
from matpose.compare.real import real_maps
from matpose.compare.recipe import CompareRecipe
from matpose.compare.row import Answers, trained_row
from matpose.errors import MatposeError
from matpose.evaluation.system_cost import PAPER_CELLS, latencies_ms, system_cost
from matpose.training.crwt import check_device
from matpose.zoo.systems import build_system, check_system

RECIPE_NAME, ROW_NAME = "recipe.json", "row.json"
ROUNDS, PAPER_ROUNDS = 20, 3


def compare(
    recipe: CompareRecipe,
    folder: Path,
    *,
    dataset: str | None = None,
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
        dataset: recordings with postures, for posture on familiar and unfamiliar mats; else simulated people serve.
        workers: processes that simulate.
        device: "cpu", "cuda" or "auto", for training; latencies are always of one core.
        progress: show bars.
        say: told what is going on.

    Returns:
        ``rows``, one for each system and seed that the folder has, of those that failed with ``failed`` alone;
        ``shipped``, a row of the model that ships, None on maps that it does not take; ``recipe``; ``cost`` of each
        system; ``latency_ms`` on the grid's maps and ``latency_256_ms`` on maps of 256 x 256 cells, taken in turns at
        the end.

    Raises:
        MatposeError: another recipe's grid is in the folder, a row in it is damaged, or there is no such device.
        DatasetError: a dataset that cannot be read, or without joints.
        ModelError: an unknown system.
    """
    for name in recipe.systems:
        check_system(name)  # told before hours have passed
    check_device(device)
    folder.mkdir(parents=True, exist_ok=True)
    real = None if dataset is None else real_maps(dataset, recipe.canvas)
    # more systems may join a grid, but what was measured otherwise must not stand beside it
    asked = {
        **recipe.model_dump(mode="json", exclude={"systems", "seeds", "name"}),
        "dataset": "simulated" if real is None else real.digest(),
        "version": __version__,
    }
    _check_same(asked, folder / RECIPE_NAME)
    material = gathered(recipe, folder, real, workers=workers, say=say)
    with atomic_path(folder / RECIPE_NAME) as temporary:  # not before: a dataset without joints binds nobody
        temporary.write_text(json.dumps(asked), encoding="utf-8")
    grid = [(name, seed) for seed in range(recipe.seeds) for name in recipe.systems]
    for number, (name, seed) in enumerate(grid, 1):
        place = folder / f"{name}-seed{seed}"
        train = partial(trained_row, name, seed, recipe, material, place, device=device, progress=progress)
        _kept(place, train, partial(say, f"{name}, seed {seed}: {number} of {len(grid)}"))
    ours = None
    if shipped.fits(recipe):
        place = folder / f"shipped-{shipped.digest()}"
        ours = _kept(place, partial(shipped.shipped_row, recipe, material), partial(say, shipped.NAME))
    rows = [_row_in(place) for place in sorted(folder.glob("*-seed*")) if (place / ROW_NAME).is_file()]
    systems = tuple(dict.fromkeys(row["system"] for row in rows))
    say("what each costs, and latencies in turns on one core")
    looks = len(recipe.test_scales)
    whole, paper = (
        recipe.model_copy(update={"systems": systems, **size})
        for size in ({}, {"rows": PAPER_CELLS, "cols": PAPER_CELLS})
    )
    return {
        "rows": rows,
        "shipped": ours,
        "cost": {
            name: {key: count * (1 if key == "parameters" else looks) for key, count in cost.items()}
            for name, cost in ((name, system_cost(name, recipe.rows, recipe.cols)) for name in systems)
        }
        | ({} if ours is None else {shipped.NAME: {"parameters": shipped.parameters()}}),
        "latency_ms": _latencies(whole, ROUNDS, {} if ours is None else {shipped.NAME: shipped.shipped_answers}),
        "latency_256_ms": _latencies(paper, PAPER_ROUNDS),
        "recipe": recipe.model_dump(mode="json"),
    }


def _check_same(asked: dict[str, Any], path: Path) -> None:
    """Refuse a folder with the grid of another recipe."""
    if not path.is_file():
        return
    kept = read_kept(path)
    other = sorted(key for key in asked.keys() | kept.keys() if asked.get(key) != kept.get(key))
    if other:
        raise MatposeError(
            f"the grid of another recipe is there, with another {', another '.join(other)}",
            mend="name another folder",
            path=path.parent,
        )


def _kept(place: Path, make: Callable[[], dict[str, Any]], say: Callable[[], object]) -> dict[str, Any]:
    """The row in a folder, made where there is none yet."""
    if not (place / ROW_NAME).is_file():
        say()
        row = make()
        place.mkdir(parents=True, exist_ok=True)
        with atomic_path(place / ROW_NAME) as temporary:
            temporary.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    return _row_in(place)


def _row_in(place: Path) -> dict[str, Any]:
    return read_kept(place / ROW_NAME)


def read_kept(path: Path) -> dict[str, Any]:
    """A recipe or a row of a grid's folder.

    Raises:
        MatposeError: it is not there, or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MatposeError("this is missing", mend="leave systems in the folder of their grid", path=path) from None
    except ValueError:
        raise MatposeError("this is damaged", mend="remove it: it is made again", path=path) from None


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
