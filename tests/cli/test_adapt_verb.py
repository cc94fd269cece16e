"""`matpose adapt` end to end on a tiny budget: what is written, what is refused, and what an interrupt leaves."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from adapting import OWN_MAT, estranged, learned, own_recordings, small_settings

from matpose.training import adapt as module
from matpose.training.model_file import load_model, save_model

GRID = ("--rows", OWN_MAT.rows, "--cols", OWN_MAT.cols, "--pitch-mm", "36x40", "--unit", "kPa")


@pytest.fixture
def files(monkeypatch, tmp_path):
    """A model and a user's recording of sixteen frames."""
    small_settings(monkeypatch)
    save_model(tmp_path / "base.safetensors", estranged(learned()))
    frames = np.concatenate([recording.frames for recording in own_recordings()])
    np.savetxt(tmp_path / "night.csv", frames.reshape(len(frames), -1), "%.3f", delimiter=",")
    monkeypatch.setattr(module, "FEWEST", 16)
    return tmp_path


def test_an_adapted_model_is_written_and_told(files, shell):
    out = files / "mine.safetensors"
    answer = shell("adapt", files / "base.safetensors", files / "night.csv", "-o", out, *GRID, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert (told["accepted"], told["output"], told["worse"], told["maps"]) == (True, str(out), [], 16)
    assert told["after"]["joints_mean_cm"] < told["before"]["joints_mean_cm"]
    (on,) = load_model(out).facts["adapted_on"]
    assert on["before"] == told["before"]
    info = shell("info", out, "--json")
    assert json.loads(info.out)["trained"]["adapted_on"] == [on]


def test_a_model_that_would_be_worse_is_kept(files, shell, monkeypatch):
    def harmful(net, *others, **more):
        net.head.heat.weight.data.mul_(-1)
        net.head.posture.weight.data.mul_(-1)

    monkeypatch.setattr(module, "fit_mat", harmful)
    save_model(files / "base2.safetensors", learned())
    out = files / "mine.safetensors"
    before = sorted(path.name for path in files.iterdir())
    answer = shell("adapt", files / "base2.safetensors", files / "night.csv", "-o", out, *GRID)
    assert answer.code == 0
    assert "kept as it was" in answer.out
    assert "worse" in answer.out
    assert sorted(path.name for path in files.iterdir()) == before


def test_an_interrupt_leaves_nothing(files, shell, monkeypatch):
    def interrupted(*parts, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "fit_mat", interrupted)
    before = sorted(path.name for path in files.iterdir())
    answer = shell("adapt", files / "base.safetensors", files / "night.csv", "-o", files / "m.safetensors", *GRID)
    assert answer.code == 130
    assert sorted(path.name for path in files.iterdir()) == before


def test_what_cannot_be_adapted_is_refused_with_its_mend(files, shell):
    night, out = files / "night.csv", files / "m.safetensors"
    for words, mend in (
        (("adapt", files / "x.onnx", night, "-o", out), "exported model cannot learn"),
        (("adapt", "shipped", night, "-o", out), "Mend"),
        (("adapt", files / "base.safetensors", night, "-o", files / "m.onnx"), ".safetensors"),
        (("adapt", files / "base.safetensors", night, "-o", files / "base.safetensors"), "this is the input"),
    ):
        answer = shell(*words)
        assert answer.code == 2
        assert mend in answer.err
        assert not out.exists()
