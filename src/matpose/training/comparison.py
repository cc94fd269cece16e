"""Runs side by side: grouped by what differs in their recipes, and measured alike."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from matpose.errors import MatposeError
from matpose.training.measure import (
    label_free,
    predicted_presence,
    presence_f,
    presence_model,
    rebuilt_presence,
)
from matpose.training.recipe import Recipe
from matpose.training.run import FILE_NAME, RECIPE_NAME, Run, load_run

Variants = dict[str, list[Run]]
"""Name of a variant to its runs, which differ in their seeds only."""


def runs_in(folder: Path) -> tuple[Variants, list[str]]:
    """The finished runs among the subfolders, by variant; and the names of the unfinished ones.

    A variant is named by what differs among the recipes: "- exchange" lacks the layer, "points=16" has another
    number than most, "full" has and lacks what most do.

    Raises:
        MatposeError: no finished run, or runs whose maps cannot be compared.
    """
    places = sorted(path.parent for path in folder.glob(f"*/{RECIPE_NAME}"))
    runs = [load_run(place) for place in places if (place / FILE_NAME).is_file()]
    if not runs:
        raise MatposeError("there is no finished run", mend="give a run's folder, or a folder of runs", path=folder)
    if len({(run.val.canvas, tuple(run.val.subjects)) for run in runs}) > 1:
        raise MatposeError(
            "the runs were validated on different people or canvases, so their figures cannot be compared",
            mend="compare runs of one data set, canvas and validation people",
            path=folder,
        )
    recipes = [run.model.recipe for run in runs]
    ignored = ("name", "seed")
    held = {key: Counter(getattr(recipe, key) for recipe in recipes) for key in Recipe.model_fields}
    usual = {key: _usual(values) for key, values in held.items() if key not in ignored and len(values) > 1}
    variants: Variants = {}
    for run in sorted(runs, key=lambda run: run.model.recipe.seed):
        variants.setdefault(_name(run.model.recipe, usual), []).append(run)
    names = sorted(variants, key=lambda name: (name != "full", name.casefold()))
    unfinished = [place.name for place in places if not (place / FILE_NAME).is_file()]
    return {name: variants[name] for name in names}, unfinished


def _usual(values: Counter) -> object:
    """What a variant need not say: that it has a part, or the value that most runs have; None where none has most."""
    if set(values) == {True, False}:
        return True
    value, count = values.most_common(1)[0]
    return value if 2 * count > values.total() else None


def _name(recipe: Recipe, usual: dict[str, object]) -> str:
    words = []
    for key, plain in usual.items():
        value = getattr(recipe, key)
        if value != plain:
            words.append(f"- {'CRWT' if key == 'crwt' else key}" if value is False else f"{key}={value}")
    return ", ".join(words) or "full"


def compare(variants: Variants) -> dict:
    """Measure every variant at its best epoch on the validation people.

    Returns:
        ``variants``: for each its ``name``, ``seeds``, ``best_epochs``, and mean and sd over the seeds (sd null for
        one seed) of ``l1``, ``l2``, ``ssim``, ``ssim_global`` of the scaled map, ``presence_f`` of the rebuilt
        pressure, ``stage_1_f`` (with CRWT only), ``equivariance_median_pct`` and ``swap_ratio``;
        ``validation_subjects``, ``validation_maps``; ``note``.
    """
    rows = []
    for name, runs in variants.items():
        measured = [_measure(run) for run in runs]
        rows.append(
            {
                "name": name,
                "seeds": [run.model.recipe.seed for run in runs],
                "best_epochs": [_best_epoch(run) for run in runs],
                **{key: _mean_sd([one[key] for one in measured]) for key in measured[0]},
            }
        )
    val = next(iter(variants.values()))[0].val
    note = f"{BEST_EPOCH} {STAGES}" if {"full", "- CRWT"} <= variants.keys() else BEST_EPOCH
    return {"variants": rows, "validation_subjects": val.subjects, "validation_maps": len(val), "note": note}


BEST_EPOCH = "Of the epoch with the lowest validation loss, measured on the people who chose it."
STAGES = (
    "Unless another is named, all have the same number of epochs of stage 2; those with CRWT have stage 1 before them "
    "on top, as in the paper."
)


def _measure(run: Run) -> dict[str, float]:
    efd, val = run.model.efd, run.val
    free = label_free(efd, val)
    figures = {name: free[name] for name in ("l1", "l2", "ssim", "ssim_global")}
    figures["presence_f"] = presence_f(rebuilt_presence(efd, val), val)
    if run.model.recipe.crwt:
        stage_1 = presence_model(run.folder, run.model.recipe)
        figures["stage_1_f"] = presence_f(predicted_presence(stage_1, val), val)
    return figures | {name: free[name] for name in ("equivariance_median_pct", "swap_ratio")}


def _best_epoch(run: Run) -> int:
    rows = [row for row in run.history if row["stage"] == "reconstruction"]
    return 1 + int(np.argmin([float(row["val_loss"]) for row in rows]))


def _mean_sd(values: list[float]) -> dict[str, float | None]:
    return {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None}
