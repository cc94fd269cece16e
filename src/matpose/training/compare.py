"""The grid of `matpose compare`: every system trained and measured alike; what is done is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from matpose.atomic import atomic_path
from matpose.errors import MatposeError, ModelError
from matpose.evaluation.keypoint_posture import Nodes, keypoint_posture
from matpose.evaluation.system_cost import latencies_ms, system_cost
from matpose.recording import JOINT_NAMES
from matpose.training.compare_real import RealMaps
from matpose.training.compare_recipe import SIMULATED, CompareRecipe
from matpose.training.couple_figures import couple_figures
from matpose.training.couples import Couples, simulated_couples
from matpose.training.joint_figures import score_of
from matpose.training.joint_maps import POSTURES, JointMaps, simulated_joint_maps
from matpose.training.labelled_maps import labelled_joint_maps
from matpose.training.look import Look, answered
from matpose.training.space_figures import space_score
from matpose.training.system_fit import LOOKS, Budget, fit_system
from matpose.zoo.attention_picture import attention_picture
from matpose.zoo.heads.transpose import TransPoseHead
from matpose.zoo.padding import padded
from matpose.zoo.system import System
from matpose.zoo.systems import build_system, check_system, learns_detail

RECIPE_NAME, ROW_NAME = "recipe.json", "row.json"
TEST_SEED, VALIDATION_SEED, TRAIN_SEED, COUPLE_SEED = 91001, 91002, 91003, 91004
ROUNDS = 20
STATISTICS = 2000  # maps from which compositional regression takes its bones'
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
        folder: takes the maps, a folder for every system and seed, and a picture of the attention of each system that
            has any.
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
    maps = _maps(recipe, folder, workers=workers, say=say)
    couples = None
    if recipe.couples and recipe.crop != "upper":  # whose crop of two people lying together is of nobody's upper body
        couples = simulated_couples(
            folder / "couples.safetensors", recipe.couples, recipe.canvas, seed=COUPLE_SEED, workers=workers,
            progress=lambda done: say(f"{done} of {recipe.couples} couples simulated"),
        )  # fmt: skip
    with atomic_path(kept) as temporary:  # not before: a dataset that could not be read binds nobody
        temporary.write_text(asked, encoding="utf-8")
    rows = []
    grid = [(name, seed) for seed in range(recipe.seeds) for name in recipe.systems]
    for number, (name, seed) in enumerate(grid, 1):
        place = folder / f"{name}-seed{seed}"
        if not (place / ROW_NAME).is_file():
            say(f"{name}, seed {seed}: {number} of {len(grid)}")
            row = _row(name, seed, recipe, maps, couples, real, place, device=device, progress=progress)
            with atomic_path(place / ROW_NAME) as temporary:
                temporary.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
        rows.append(json.loads((place / ROW_NAME).read_text(encoding="utf-8")))
    say("latencies, in turns on one core")
    return {"rows": rows, "latency_ms": _latencies(recipe), "recipe": recipe.model_dump()}


def _maps(recipe: CompareRecipe, folder: Path, *, workers: int, say: Say) -> dict[str, JointMaps]:
    """ "training", "validation", "seen" and "unseen", the last always simulated: no dataset has other mats."""
    simulated = {
        "training": (recipe.bodies, recipe.mats, TRAIN_SEED),
        "validation": (recipe.validation_bodies, recipe.mats, VALIDATION_SEED),
        "seen": (recipe.test_bodies, recipe.mats, TEST_SEED),
        "unseen": (recipe.test_bodies, recipe.unseen_mats, TEST_SEED),
    }
    detail = any(learns_detail(name) for name in recipe.systems)
    maps: dict[str, JointMaps] = {}
    if recipe.joints != SIMULATED:
        maps = labelled_joint_maps(
            folder, recipe.joints, recipe.canvas, progress=lambda read: say(f"{recipe.joints}: {read} maps read")
        )
    for name, (bodies, mats, seed) in simulated.items():
        if name not in maps:
            maps[name] = simulated_joint_maps(
                folder / f"{name}{'-detail' if detail else ''}.safetensors", bodies, recipe.canvas, mats=mats,
                readings=recipe.readings, seed=seed, detail=detail, workers=workers,
                progress=lambda done, name=name, bodies=bodies: say(f"{name}: {done} of {bodies} bodies simulated"),
            )  # fmt: skip
    return {name: some if name == "training" else recipe.look.asked(some) for name, some in maps.items()}


def fresh(name: str, seed: int, recipe: CompareRecipe, training: JointMaps) -> System:
    """A system with the weights that its seed gives it."""
    some = training.select(torch.arange(0, len(training), max(1, len(training) // STATISTICS)))
    _, poses = recipe.look.closer(some.pressure.float(), some.xy_norm)
    poses = poses.where(poses.isfinite(), poses.nanmean(0).nan_to_num())  # what nobody knows is where others have it
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_system(name, recipe.rows, recipe.cols, poses)


def _row(
    name: str,
    seed: int,
    recipe: CompareRecipe,
    maps: dict[str, JointMaps],
    couples: Couples | None,
    real: RealMaps | None,
    place: Path,
    *,
    device: str,
    progress: bool,
) -> dict[str, Any]:
    """Train one system and measure it."""
    cost = system_cost(name, recipe.rows, recipe.cols)
    cost |= {key: macs * len(recipe.test_scales) for key, macs in cost.items() if key != "parameters"}
    row: dict[str, Any] = {"system": name, "seed": seed, **cost}
    system, look = fresh(name, seed, recipe, maps["training"]), recipe.look
    budget = Budget(recipe.samples, recipe.batch, recipe.learning_rate, recipe.masking, seed)
    try:
        history = fit_system(
            system, maps["training"], maps["validation"], recipe.canvas, budget, place, look=look,
            device=device, progress=progress,
        )  # fmt: skip
    except ModelError as error:
        return row | {"failed": str(error)}
    between = budget.steps // LOOKS * budget.batch
    row["curve"] = [
        {"samples": between * number, **{key: value[key] for key in ("val_pckh20", "val_mean_cm")}}
        for number, value in enumerate(history, 1)
    ]
    answers = {part: _answers(system, maps[part].pressure, look) for part in ("validation", "seen", "unseen")}
    for part in ("seen", "unseen"):
        row[part] = score_of(answers[part][0], maps[part], recipe.canvas)
        row[part] |= space_score(system, maps[part], recipe.canvas, look)
    if real is None:
        nodes = {part: _nodes(answers[part], maps[part], recipe) for part in answers}
        even = nodes["unseen"].subject.astype(int) % 2 == 0
        rest, half = (Nodes(*(column[some] for column in nodes["unseen"])) for some in (even, ~even))
        row["posture"] = {
            "familiar": _posture(nodes["validation"], nodes["seen"], seed=seed),
            "frozen": _posture(rest, half, seed=seed),
        }
    else:
        row["posture"] = real.posture(lambda pressure: _xy_score(_answers(system, pressure, look), recipe), seed=seed)
    if couples is not None:
        row["couples"] = couple_figures(system, couples, recipe.canvas, look)
    if seed == 0:
        draw_attention(system, maps["seen"].pressure[:1].float(), look, place.parent / f"attention-{name}.png")
    return row


def _posture(fit: Nodes, test: Nodes, *, seed: int) -> dict[str, dict[str, float]]:
    """Figures of each graph net, or none where a dataset knows too few postures to fit one or to test it."""
    if len(fit.label) < 2 or not len(test.label):
        return {}
    return keypoint_posture(fit, test, len(POSTURES), seed=seed)


@torch.no_grad()
def draw_attention(system: System, pressure: torch.Tensor, look: Look, path: Path) -> None:
    """What each joint of (1, 1, H, W) was read from, layer by layer, of a system that has attention; else nothing."""
    if not isinstance(system.head, TransPoseHead):
        return
    x = padded(look.seen(pressure), system.backbone)
    output = system.head(system.backbone(x))
    attention, found = system.head.attention(output)[:, 0], system.head.answer(output)
    figure = attention_picture(
        x[0, 0].numpy(), attention.numpy(), found.xy_norm[0].numpy(), JOINT_NAMES, shown=JOINT_NAMES
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


@torch.no_grad()
def _answers(system: System, pressure: torch.Tensor, look: Look) -> tuple[torch.Tensor, torch.Tensor]:
    found = [answered(system, some.float(), look) for some in pressure.split(64)]
    return torch.cat([one.xy_norm for one in found]), torch.cat([one.score for one in found])


def _xy_score(answers: tuple[torch.Tensor, torch.Tensor], recipe: CompareRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Places in half-heights, and scores."""
    return answers[0].numpy() * (recipe.cols / recipe.rows, 1.0), answers[1].numpy()


def _nodes(answers: tuple[torch.Tensor, torch.Tensor], maps: JointMaps, recipe: CompareRecipe) -> Nodes:
    nodes = Nodes(*_xy_score(answers, recipe), maps.posture.numpy(), maps.body.numpy().astype(str))
    return Nodes(*(column[nodes.label >= 0] for column in nodes))


def _latencies(recipe: CompareRecipe) -> dict[str, dict[str, float]]:
    """From pressure to joints, of freshly built systems: weights do not change how long a map takes."""
    with torch.random.fork_rng(devices=[]):
        systems = {
            name: build_system(name, recipe.rows, recipe.cols, torch.rand(8, 14, 2)).eval() for name in recipe.systems
        }
    blank = torch.rand(1, 1, recipe.rows, recipe.cols)
    return latencies_ms(
        {name: partial(answered, system, look=recipe.look) for name, system in systems.items()},
        dict.fromkeys(systems, blank),
        ROUNDS,
    )
