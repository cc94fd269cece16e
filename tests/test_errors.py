"""Errors say problem, place and mend, also when they come from another process."""

from __future__ import annotations

import pickle

import pytest

from matpose.errors import DatasetError, MatposeError, ModelError, RecipeError, UnknownMat, UnreadableFile


@pytest.mark.parametrize(
    "error",
    [
        *(
            kind("the bed is on fire", mend="call for help", path="bed.csv", place="line 3")
            for kind in (MatposeError, UnreadableFile, RecipeError, DatasetError, ModelError)
        ),
        UnknownMat("no mat", candidates=("bpms", "slp"), path="bed.csv"),
    ],
)
def test_an_error_survives_the_way_from_a_child_process(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)
