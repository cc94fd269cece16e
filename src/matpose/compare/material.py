"""What every system of a grid learns from and is tested on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matpose.compare.couples import Couples, simulated_couples
from matpose.compare.labelled_maps import labelled_joint_maps
from matpose.compare.real import RealMaps
from matpose.compare.recipe import SIMULATED, CompareRecipe
from matpose.training.joint_maps import JointMaps, simulated_joint_maps
from matpose.zoo.systems import learns_detail

TEST_SEED, VALIDATION_SEED, TRAIN_SEED, COUPLE_SEED = 91001, 91002, 91003, 91004
Say = Callable[[str], object]


@dataclass(frozen=True)
class Material:
    """Maps of different people.

    Args:
        maps: "training", "validation", and to be tested on "seen" and "unseen" mats.
        couples: two people on one mat, or none.
        real: recordings with postures, or none: then simulated people's postures are told.
    """

    maps: dict[str, JointMaps]
    couples: Couples | None = None
    real: RealMaps | None = None


def gathered(
    recipe: CompareRecipe, folder: Path, real: RealMaps | None = None, *, workers: int = 1, say: Say = lambda line: None
) -> Material:
    """Simulate or read it, or take it from the folder where an earlier call left it.

    Args:
        recipe: which, and how many.
        folder: keeps it.
        real: as in :class:`Material`.
        workers: processes that simulate.
        say: told what is going on.

    Raises:
        DatasetError: a dataset that cannot be read, or without joints.
    """
    maps = _maps(recipe, folder, workers=workers, say=say)
    couples = None
    if recipe.couples and recipe.crop != "upper":  # whose crop of two people lying together is of nobody's upper body
        couples = simulated_couples(
            folder / "couples.safetensors", recipe.couples, recipe.canvas, seed=COUPLE_SEED, workers=workers,
            progress=lambda done: say(f"{done} of {recipe.couples} couples simulated"),
        )  # fmt: skip
    return Material(maps, couples, real)


def _maps(recipe: CompareRecipe, folder: Path, *, workers: int, say: Say) -> dict[str, JointMaps]:
    """ "training", "validation", "seen" and "unseen", the last always simulated: no dataset has other mats."""
    simulated = {
        "training": (recipe.bodies, recipe.mats, TRAIN_SEED),
        "validation": (recipe.validation_bodies, recipe.mats, VALIDATION_SEED),
        "seen": (recipe.test_bodies, recipe.mats, TEST_SEED),
        "unseen": (recipe.test_bodies, recipe.unseen_mats, TEST_SEED),
    }
    # maps with details serve everybody, so those that an earlier call made with them are taken
    learned = any(learns_detail(name) for name in recipe.systems)
    detail = learned or (folder / "training-detail.safetensors").is_file()
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
