"""One system of the grid: trained within the budget, then measured like every other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from matpose.atomic import atomic_path
from matpose.compare.couple_figures import couple_figures
from matpose.compare.fit import LOOKS, Budget, fit_system
from matpose.compare.look import Look, answered
from matpose.compare.material import Material
from matpose.compare.recipe import CompareRecipe
from matpose.compare.space_figures import space_score
from matpose.errors import Diverged
from matpose.evaluation.keypoint_posture import Nodes, keypoint_posture
from matpose.recording import JOINT_NAMES
from matpose.training.joint_figures import score_of
from matpose.training.joint_maps import POSTURES, JointMaps
from matpose.zoo.attention_picture import attention_picture
from matpose.zoo.heads.transpose import TransPoseHead
from matpose.zoo.padding import padded
from matpose.zoo.system import Answer, System
from matpose.zoo.systems import build_system

STATISTICS = 2000  # maps from which compositional regression takes its bones'
AT_ONCE = 64

Answers = Callable[[torch.Tensor], Answer]
"""Pressure (B, 1, H, W) on the canvas, any unit, to joints."""


def fresh(name: str, seed: int, recipe: CompareRecipe, training: JointMaps) -> System:
    """A system with the weights that its seed gives it."""
    some = training.select(torch.arange(0, len(training), max(1, len(training) // STATISTICS)))
    _, poses = recipe.look.closer(some.pressure.float(), some.xy_norm)
    poses = poses.where(poses.isfinite(), poses.nanmean(0).nan_to_num())  # what nobody knows is where others have it
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_system(name, recipe.rows, recipe.cols, poses)


def trained_row(
    name: str, seed: int, recipe: CompareRecipe, material: Material, place: Path, *, device: str, progress: bool
) -> dict[str, Any]:
    """Train one system and measure it.

    Args:
        name, seed: which.
        recipe: its budget.
        material: its maps.
        place: takes checkpoints, which go on where they stopped.
        device, progress: as for :func:`matpose.compare.grid.compare`.

    Returns:
        ``system``, ``seed``; ``failed`` where it did not train, else the ``learning_rate`` that suited it,
        ``curve``, :func:`measured`'s figures, ``mpjpe_cm`` among them where it has joints in space, ``couples``.
    """
    row: dict[str, Any] = {"system": name, "seed": seed}
    maps, look = material.maps, recipe.look
    system = fresh(name, seed, recipe, maps["training"])
    budget = Budget(recipe.samples, recipe.batch, recipe.learning_rates, recipe.masking, seed)
    try:
        history = fit_system(
            system, maps["training"], maps["validation"], recipe.canvas, budget, place, look=look,
            device=device, progress=progress,
        )  # fmt: skip
    except Diverged as error:
        return row | {"failed": str(error)}
    between = budget.steps // LOOKS * budget.batch
    row["learning_rate"] = history[0]["learning_rate"]
    row["curve"] = [
        {"samples": between * number, **{key: value[key] for key in ("val_pckh20", "val_mean_cm")}}
        for number, value in enumerate(history, 1)
    ]
    row |= measured(partial(answered, system, look=look), recipe, material, seed=seed)
    for part in ("seen", "unseen"):
        row[part] |= space_score(system, maps[part], recipe.canvas, look)
    if material.couples is not None:
        row["couples"] = couple_figures(system, material.couples, recipe.canvas, look)
    if seed == 0:
        draw_attention(system, maps["seen"].pressure[:1].float(), look, place.parent / f"attention-{name}.png")
    return row


def measured(answers: Answers, recipe: CompareRecipe, material: Material, *, seed: int) -> dict[str, Any]:
    """Figures of whatever answers, by keypoints and by the posture that they tell.

    Args:
        answers: places and scores of maps.
        recipe: whose canvas the maps are on.
        material: the maps.
        seed: of the posture nets.

    Returns:
        ``seen`` and ``unseen``, figures of joints; ``posture``, by "familiar" and "frozen", of each graph net.
    """

    @torch.no_grad()
    def answer(pressure: torch.Tensor) -> Answer:
        found = [answers(some.float()) for some in pressure.split(AT_ONCE)]
        return Answer(torch.cat([one.xy_norm for one in found]), torch.cat([one.score for one in found]))

    def keypoints(found: Answer) -> tuple[np.ndarray, np.ndarray]:
        return found.xy_norm.numpy() * (recipe.cols / recipe.rows, 1.0), found.score.numpy()  # in half-heights

    def nodes(found: Answer, maps: JointMaps) -> Nodes:
        every = Nodes(*keypoints(found), maps.posture.numpy(), maps.body.numpy().astype(str))
        return _chosen(every, every.label >= 0)

    maps = material.maps
    found = {part: answer(maps[part].pressure) for part in ("seen", "unseen")}
    row: dict[str, Any] = {part: score_of(one.xy_norm, maps[part], recipe.canvas) for part, one in found.items()}
    if material.real is not None:
        return row | {"posture": material.real.posture(lambda pressure: keypoints(answer(pressure)), seed=seed)}
    fit = nodes(answer(maps["validation"].pressure), maps["validation"])
    familiar, other = (nodes(found[part], maps[part]) for part in ("seen", "unseen"))
    even = other.subject.astype(int) % 2 == 0
    row["posture"] = {
        "familiar": _posture(fit, familiar, seed=seed),
        "frozen": _posture(_chosen(other, even), _chosen(other, ~even), seed=seed),
    }
    return row


def _chosen(nodes: Nodes, chosen: np.ndarray) -> Nodes:
    return Nodes(*(column[chosen] for column in nodes))


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
