"""The posture protocols: labelled frames in, encoders trained without the people they are tested on, figures out."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from matpose import __version__
from matpose.datasets import load
from matpose.datasets.splits import hold_out, subject_groups
from matpose.errors import DatasetError
from matpose.evaluation.posture import leave_one_subject_out
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.evaluation.posture_rows import standard_rows
from matpose.evaluation.rigid import rigid_pairs
from matpose.nn.efd import EFD
from matpose.recording import Recording
from matpose.training.augmentation import COPIES, varied_copies
from matpose.training.crwt import fit_efd
from matpose.training.data import Maps, collect_maps
from matpose.training.encode import encode
from matpose.training.measure import label_free, presence_model, presence_scores
from matpose.training.model_file import FILE_NAME, TrainedModel, load_model, save_model
from matpose.training.recipe import Recipe, load_recipe
from matpose.training.run import Say

PROTOCOLS = {"loso3": ("supine", "left", "right")}
"""Protocol to its classes, in order."""


def run_protocol(
    model: str,
    dataset: str,
    protocol: str,
    *,
    subjects: str | None,
    seeds: int,
    group_count: int,
    folder: Path,
    changes: tuple[str, ...] = (),
    brief: bool = False,
    device: str = "cpu",
    say: Say = lambda _: None,
) -> dict:
    """Leave one subject out on a dataset.

    Args:
        model: a recipe's name or file: for each group of people an encoder is trained on all others (strict); or a
            run's folder or model file: that one encoder for all (quick).
        dataset: as :func:`matpose.datasets.load` takes it.
        protocol: a key of ``PROTOCOLS``.
        subjects: which people; experiment i where the dataset has two and nothing is said.
        seeds: classifiers a fold.
        group_count: groups of people for strict encoders.
        folder: of the encoders; one that stands there whole is used again.
        changes: to the recipe.
        brief: only the primary row and those without a graph net, which take most of the time.
        device: for training encoders.
        say: takes a line of news now and then.

    Returns:
        The object of the command contract, with machine, versions, date and settings.

    Raises:
        MatposeError: no such recipe, dataset or people.
    """
    classes = PROTOCOLS[protocol]
    place = Path(model)
    fixed = load_model(place) if place.is_dir() or place.suffix == ".safetensors" else None
    recipe = load_recipe(model, changes) if fixed is None else fixed.recipe
    maps = collect_maps(
        _recordings(dataset, subjects),
        recipe.canvas,
        frames_per_recording=None,
        presence_mmhg=recipe.presence_mmhg,
    )
    maps = maps.select(np.isin(maps.posture, classes))
    if len(maps.subjects) < 3:
        raise DatasetError("leaving one subject out needs three or more", mend="choose more subjects", path=dataset)
    frames = _labelled(maps, classes, recipe)
    groups = [frozenset(group) for group in subject_groups(maps.subjects, min(group_count, len(maps.subjects)))]
    few = maps.select(frames.fit[: len(maps)])
    encoders: dict[frozenset[str], TrainedModel] = {}

    def encoder_for(held_out: frozenset[str]):
        trained = fixed or _encoder_without(held_out, few, recipe, folder, device, say)
        encoders[held_out] = trained
        saw = set(trained.facts.get("train_subjects", [])) | set(trained.facts.get("validation_subjects", []))

        def see(canvases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            xy, features = encode(trained.efd, torch.from_numpy(canvases)[:, None], recipe.canvas)
            return xy / (recipe.canvas.width_m / recipe.canvas.height_m, 1.0), features

        return see, bool(saw & held_out)

    answer = leave_one_subject_out(
        frames,
        encoder_for,
        groups,
        seeds=range(seeds),
        rows=[row for row in standard_rows() if not brief or row.primary or not row.graph_net],
        progress=lambda text: say(f"  {text}"),
    )
    keypoints = [
        label_free(encoders[group].efd, few.of_subjects(group)) | _rigid(encoders[group].efd, recipe, dataset, group)
        for group in groups
    ]
    presence = [] if fixed or not recipe.crwt else [_presence(group, few, recipe, folder) for group in groups]
    return {
        "protocol": protocol,
        "variant": "quick: one encoder" if fixed else "strict: encoders trained without the people tested",
        "model": model,
        "dataset": dataset.partition(":")[0],
        "subjects": maps.subjects,
        "groups": [sorted(group) for group in groups],
        **answer,
        "keypoints": _mean_of(keypoints),
        "presence_f": _mean_of(presence),
        "recipe": recipe.model_dump(),
        "machine": {"cpu": platform.processor() or platform.machine(), "threads": torch.get_num_threads()},
        "versions": {"matpose": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "date": datetime.now(UTC).date().isoformat(),
    }


def _recordings(dataset: str, subjects: str | None) -> Iterator[Recording]:
    if subjects is None and dataset.startswith("pmatdata:"):
        subjects = "i:1-13"
    return load(dataset, subjects=subjects)


def _labelled(maps: Maps, classes: tuple[str, ...], recipe: Recipe) -> LabelledFrames:
    """All frames to test on; a few of each recording, with varied copies, to train classifiers on."""
    fit = np.zeros(len(maps), bool)
    for name in np.unique(maps.recording):
        frames = np.flatnonzero(maps.recording == name)
        spaced = np.linspace(0, len(frames) - 1, min(recipe.frames_per_recording, len(frames)))
        fit[frames[spaced.round().astype(int)]] = True
    label = np.array([classes.index(name) for name in maps.posture])
    copies = varied_copies(maps.pressure[torch.from_numpy(fit)], recipe)
    added = np.ones(len(copies), bool)

    def with_copies(values: np.ndarray) -> np.ndarray:
        return np.concatenate((values, np.tile(values[fit], COPIES)))

    return LabelledFrames(
        np.concatenate((maps.pressure[:, 0].numpy(), copies[:, 0].numpy())),
        with_copies(label),
        classes,
        with_copies(maps.subject),
        with_copies(maps.recording),
        np.concatenate((fit, added)),
        np.concatenate((np.zeros(len(maps), bool), added)),
    )


def _place(folder: Path, recipe: Recipe, held_out: frozenset[str]) -> Path:
    return folder / f"{recipe.name}-seed{recipe.seed}-without-{_short(held_out)}"


def _short(people: frozenset[str]) -> str:
    return "-".join(sorted(name.rpartition("/")[2] for name in people))


def _encoder_without(
    held_out: frozenset[str], maps: Maps, recipe: Recipe, folder: Path, device: str, say: Say
) -> TrainedModel:
    """An encoder of the recipe that saw nobody of ``held_out``, trained now or found whole in the folder."""
    others = [name for name in maps.subjects if name not in held_out]
    short = _short(held_out)
    place = _place(folder, recipe, held_out)
    if (place / FILE_NAME).is_file():
        trained = load_model(place)
        saw = set(trained.facts["train_subjects"]) | set(trained.facts["validation_subjects"])
        if trained.recipe == recipe and saw == set(others):
            say(f"encoder without {short}: found in {place}")
            return trained
    say(f"encoder without {short}: training in {place}")
    training, validation = hold_out(others, recipe.validation_fraction, recipe.seed)
    efd, _ = fit_efd(maps.of_subjects(training), maps.of_subjects(validation), recipe, place, device=device)
    trained = TrainedModel(efd, recipe, facts={"train_subjects": training, "validation_subjects": validation})
    save_model(place / FILE_NAME, trained)
    return trained


def _presence(held_out: frozenset[str], maps: Maps, recipe: Recipe, folder: Path) -> dict[str, float]:
    """Stage 1's F-score on the people its model never saw, beside rivals fitted on those it did."""
    model = presence_model(_place(folder, recipe, held_out), recipe)
    others = [name for name in maps.subjects if name not in held_out]
    return presence_scores(model, recipe, maps.of_subjects(others), maps.of_subjects(held_out))


def _rigid(efd: EFD, recipe: Recipe, dataset: str, held_out: frozenset[str]) -> dict[str, float]:
    """Rigid residual of PmatData's displaced postures B1-B5, of people the encoder did not see; empty without them."""
    if not dataset.startswith("pmatdata:"):
        return {}
    displaced = [
        recording
        for recording in load(dataset)
        if recording.subject in held_out and recording.meta.get("posture_code") in ("B1", "B2", "B3", "B4", "B5")
    ]
    if not displaced:
        return {}
    maps = collect_maps(displaced, recipe.canvas, frames_per_recording=1)
    points_m = encode(efd, maps.pressure, recipe.canvas)[0] * (recipe.canvas.height_m / 2)
    series, code = np.array([name.rpartition("/")[::2] for name in maps.recording]).T
    return rigid_pairs(points_m, maps.pressure[:, 0].numpy(), recipe.canvas.cell_m, series, code)


def _mean_of(measured: list[dict[str, float]]) -> dict[str, float]:
    """Mean of every figure over those who have it."""
    names = dict.fromkeys(name for one in measured for name in one)
    return {name: float(np.mean([one[name] for one in measured if name in one])) for name in names}
