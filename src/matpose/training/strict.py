"""Strict encoders: for every group of people that is tested, one trained on nobody of the group."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from matpose.datasets.splits import hold_out
from matpose.errors import DatasetError
from matpose.training.crwt import fit_efd
from matpose.training.data import Maps
from matpose.training.model_file import FILE_NAME, TrainedModel, load_model, save_model
from matpose.training.recipe import Recipe
from matpose.training.run import Say

MOST_NAMES = 8


@dataclass
class Encoders:
    """Encoders by whom they must not have seen.

    Args:
        recipe: how to train them.
        folder: where they are kept; one that stands there whole is used again, one cut off goes on.
        fixed: a trained model to use for everybody instead (the quick variant).
        device: for training.
        say: takes a line of news now and then.
    """

    recipe: Recipe
    folder: Path
    fixed: TrainedModel | None = None
    device: str = "cpu"
    say: Say = lambda _: None
    used: dict[frozenset[str], TrainedModel] = field(default_factory=dict)

    def without(self, held_out: frozenset[str], maps: Maps) -> TrainedModel:
        """An encoder trained on the maps of all other people, now or in an earlier call.

        Raises:
            DatasetError: fewer than two others.
        """
        self.used[held_out] = self.fixed or self._trained(held_out, maps)
        return self.used[held_out]

    def saw(self, held_out: frozenset[str]) -> bool:
        """Whether the encoder given for these people was trained or chosen on any of them."""
        facts = self.used[held_out].facts
        return bool(held_out & {*facts.get("train_subjects", []), *facts.get("validation_subjects", [])})

    def place(self, held_out: frozenset[str], others: list[str]) -> Path:
        """Folder of a strict encoder; its name ends in a digest of the recipe and of those it learned from."""
        names = sorted(name.rpartition("/")[2] for name in held_out)
        without = "-".join(names) if len(names) <= MOST_NAMES else f"{len(names)}-people"
        digest = hashlib.sha256("\n".join([self.recipe.model_dump_json(), *sorted(others)]).encode()).hexdigest()[:8]
        return self.folder / f"{self.recipe.name}-seed{self.recipe.seed}-without-{without}-{digest}"

    def _trained(self, held_out: frozenset[str], maps: Maps) -> TrainedModel:
        others = [name for name in maps.subjects if name not in held_out]
        if len(others) < 2:
            raise DatasetError(
                f"without {', '.join(sorted(held_out))} fewer than two people are left to train an encoder on",
                mend="test fewer people at a time: more --groups, or more people to train on",
            )
        place = self.place(held_out, others)
        if (place / FILE_NAME).is_file():
            self.say(f"encoder: found in {place}")
            return load_model(place)
        self.say(f"encoder: training in {place}")
        training, validation = hold_out(others, self.recipe.validation_fraction, self.recipe.seed)
        efd, _ = fit_efd(
            maps.of_subjects(training),
            maps.of_subjects(validation),
            self.recipe,
            place,
            resume=place.is_dir(),
            device=self.device,
        )
        trained = TrainedModel(efd, self.recipe, facts={"train_subjects": training, "validation_subjects": validation})
        save_model(place / FILE_NAME, trained)
        return trained
