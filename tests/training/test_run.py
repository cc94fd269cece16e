"""A run's folder belongs to one training at a time."""

from __future__ import annotations

import pytest
from fake_runs import blob_maps
from filelock import FileLock
from tiny import tiny_recipe

from matpose.errors import MatposeError
from matpose.training.model_file import FILE_NAME
from matpose.training.run import train_on


def test_two_trainings_never_write_into_one_folder(tmp_path):
    maps = blob_maps()
    people = maps.of_subjects(maps.subjects[:1]), maps.of_subjects(maps.subjects[1:])
    recipe = tiny_recipe("presence_epochs=1", "epochs=1", "batches_per_epoch=1")
    with FileLock(tmp_path / ".lock"), pytest.raises(MatposeError, match="another training"):
        train_on(*people, recipe, tmp_path, progress=False)
    assert not (tmp_path / "recipe.yaml").exists()  # the second one left no trace
    train_on(*people, recipe, tmp_path, progress=False)  # free again
    assert (tmp_path / FILE_NAME).is_file()
