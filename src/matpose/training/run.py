"""A run: from recordings to a folder with a trained model, its history, pictures and report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from matpose.atomic import atomic_path
from matpose.datasets.splits import hold_out
from matpose.errors import DatasetError, MatposeError
from matpose.recording import Recording
from matpose.training.crwt import check_device, fit_efd
from matpose.training.data import Maps, collect_maps
from matpose.training.model_file import FILE_NAME, TrainedModel, save_model
from matpose.training.posture_head import fit_posture_head
from matpose.training.recipe import Recipe, load_recipe

Say = Callable[[str], None]
RECIPE_NAME = "recipe.yaml"


@dataclass(frozen=True)
class Run:
    """A finished training.

    Args:
        folder: holds ``model.safetensors``, ``recipe.yaml``, ``metrics.csv``, ``checkpoints/``, ``tensorboard/``.
        model: the trained model.
        train, val: the maps it learned from and was chosen on.
        history: rows of ``metrics.csv``.
    """

    folder: Path
    model: TrainedModel
    train: Maps
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

    People are parted into training and validation; nobody is in both.

    Args:
        recordings: from any mats, read once.
        recipe: the choices.
        folder: the run's folder, made if missing; one that holds another run is refused unless ``resume``.
        resume: go on with the run in ``folder``.
        progress: show progress bars.
        device: "cpu", "cuda" or "auto".
        say: takes a line of news now and then.

    Raises:
        DatasetError: no usable frames, or fewer than two people.
        MatposeError: no such device, the folder already holds a run, or ``resume`` finds another recipe there.
    """
    check_device(device)
    _check_folder(folder, recipe, resume)
    mats: list[dict] = []
    maps = collect_maps(
        _noting_mats(recordings, mats),
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
    fit, val = maps.of_subjects(training), maps.of_subjects(validation)
    with atomic_path(folder / RECIPE_NAME) as temporary:
        temporary.write_text(yaml.safe_dump(json.loads(recipe.model_dump_json()), sort_keys=False), encoding="utf-8")
    say(
        f"{len(maps)} maps of {len(maps.subjects)} people, at most {recipe.frames_per_recording} of each recording; "
        f"validating on {', '.join(validation)}"
    )
    efd, history = fit_efd(fit, val, recipe, folder, resume=resume, progress=progress, device=device)
    posture, postures = fit_posture_head(efd, recipe, fit)
    facts = _facts(fit, val, history) | {"mats": mats}
    model = TrainedModel(efd, recipe, posture, postures, facts)
    save_model(folder / FILE_NAME, model)
    return Run(folder, model, fit, val, history)


def _noting_mats(recordings: Iterable[Recording], mats: list[dict]) -> Iterator[Recording]:
    """Pass recordings on, and note each mat once as it was read: a model is only right for recordings read alike."""
    names = ("name", "rows", "cols", "pitch_y_m", "pitch_x_m", "rotate", "mirror")
    for recording in recordings:
        mat = {name: getattr(recording.mat, name) for name in names} | {"unit": recording.unit}
        if mat not in mats:
            mats.append(mat)
        yield recording


def _check_folder(folder: Path, recipe: Recipe, resume: bool) -> None:
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
