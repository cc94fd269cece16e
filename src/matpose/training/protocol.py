"""The posture protocols: labelled maps in, encoders trained without the people they are tested on, figures out."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from matpose import __version__
from matpose.datasets import load
from matpose.datasets.splits import subject_groups
from matpose.errors import MatposeError
from matpose.evaluation.posture import Encode, leave_one_subject_out, train_and_test
from matpose.evaluation.posture_rows import RAW_PIXELS, standard_rows
from matpose.evaluation.rigid import rigid_pairs
from matpose.nn.efd import EFD
from matpose.training.data import Maps, collect_maps
from matpose.training.encode import encode
from matpose.training.measure import label_free, presence_model, presence_scores
from matpose.training.model_file import load_model
from matpose.training.protocol_data import (
    SEVENTEEN,
    THREE,
    Labelled,
    Selections,
    few_of_each,
    labelled_frames,
    read_labelled,
)
from matpose.training.recipe import Recipe, load_recipe
from matpose.training.run import Say
from matpose.training.strict import Encoders

PROTOCOLS = {
    "loso3": "three postures; every person is tested once, by classifiers that learned from all others",
    "loso17": "the seventeen postures of PmatData's first experiment, likewise",
    "transfer": "three postures; trained on one mat, tested on other people on another mat",
    "frozen": "three postures; the encoder is another mat's, classifiers are fitted on other people of the tested mat",
}


def run_protocol(
    model: str,
    dataset: str,
    protocol: str,
    *,
    train_subjects: str | None = None,
    test_subjects: str | None = None,
    seeds: int = 3,
    group_count: int = 4,
    folder: Path = Path("runs/evaluate"),
    changes: tuple[str, ...] = (),
    brief: bool = False,
    device: str = "cpu",
    say: Say = lambda _: None,
) -> dict:
    """Measure posture and points by a fixed protocol.

    Args:
        model: a recipe's name or file: encoders are trained on nobody whom they are tested on (strict); or a run's
            folder or model file: that one encoder for all (quick).
        dataset: as :func:`matpose.datasets.load` takes it.
        protocol: a key of ``PROTOCOLS``.
        train_subjects, test_subjects: who trains, and who is tested. Of PmatData, everybody of experiment i by
            default, and for "transfer" and "frozen" everybody of experiment ii is tested; nobody tested ever trains.
        seeds: classifiers a fold.
        group_count: groups of tested people that share a strict encoder.
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
    place = Path(model)
    fixed = load_model(place) if place.is_dir() or place.suffix == ".safetensors" else None
    recipe = load_recipe(model, changes) if fixed is None else fixed.recipe
    classes = SEVENTEEN if protocol == "loso17" else THREE
    labelled = read_labelled(dataset, _selections(dataset, protocol, train_subjects, test_subjects), classes, recipe)
    encoders = Encoders(recipe, folder, fixed, device, say)
    table = _leave_one_out if protocol in ("loso3", "loso17") else _transfer if protocol == "transfer" else _frozen
    options = {
        "seeds": range(seeds),
        "rows": [row for row in standard_rows() if not brief or row.primary or not row.graph_net],
        "progress": lambda text: say(f"  {text}"),
    }
    answer = table(labelled, encoders, classes, group_count, options)
    few = _few(labelled.maps.select(labelled.test), recipe)
    others = _few(labelled.maps.select(labelled.train), recipe)
    return {
        "protocol": protocol,
        "variant": "quick: one encoder" if fixed else "strict: encoders trained without the people tested",
        "model": model,
        "dataset": dataset.partition(":")[0],
        "train_subjects": sorted(set(labelled.maps.subject[labelled.train].tolist())),
        "test_subjects": sorted(labelled.tested_people),
        "groups": [sorted(group) for group in encoders.used],
        **answer,
        "keypoints": _mean_of([_keypoints(encoders, dataset, group, few) for group in encoders.used]),
        "presence_f": _mean_of([_presence(encoders, group, others, few) for group in encoders.used]),
        "recipe": recipe.model_dump(),
        "machine": {"cpu": platform.processor() or platform.machine(), "threads": torch.get_num_threads()},
        "versions": {"matpose": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "date": datetime.now(UTC).date().isoformat(),
    }


def _selections(dataset: str, protocol: str, train: str | None, test: str | None) -> Selections:
    pmatdata = dataset.startswith("pmatdata:")
    if protocol in ("loso3", "loso17"):
        return {"train": (train, "i"), "test": (test, "i")}
    if not pmatdata and None in (train, test):
        raise MatposeError(
            f"{protocol} must know who trains and who is tested", mend="give --train-subjects and --test-subjects"
        )
    return {"train": (train, "i"), "test": (test, "ii")}


def _leave_one_out(
    labelled: Labelled, encoders: Encoders, classes: tuple[str, ...], group_count: int, options: dict
) -> dict:
    people = sorted(labelled.tested_people)
    trained_on = set(labelled.maps.subject[labelled.train].tolist())
    if len(trained_on | set(people)) < 3:
        raise MatposeError("leaving one subject out needs three or more people", mend="choose more subjects")
    groups = [frozenset(group) for group in subject_groups(people, min(group_count, len(people)))]
    few = _few(labelled.maps.select(labelled.train), encoders.recipe)
    frames = labelled_frames(labelled, labelled.train, classes, encoders.recipe)
    return leave_one_subject_out(frames, _encoder_for(encoders, few), groups, **options)


def _transfer(
    labelled: Labelled, encoders: Encoders, classes: tuple[str, ...], group_count: int, options: dict
) -> dict:
    """The table is of people whom nothing has seen; two rows of people known from the other mat stand behind it."""
    recipe, people = encoders.recipe, sorted(labelled.tested_people)
    strangers = labelled.train & ~np.isin(labelled.maps.subject, people)
    encoder_for = _encoder_for(encoders, _few(labelled.maps.select(strangers), recipe))
    frames = labelled_frames(labelled, strangers, classes, recipe)
    answer = train_and_test(frames, encoder_for, frames.fit, frames.padded(labelled.test), **options)
    known = labelled.train & ~labelled.test
    if (known == strangers).all():
        return answer
    frames = labelled_frames(labelled, known, classes, recipe)
    options = options | {"rows": [row for row in options["rows"] if row.primary or row.name == RAW_PIXELS]}
    again = train_and_test(
        frames, encoder_for, frames.fit, frames.padded(labelled.test), known_people=True, **options
    )  # fmt: skip
    rows = [
        row | {"name": f"{row['name']}, people known from the other mat", "primary": False} for row in again["rows"]
    ]
    return answer | {"rows": answer["rows"] + rows}


def _frozen(labelled: Labelled, encoders: Encoders, classes: tuple[str, ...], group_count: int, options: dict) -> dict:
    people = labelled.tested_people
    if len(people) < 2:
        raise MatposeError("frozen fits its classifiers on other people of the tested mat", mend="test two or more")
    strangers = labelled.maps.select(labelled.train & ~np.isin(labelled.maps.subject, sorted(people)))
    encoder_for = _encoder_for(encoders, _few(strangers, encoders.recipe))
    tested = Labelled(labelled.maps.select(labelled.test), *np.ones((2, labelled.test.sum()), bool))
    frames = labelled_frames(tested, tested.train, classes, encoders.recipe)
    return leave_one_subject_out(frames, encoder_for, [people], **options)


def _few(maps: Maps, recipe: Recipe) -> Maps:
    return maps.select(few_of_each(maps, recipe.frames_per_recording))


def _encoder_for(encoders: Encoders, maps: Maps):
    canvas = encoders.recipe.canvas

    def encoder_for(held_out: frozenset[str]) -> tuple[Encode, bool]:
        efd = encoders.without(held_out, maps).efd

        def see(canvases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            xy, features = encode(efd, torch.from_numpy(canvases)[:, None], canvas)
            return xy / (canvas.width_m / canvas.height_m, 1.0), features

        return see, encoders.saw(held_out)

    return encoder_for


def _keypoints(encoders: Encoders, dataset: str, people: frozenset[str], few: Maps) -> dict[str, float]:
    """Label-free metrics of the encoder that never saw these people, on them."""
    efd = encoders.used[people].efd
    return label_free(efd, few.of_subjects(people)) | _rigid(efd, encoders.recipe, dataset, people)


def _presence(encoders: Encoders, people: frozenset[str], others: Maps, few: Maps) -> dict[str, float]:
    """Stage 1's F-score on the people its model never saw, beside rivals fitted on those it did."""
    if encoders.fixed or not encoders.recipe.crwt:
        return {}
    others = others.select(~np.isin(others.subject, sorted(people)))
    model = presence_model(encoders.place(people, others.subjects), encoders.recipe)
    return presence_scores(model, encoders.recipe, others, few.of_subjects(people))


def _rigid(efd: EFD, recipe: Recipe, dataset: str, people: frozenset[str]) -> dict[str, float]:
    """Rigid residual of PmatData's displaced postures B1-B5, of people the encoder did not see; empty without them."""
    if not dataset.startswith("pmatdata:"):
        return {}
    displaced = [
        recording
        for recording in load(dataset)
        if recording.subject in people and recording.meta.get("posture_code") in ("B1", "B2", "B3", "B4", "B5")
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
