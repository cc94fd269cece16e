"""The paper's ablation (section 3, Figs. 4 and 5): the whole method, and without each of its three parts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import torch

from matpose.datasets.splits import hold_out
from matpose.errors import MatposeError
from matpose.training.comparison import compare, runs_in
from matpose.training.data import Maps
from matpose.training.learned_from import check_people, write_people
from matpose.training.model_file import FILE_NAME, load_model
from matpose.training.recipe import Recipe
from matpose.training.run import Say, train_on

PARTS = ("crwt", "dilation", "exchange")


def variants_of(recipe: Recipe) -> dict[str, Recipe]:
    """Variant, as its folders are named, to its recipe: the whole, each part away, and a control.

    The control lacks CRWT but has the epochs of stage 1 in stage 2, so that what more training alone gives is seen.

    Example:
        >>> from matpose.training.recipe import load_recipe
        >>> list(variants_of(load_recipe("native")))
        ['full', 'no-crwt', 'no-crwt-as-long', 'no-dilation', 'no-exchange']
    """
    full = recipe.model_copy(update=dict.fromkeys(PARTS, True))
    without = {part: full.model_copy(update={part: False}) for part in PARTS}
    as_long = without["crwt"].model_copy(update={"epochs": recipe.presence_epochs + recipe.epochs})
    return {
        "full": full,
        "no-crwt": without["crwt"],
        "no-crwt-as-long": as_long,
        "no-dilation": without["dilation"],
        "no-exchange": without["exchange"],
    }


def run_ablation(
    maps: Maps,
    recipe: Recipe,
    folder: Path,
    *,
    seeds: Sequence[int],
    jobs: int = 1,
    say: Say = lambda _: None,
) -> dict:
    """Train every variant with every seed on the same people, and measure them.

    The validation people are chosen once, by the first seed: what differs between seeds is the training. Finished
    runs are used again, interrupted ones go on.

    Args:
        maps: of two people or more.
        recipe: the choices; its ``crwt``, ``dilation``, ``exchange`` and ``seed`` are set by the variants.
        folder: takes ``<variant>-seed<N>/``.
        seeds: one training each.
        jobs: processes of one thread each; 1 trains in this process.
        say: takes a line for every finished run, with the time left.

    Returns:
        As :func:`matpose.training.comparison.compare`, of all runs in the folder.

    Raises:
        DatasetError: fewer than two people.
        MatposeError: no seed or no process, or the folder holds runs of another recipe or of other people.
    """
    if not seeds or jobs < 1:
        raise MatposeError("an ablation needs a seed and a process", mend="give at least one of each")
    training, validation = hold_out(maps.subjects, recipe.validation_fraction, seeds[0])
    fit, val = maps.of_subjects(training), maps.of_subjects(validation)
    train_variants(fit, val, variants_of(recipe), folder, seeds=seeds, jobs=jobs, say=say)
    variants, _ = runs_in(folder)
    return compare(variants)


def train_variants(
    fit: Maps,
    val: Maps,
    variants: Mapping[str, Recipe],
    folder: Path,
    *,
    seeds: Sequence[int],
    jobs: int = 1,
    say: Say = lambda _: None,
) -> None:
    """Train every variant with every seed; finished runs are left, interrupted ones go on.

    Args:
        fit, val: maps of different people, the same for all.
        variants: recipes by the names of their folders; their seeds are set here.
        folder, seeds, jobs, say: as for :func:`run_ablation`.

    Raises:
        MatposeError: the folder holds runs of another recipe or of other people.
    """
    wanted = {
        folder / f"{name}-seed{seed}": variant.model_copy(update={"seed": seed})
        for seed in seeds
        for name, variant in variants.items()
    }
    people = {name: f"{count} to train on" for name, count in Counter(fit.subject.tolist()).items()}
    people |= {name: f"{count} to validate on" for name, count in Counter(val.subject.tolist()).items()}
    check_people(folder, people)
    write_people(folder, people)
    missing = {place: changed for place, changed in wanted.items() if not _finished(place, changed)}
    say(
        f"{len(wanted)} runs, {len(missing)} of them to train, on {len(fit.subjects)} people; "
        f"validating on {', '.join(val.subjects)}"
    )
    start = time.monotonic()
    for done, place in enumerate(_train_all(fit, val, missing, jobs), start=1):
        left_s = (time.monotonic() - start) / done * (len(missing) - done)
        say(f"{done} of {len(missing)}: {place.name}; about {left_s / 60:.0f} min left")


def _finished(place: Path, recipe: Recipe) -> bool:
    if not (place / FILE_NAME).is_file():
        return False
    if load_model(place).recipe != recipe:
        raise MatposeError("a run of another recipe is there", mend="choose another folder", path=place)
    return True


def _train_all(fit: Maps, val: Maps, missing: dict[Path, Recipe], jobs: int) -> Iterator[Path]:
    """Train, and yield each run's folder when it is finished."""
    if jobs == 1:
        for place, recipe in missing.items():
            _train_one(fit, val, recipe, place)
            yield place
        return
    # a forked child would inherit torch's threads in any state
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        running = {pool.submit(_train_one, fit, val, recipe, place): place for place, recipe in missing.items()}
        try:
            for finished in as_completed(running):
                finished.result()
                yield running[finished]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # where one failed, none is begun any more


def _train_one(fit: Maps, val: Maps, recipe: Recipe, place: Path) -> None:
    train_on(fit, val, recipe, place, resume=True, progress=False)
