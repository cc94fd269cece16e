"""`matpose predict` and `info` with an exported file, on a base install: nothing of torch, nothing of scipy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from matpose.simulate.blobs import blob_recording

GRID = ("--rows", 64, "--cols", 32, "--pitch-mm", 27.8, "--unit", "kPa")

BASE_INSTALL = """
import sys

ABSENT = {
    "torch", "lightning", "pytorch_lightning", "torch_geometric", "torchmetrics", "tensorboard",
    "scipy", "sklearn", "skimage", "onnx", "onnxscript", "filelock", "mujoco", "anny", "trimesh",
}

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
from matpose.cli.main import main
sys.argv = ["matpose", *sys.argv[1:]]
main()
"""


def base_install(*words: object) -> subprocess.CompletedProcess[str]:
    """`matpose WORDS` where only the base dependencies can be imported."""
    return subprocess.run(
        [sys.executable, "-c", BASE_INSTALL, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def night_csv(tmp_path) -> Path:
    """Six frames of a person as plain text: 64 x 32 values in kPa a line; then they leave."""
    frames = blob_recording(2, frames=6).frames.copy()
    frames[3:] = 0
    path = tmp_path / "night.csv"
    np.savetxt(path, frames.reshape(6, -1), fmt="%.3f", delimiter=",")
    return path


def _poses(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "poses.jsonl").read_text().splitlines()]


def test_a_base_install_predicts_with_an_exported_file(exported, trained_run, night_csv, tmp_path, shell):
    out = tmp_path / "out"
    done = base_install("predict", night_csv, "--model", exported.path, "-o", out, *GRID, "--json")
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)
    assert summary["frames"] == 6
    assert {path.name for path in out.iterdir()} >= {"poses.jsonl", "coco.json", "points.csv", "film.gif", "pictures"}
    poses = _poses(out)
    assert [pose["posture"]["label"] == "empty" for pose in poses] == [False] * 3 + [True] * 3
    assert poses[4]["points"] == [None] * 32
    assert None not in poses[0]["points"]
    assert shell("predict", night_csv, "-m", trained_run, "-o", tmp_path / "torch", *GRID, "--no-pictures").code == 0
    for onnx, torch in zip(poses, _poses(tmp_path / "torch"), strict=True):
        assert onnx["posture"]["label"] == torch["posture"]["label"]
        for a, b in zip(onnx["points"], torch["points"], strict=True):
            assert (a is None) == (b is None)
            assert a is None or a == pytest.approx(b, abs=2e-4)


def test_a_base_install_tells_what_it_lacks_for_a_run(trained_run, night_csv, tmp_path):
    done = base_install("predict", night_csv, "--model", trained_run, "-o", tmp_path / "out", *GRID)
    assert done.returncode == 2
    assert "pip install 'matpose[train]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_base_install_tells_what_an_exported_file_is(exported, trained_run, shell):
    done = base_install("info", exported.path, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    from_run = json.loads(shell("info", trained_run, "--json").out)
    trained = told.pop("trained")
    assert from_run.pop("trained")["postures"] == trained["postures"]
    assert trained["train_subjects"] == 2
    assert told == from_run
    assert told["encoder"]["input"] == [1, 1, 64, 32]
    assert trained["postures"] == ["supine", "left", "right"]
    assert trained["notice"] == "Research use. Not a medical device."


def test_without_a_model_the_packages_own_is_used(shell, monkeypatch, exported, night_csv, tmp_path):
    monkeypatch.setattr("matpose.runtime.detector.SHIPPED", exported.path)
    assert shell("predict", night_csv, "-o", tmp_path / "out", *GRID, "--no-pictures").code == 0
    assert len(_poses(tmp_path / "out")) == 6
    monkeypatch.setattr("matpose.runtime.detector.SHIPPED", tmp_path / "none.onnx")
    answer = shell("predict", night_csv, "-o", tmp_path / "other", *GRID)
    assert answer.code == 2
    assert "matpose train" in answer.err
    assert answer.err.count("\n") == 1


def test_a_file_that_is_no_model_is_one_line(shell, night_csv, tmp_path):
    path = tmp_path / "odd.onnx"
    path.write_bytes(b"\x08\x01 not a graph")
    for words in (("predict", night_csv, "-m", path, "-o", tmp_path / "out", *GRID), ("info", path)):
        answer = shell(*words)
        assert answer.code == 2
        assert "odd.onnx" in answer.err
        assert answer.err.count("\n") == 1
