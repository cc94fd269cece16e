"""What a posture protocol reads: maps of known posture, each for training, for testing or for both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from matpose.datasets import load
from matpose.errors import DatasetError
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.recording import Recording
from matpose.training.augmentation import COPIES, varied_copies
from matpose.training.data import Maps, collect_maps
from matpose.training.recipe import Recipe

THREE = ("supine", "left", "right")
SEVENTEEN = tuple(str(code) for code in range(1, 18))

Selections = dict[str, tuple[str | None, str | None]]
"""Side ("train", "test") to (selection of subjects, PmatData's experiment that stands for None)."""


@dataclass(frozen=True)
class Labelled:
    """Maps of known class.

    Args:
        maps: N maps; ``posture`` holds the class.
        train, test: (N,) bool, the sides that a map's recording was chosen for.
    """

    maps: Maps
    train: np.ndarray
    test: np.ndarray

    @property
    def tested_people(self) -> frozenset[str]:
        """Everybody who is tested."""
        return frozenset(self.maps.subject[self.test].tolist())


def read_labelled(dataset: str, selections: Selections, classes: tuple[str, ...], recipe: Recipe) -> Labelled:
    """All sound frames of the chosen recordings whose class is known.

    Args:
        dataset: as :func:`matpose.datasets.load` takes it.
        selections: who is for what.
        classes: ``THREE``, or ``SEVENTEEN`` for the postures of PmatData's first experiment.
        recipe: says the canvas.

    Raises:
        DatasetError: a side without frames of these classes.
    """
    chosen = _Chosen(dataset, selections, classes)
    maps = collect_maps(chosen, recipe.canvas, frames_per_recording=None, presence_mmhg=recipe.presence_mmhg)
    if classes == SEVENTEEN:
        maps.posture[:] = [chosen.code[name] for name in maps.recording]
    maps = maps.select(np.isin(maps.posture, classes))
    side = {
        name: np.isin(maps.recording, [recording for recording, sides in chosen.sides.items() if name in sides])
        for name in ("train", "test")
    }
    for name, there in side.items():
        if not there.any():
            raise DatasetError(
                f"there are no frames of {', '.join(classes)} to {name}",
                mend=f"choose others with --{name}-subjects",
                path=dataset,
            )
    return Labelled(maps, side["train"], side["test"])


@dataclass
class _Chosen:
    """The chosen recordings, each once, noting which side it was chosen for."""

    dataset: str
    selections: Selections
    classes: tuple[str, ...]
    sides: dict[str, set[str]] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recording]:
        choices: dict[tuple[str | None, str | None], set[str]] = {}
        for side, choice in self.selections.items():
            choices.setdefault(choice, set()).add(side)
        for (subjects, experiment), sides in choices.items():
            for recording in load(self.dataset, subjects=subjects):
                if subjects is None and recording.meta.get("experiment", experiment) != experiment:
                    continue
                new = recording.name not in self.sides
                self.sides.setdefault(recording.name, set()).update(sides)
                self.code[recording.name] = recording.meta.get("posture17", "")
                if new:
                    yield recording


def few_of_each(maps: Maps, frames_per_recording: int) -> np.ndarray:
    """(N,) bool: evenly spaced maps of every recording."""
    few = np.zeros(len(maps), bool)
    for name in np.unique(maps.recording):
        frames = np.flatnonzero(maps.recording == name)
        spaced = np.linspace(0, len(frames) - 1, min(frames_per_recording, len(frames)))
        few[frames[spaced.round().astype(int)]] = True
    return few


def labelled_frames(labelled: Labelled, train: np.ndarray, classes: tuple[str, ...], recipe: Recipe) -> LabelledFrames:
    """Frames to test on, and a few of each recording with varied copies to train classifiers on.

    Args:
        labelled: the maps.
        train: (N,) bool, those that may train.
        classes: their names, in the order of labels.
        recipe: ranges of the copies' variation, and frames a recording.
    """
    maps = labelled.maps
    fit = np.zeros(len(maps), bool)
    fit[train] = few_of_each(maps.select(train), recipe.frames_per_recording)
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
