"""The grid of `matpose compare`: every system trained and measured alike; what is done is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from matpose.atomic import atomic_path
from matpose.errors import MatposeError, ModelError
from matpose.evaluation.keypoint_posture import Nodes, keypoint_posture
from matpose.evaluation.system_cost import latencies_ms, system_cost
from matpose.nn.scaling import scale_free
from matpose.training.compare_real import RealMaps
from matpose.training.compare_recipe import CompareRecipe
from matpose.training.joint_figures import score_of
from matpose.training.joint_maps import POSTURES, JointMaps, simulated_joint_maps
from matpose.training.system_fit import Budget, answered, fit_system
from matpose.zoo.padding import padded
from matpose.zoo.system import System
from matpose.zoo.systems import build_system, check_system

RECIPE_NAME, ROW_NAME = "recipe.json", "row.json"
TEST_SEED, VALIDATION_SEED, TRAIN_SEED = 91001, 91002, 91003
ROUNDS = 20
Say = Callable[[str], object]


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
        folder: takes the simulated maps, and a folder for every system and seed.
        real: recordings with postures, for posture on familiar and unfamiliar mats; else simulated people serve.
        workers: processes that simulate.
        device: "cpu", "cuda" or "auto", for training; latencies are always of one core.
        progress: show bars.
        say: told what is going on.

    Returns:
        ``rows``, one for each system and seed, of those that failed with ``failed`` alone; ``recipe``; ``latency_ms``
        taken in turns at the end.

    Raises:
        MatposeError: another recipe's grid is in the folder.
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
    with atomic_path(kept) as temporary:
        temporary.write_text(asked, encoding="utf-8")
    maps = {
        name: simulated_joint_maps(
            folder / f"{name}.safetensors", bodies, recipe.canvas, mats=mats, readings=recipe.readings, seed=seed,
            workers=workers,
            progress=lambda done, name=name, bodies=bodies: say(f"{name}: {done} of {bodies} bodies simulated"),
        )
        for name, bodies, mats, seed in (
            ("training", recipe.bodies, recipe.mats, TRAIN_SEED),
            ("validation", recipe.validation_bodies, recipe.mats, VALIDATION_SEED),
            ("seen", recipe.test_bodies, recipe.mats, TEST_SEED),
            ("unseen", recipe.test_bodies, recipe.unseen_mats, TEST_SEED),
        )
    }  # fmt: skip
    rows = []
    grid = [(name, seed) for seed in range(recipe.seeds) for name in recipe.systems]
    for number, (name, seed) in enumerate(grid, 1):
        place = folder / f"{name}-seed{seed}"
        if not (place / ROW_NAME).is_file():
            say(f"{name}, seed {seed}: {number} of {len(grid)}")
            row = _row(name, seed, recipe, maps, real, place, device=device, progress=progress)
            with atomic_path(place / ROW_NAME) as temporary:
                temporary.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
        rows.append(json.loads((place / ROW_NAME).read_text(encoding="utf-8")))
    say("latencies, in turns on one core")
    return {"rows": rows, "latency_ms": _latencies(recipe), "recipe": recipe.model_dump()}


def fresh(name: str, seed: int, recipe: CompareRecipe, training: JointMaps) -> System:
    """A system with the weights that its seed gives it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_system(name, recipe.rows, recipe.cols, training.xy_norm)


def _row(
    name: str,
    seed: int,
    recipe: CompareRecipe,
    maps: dict[str, JointMaps],
    real: RealMaps | None,
    place: Path,
    *,
    device: str,
    progress: bool,
) -> dict[str, Any]:
    """Train one system and measure it."""
    row: dict[str, Any] = {"system": name, "seed": seed, **system_cost(name, recipe.rows, recipe.cols)}
    system = fresh(name, seed, recipe, maps["training"])
    budget = Budget(recipe.samples, recipe.batch, recipe.learning_rate, recipe.masking, seed)
    try:
        history = fit_system(
            system, maps["training"], maps["validation"], recipe.canvas, budget, place,
            device=device, progress=progress,
        )  # fmt: skip
    except ModelError as error:
        return row | {"failed": str(error)}
    answers = {part: _answers(system, maps[part].pressure) for part in ("validation", "seen", "unseen")}
    row["curve"] = [
        {key: value for key, value in look.items() if key in ("val_pckh20", "val_mean_cm")} for look in history
    ]
    for part in ("seen", "unseen"):
        row[part] = score_of(answers[part][0], maps[part], recipe.canvas)
    if real is None:
        nodes = {part: _nodes(answers[part], maps[part], recipe) for part in answers}
        half = maps["unseen"].body.numpy() % 2 == 0
        row["posture"] = {
            "familiar": keypoint_posture(nodes["validation"], nodes["seen"], len(POSTURES), seed=seed),
            "frozen": keypoint_posture(
                Nodes(*(column[half] for column in nodes["unseen"])),
                Nodes(*(column[~half] for column in nodes["unseen"])), len(POSTURES), seed=seed,
            ),
        }  # fmt: skip
    else:
        row["posture"] = real.posture(lambda pressure: _xy_score(_answers(system, pressure), recipe), seed=seed)
    return row


@torch.no_grad()
def _answers(system: System, pressure: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    found = [answered(system, some.float()) for some in pressure.split(64)]
    return torch.cat([one.xy_norm for one in found]), torch.cat([one.score for one in found])


def _xy_score(answers: tuple[torch.Tensor, torch.Tensor], recipe: CompareRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Places in half-heights, and scores."""
    return answers[0].numpy() * (recipe.cols / recipe.rows, 1.0), answers[1].numpy()


def _nodes(answers: tuple[torch.Tensor, torch.Tensor], maps: JointMaps, recipe: CompareRecipe) -> Nodes:
    return Nodes(*_xy_score(answers, recipe), maps.posture.numpy(), maps.body.numpy().astype(str))


def _latencies(recipe: CompareRecipe) -> dict[str, dict[str, float]]:
    """Of freshly built systems: weights do not change how long a map takes."""
    with torch.random.fork_rng(devices=[]):
        systems = {
            name: build_system(name, recipe.rows, recipe.cols, torch.rand(8, 14, 2)).eval() for name in recipe.systems
        }
    blank = scale_free(torch.rand(1, 1, recipe.rows, recipe.cols))
    inputs = {name: padded(blank, system.backbone) for name, system in systems.items()}
    return latencies_ms(systems, inputs, ROUNDS)
