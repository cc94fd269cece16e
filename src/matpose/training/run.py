"""A run: from recordings to a folder with a trained model, its history, pictures and report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from filelock import FileLock, Timeout

from matpose.atomic import atomic_path
from matpose.datasets.splits import hold_out
from matpose.errors import DatasetError, MatposeError
from matpose.recording import Recording
from matpose.training.crwt import check_device, fit_efd
from matpose.training.data import Maps, collect_maps
from matpose.training.history import read_history
from matpose.training.kept_maps import KEPT_NAME, keep_maps, kept_maps
from matpose.training.learned_from import LearnedFrom, check_people, write_people
from matpose.training.model_file import FILE_NAME, TrainedModel, load_model, save_model
from matpose.training.posture_head import fit_posture_head
from matpose.training.recipe import Recipe, load_recipe
from matpose.training.world import this_world

Say = Callable[[str], None]
RECIPE_NAME = "recipe.yaml"


@dataclass(frozen=True)
class Run:
    """A finished training.

    Args:
        folder: holds ``model.safetensors``, ``recipe.yaml``, ``data.json``, ``metrics.csv``,
            ``validation.safetensors``, ``checkpoints/``, ``tensorboard/``.
        model: the trained model.
        train: the maps it learned from; None in a run read back, which keeps none of them.
        val: the maps it was chosen on.
        history: rows of ``metrics.csv``.
    """

    folder: Path
    model: TrainedModel
    train: Maps | None
    val: Maps
    history: list[dict[str, float | str]]


def train(
    recordings: Iterable[Recording],
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    device: str = "cpu",
    say: Say = lambda _: None,
) -> Run:
    """Train keypoints on unlabelled recordings, and a posture head on those that say their posture.

    People are parted into training and validation; nobody is in both. Killed at any moment and resumed, the run ends
    with the same model, on the same machine with as many threads. Of the processes that torchrun started, the first
    alone writes files.

    Args:
        recordings: from any mats, read once.
        recipe: the choices.
        folder: the run's folder, made if missing; one that holds another run is refused unless ``resume``.
        resume: go on with the run in ``folder``, or begin it if it had not come so far.
        progress: show progress bars.
        device: "cpu", "cuda" or "auto".
        say: takes a line of news now and then.

    Raises:
        DatasetError: no usable frames, or fewer than two people.
        MatposeError: no such device, the folder already holds a run, another training is at work there, or ``resume``
            finds a run of another recipe or of other recordings.
    """
    check_device(device)
    _check_folder(folder, recipe, resume)
    begun = (folder / RECIPE_NAME).is_file()
    if resume and not begun:
        say(f"There is no run in {folder} yet: this is its beginning.")
    notes = LearnedFrom()
    maps = collect_maps(
        notes.passing(recordings),
        recipe.canvas,
        frames_per_recording=recipe.frames_per_recording,
        presence_mmhg=recipe.presence_mmhg,
    )
    if len(maps.subjects) < 2:
        raise DatasetError(
            f"all {len(maps)} frames are of one person, so nobody is left to validate on",
            mend="give recordings of two people or more, one subfolder a person",
        )
    training, validation = hold_out(maps.subjects, recipe.validation_fraction, recipe.seed)
    say(
        f"{len(maps)} maps of {len(maps.subjects)} people, at most {recipe.frames_per_recording} of each recording; "
        f"validating on {', '.join(validation)}"
    )
    if this_world().speaks:
        if begun:
            check_people(folder, notes.people())
        write_people(folder, notes.people())
    return train_on(
        maps.of_subjects(training),
        maps.of_subjects(validation),
        recipe,
        folder,
        facts={"mats": notes.mats},
        resume=resume,
        progress=progress,
        device=device,
    )


def train_on(
    fit: Maps,
    val: Maps,
    recipe: Recipe,
    folder: Path,
    *,
    facts: dict | None = None,
    resume: bool = False,
    progress: bool = True,
    device: str = "cpu",
) -> Run:
    """:func:`train`, for people parted already.

    Args:
        fit, val: maps of different people.
        recipe, folder, resume, progress, device: as there.
        facts: plain values for the model's own.

    Raises:
        MatposeError: as there.
    """
    _check_folder(folder, recipe, resume)
    with _alone_in(folder):
        return _train_alone(fit, val, recipe, folder, facts or {}, resume=resume, progress=progress, device=device)


def _train_alone(
    fit: Maps, val: Maps, recipe: Recipe, folder: Path, facts: dict, *, resume: bool, progress: bool, device: str
) -> Run:
    if this_world().speaks:
        keep_maps(folder / KEPT_NAME, val)
        _write_recipe(folder / RECIPE_NAME, recipe)  # the last, as it says that a run is there
    efd, history = fit_efd(fit, val, recipe, folder, resume=resume, progress=progress, device=device)
    posture, postures = fit_posture_head(efd, recipe, fit)
    model = TrainedModel(efd, recipe, posture, postures, _facts(fit, val, history) | facts)
    if this_world().speaks:
        save_model(folder / FILE_NAME, model)
    return Run(folder, model, fit, val, history)


def load_run(folder: Path) -> Run:
    """Read a finished run back, but for the maps it learned from.

    Raises:
        ModelError: the training did not end, or a file is not whole.
    """
    model = load_model(folder)
    return Run(folder, model, None, kept_maps(folder / KEPT_NAME), read_history(folder / "metrics.csv"))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No second training writes there meanwhile; the lock falls with the process, however it ends."""
    if not this_world().speaks:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
        (folder / ".lock").unlink(missing_ok=True)
    except Timeout:
        raise MatposeError(
            "another training is at work in this folder", mend="wait for it, or choose another folder", path=folder
        ) from None


def _write_recipe(path: Path, recipe: Recipe) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(json.loads(recipe.model_dump_json()), sort_keys=False), encoding="utf-8")


def _check_folder(folder: Path, recipe: Recipe, resume: bool) -> None:
    if not this_world().speaks:
        return  # the first process answers for all, and may have begun to write
    written = folder / RECIPE_NAME
    if resume and written.is_file():
        before = load_recipe(str(written))
        changed = [key for key in Recipe.model_fields if getattr(before, key) != getattr(recipe, key)]
        if changed:
            raise MatposeError(
                f"the run there has another recipe: {', '.join(changed)} changed",
                mend="resume with the same settings, or start in another folder",
                path=folder,
            )
    elif written.is_file():
        raise MatposeError(
            "a run is there already",
            mend="add --resume to go on with it, or choose another folder",
            path=folder,
        )


def _facts(train: Maps, val: Maps, history: list[dict[str, float | str]]) -> dict:
    last = [row for row in history if row["stage"] == "reconstruction"]
    best = min(last, key=lambda row: float(row["val_loss"]))
    return {
        "train_subjects": train.subjects,
        "validation_subjects": val.subjects,
        "train_maps": len(train),
        "validation_maps": len(val),
        "torch": torch.__version__,
        "validation": {key.removeprefix("val_"): value for key, value in best.items() if key.startswith("val_")},
    }
