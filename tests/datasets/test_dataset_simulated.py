"""Simulated people as a dataset: who, which, and the true simulator behind it."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from matpose.datasets import load
from matpose.errors import DatasetError, MatposeError
from matpose.mat import PRESETS
from matpose.simulate.sample import Sample


@pytest.fixture
def asked(monkeypatch) -> list[dict]:
    """What the simulator is asked for; it answers with a flat sample."""
    seen: list[dict] = []

    def draw_sample(index: int, **how) -> Sample:
        seen.append({"index": index} | how)
        mat = how["mat"]
        shape = (mat.rows, mat.cols)
        points = np.full((14, 3), index, np.float32)
        return Sample(
            np.full(shape, 2, np.float32), "left", points, np.ones(14, bool), points[:12],
            np.ones(shape, np.uint8), {"mass_kg": "70"},
        )  # fmt: skip

    scene = ModuleType("matpose.simulate.scene")
    scene.__dict__["draw_sample"] = draw_sample
    monkeypatch.setitem(sys.modules, "matpose.simulate.scene", scene)
    return seen


def test_eight_moments_of_every_person(asked):
    recordings = list(load("simulated:3:5"))
    assert [recording.name for recording in recordings[7:9]] == ["simulated/1/8", "simulated/2/1"]
    assert [recording.subject for recording in recordings] == [f"simulated/{n}" for n in (1, 2, 3) for _ in range(8)]
    assert len({how["index"] for how in asked}) == 24
    assert {how["person"] for how in asked[:8]} == {1}
    assert {how["seed"] for how in asked} == {5}
    one = recordings[0]
    assert (len(one), one.unit, one.mat, one.meta) == (1, "kPa", PRESETS["pmatdata-i"], {"mass_kg": "70"})
    for name in ("posture", "joints_m", "joint_contact", "landmarks_m", "parts"):
        assert name in one.columns


def test_subjects_and_mat(asked):
    (first, *_), everyone = list(load("simulated:3", subjects="2", mat="bt3510")), list(load("simulated:3"))
    assert (first.subject, first.mat) == ("simulated/2", PRESETS["bt3510"])
    assert asked[0] | {"mat": None} == asked[8 + 8] | {"mat": None}
    assert len(everyone) == 24


@pytest.mark.parametrize("number", ["", "0", "x", "3:", "3:x", "²", "999999", "-1"])
def test_no_such_dataset(number):
    with pytest.raises(DatasetError, match="simulated:N"):
        load(f"simulated:{number}")


def test_nobody_of_that_number_and_no_such_mat(asked):
    with pytest.raises(DatasetError, match="no subject"):
        load("simulated:3", subjects="4")
    with pytest.raises(MatposeError, match="preset"):
        list(load("simulated:3", mat="bed"))


def test_the_true_simulator():
    pytest.importorskip("mujoco")
    people = load("simulated:2:3")
    first, second = next(people), next(people)
    assert first.meta["stature_m"] == second.meta["stature_m"]
    assert first.joints_m is not None
    assert second.joints_m is not None
    assert not np.array_equal(first.joints_m, second.joints_m)
    other = next(load("simulated:2:3", subjects="2"))
    assert other.meta["stature_m"] != first.meta["stature_m"]
    again = next(load("simulated:1:3"))
    np.testing.assert_array_equal(again.frames, first.frames)
