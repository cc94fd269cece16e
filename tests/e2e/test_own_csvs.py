"""A person's own CSVs, from a folder to poses, by the commands of the README."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from matpose.simulate.blobs import blob_people

GRID = ("--rows", 64, "--cols", 32, "--pitch-mm", "27.8", "--unit", "kPa")
TINY = (
    "rows=32", "cols=16", "cell_mm=64", "points=8", "features=2", "widths=[8,8,8]", "exchange_width=4",
    "presence_epochs=1", "epochs=2", "batch=8", "batches_per_epoch=3", "frames_per_recording=3",
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _write(path: Path, frames: np.ndarray) -> Path:
    """One flattened frame a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, frames.reshape(len(frames), -1), delimiter=",", fmt="%.3f")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Three people, two recordings each, as CSV, one folder a person; postures in labels.csv."""
    root = tmp_path_factory.mktemp("nights")
    lines = ["file,posture"]
    for recording in blob_people(3, 2):
        _, person, number = recording.name.split("/")
        _write(root / f"person{person}" / f"{number}.csv", recording.frames)
        assert recording.posture is not None
        lines.append(f"person{person}/{number}.csv,{recording.posture[0]}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def training(data, tmp_path_factory) -> tuple[Path, str]:
    """A finished run, made by the command with `--json`; and what it printed."""
    folder, printed = tmp_path_factory.mktemp("runs") / "mine", StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        from matpose.cli.main import app

        patch.setenv("COLUMNS", "200")
        torch.set_num_threads(1)
        app(["train", str(data), *TINY, "-o", str(folder), "--json", *map(str, GRID)], standalone_mode=False)
    return folder, printed.getvalue()


@pytest.fixture(scope="module")
def run(training) -> Path:
    """The folder of the finished run."""
    return training[0]


def test_training_leaves_a_whole_run(run):
    for name in ("model.safetensors", "report.html", "metrics.csv", "recipe.yaml", "checkpoints", "tensorboard"):
        assert (run / name).exists(), name
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "<img" in report or "<svg" in report
    assert not re.search(r'(src|href)="https?://', report)  # nothing from outside
    assert not [path for path in run.rglob(".*") if path.is_file()]


def test_info_of_the_run(run, shell):
    answer = shell("info", run, "--json")
    assert answer.code == 0
    found = json.loads(answer.out)
    assert found["encoder"]["input"] == [1, 1, 32, 16]
    trained = found["trained"]
    assert set(trained["train_subjects"]) | set(trained["validation_subjects"]) == {"person1", "person2", "person3"}
    assert not set(trained["train_subjects"]) & set(trained["validation_subjects"])
    assert trained["postures"] == ["supine", "left"]


def test_predictions_keep_their_contract(run, data, shell, tmp_path):
    frames = np.loadtxt(data / "person3" / "1.csv", delimiter=",").reshape(-1, 64, 32)
    frames = np.concatenate([frames[:3], np.zeros((2, 64, 32)), frames[3:5]])
    path = _write(tmp_path / "night.csv", frames)
    answer = shell("predict", path, "--model", run, "-o", tmp_path / "out", "--json", "--no-pictures", *GRID)
    assert answer.code == 0, answer.err
    summary = json.loads(answer.out)
    assert summary[0]["frames"] == 7
    poses = [json.loads(line) for line in (tmp_path / "out" / "poses.jsonl").read_text().splitlines()]
    assert [pose["frame"] for pose in poses] == list(range(7))
    for pose in poses:
        assert set(pose) == {"source", "frame", "time_s", "person", "points", "keypoints", "posture", "flags"}
        assert pose["source"] == str(path)
        assert pose["keypoints"] == []
        assert len(pose["points"]) == 8
        if pose["frame"] in (3, 4):
            assert pose["points"] == [None] * 8
            assert "empty_bed" in pose["flags"]
            continue
        for point in pose["points"]:
            assert set(point) == {"x_m", "y_m", "spread_m"}
            assert 0 <= point["x_m"] <= 32 * 0.0278
            assert 0 <= point["y_m"] <= 64 * 0.0278
        assert set(pose["posture"]["probabilities"]) == {"supine", "left"}
        assert sum(pose["posture"]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert "NaN" not in (tmp_path / "out" / "poses.jsonl").read_text()


def test_several_inputs_get_a_folder_each(run, data, shell, tmp_path):
    paths = [data / "person1" / "1.csv", data / "person2" / "1.csv"]
    answer = shell("predict", *paths, "-m", run, "-o", tmp_path, "--no-pictures", "--workers", 1, *GRID)
    assert answer.code == 0, answer.err
    assert sorted(path.parent.name for path in tmp_path.glob("*/poses.jsonl")) == ["person1-1", "person2-1"]


def _one_line(answer, *said: str) -> None:
    assert answer.code == 2, answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err
    last = answer.err.strip().splitlines()[-1]
    assert last.startswith("matpose: ")
    assert "Mend: " in last
    for part in said:
        assert part in last


def test_resuming_a_finished_run_keeps_the_model(run, data, shell):
    before = (run / "metrics.csv").read_bytes()
    answer = shell("train", data, *TINY, "-o", run, "--resume", *GRID)
    assert answer.code == 0, answer.err
    assert (run / "metrics.csv").read_bytes() == before


def test_json_is_all_that_a_training_prints(training):
    folder, printed = training
    assert json.loads(printed)["run"] == str(folder)


def test_errors_of_training_are_one_line_and_leave_nothing(run, data, shell, tmp_path):
    out = tmp_path / "new"
    _one_line(shell("train", data, "epohcs=3", "-o", out, *GRID), "no key 'epohcs'")
    _one_line(shell("train", "epochs=3", "-o", out), "no recordings were given")
    _one_line(shell("train", tmp_path / "nowhere", "-o", out, *GRID), "nowhere")
    _one_line(shell("train", data, "-o", out), "--rows")  # nobody said which mat
    _one_line(shell("train", data / "person1", *TINY, "-o", out, "--subjects", "1", *GRID), "one person")
    _one_line(shell("train", data, *TINY, "-o", out, "--device", "banana", *GRID), "banana")
    (tmp_path / "empty").mkdir()
    _one_line(shell("train", tmp_path / "empty", "-o", out, *GRID), "no files")
    nobody = tmp_path / "nobody"
    for name in ("a", "b"):
        _write(nobody / name / "1.csv", np.zeros((2, 64, 32)))
    _one_line(shell("train", nobody, *TINY, "-o", out, *GRID), "not one usable frame")
    assert not (out / "recipe.yaml").exists()  # so that the next try is not told of a run there


def test_errors_of_a_run_that_is_there(run, data, shell):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    _one_line(shell("train", data, *TINY, "-o", run, *GRID), "a run is there already", "--resume")
    _one_line(shell("train", data, *TINY, "epochs=3", "-o", run, "--resume", *GRID), "another recipe: epochs changed")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_errors_of_prediction_are_one_line(run, data, shell, tmp_path):
    csv, out = data / "person1" / "1.csv", tmp_path / "out"
    _one_line(shell("predict", csv, "-m", tmp_path / "no-model", "-o", out, *GRID), "no trained model")
    _one_line(shell("predict", tmp_path / "no.csv", "-m", run, "-o", out, *GRID), "no.csv")
    _one_line(shell("predict", csv, "-m", run, "-o", out), "--rows")
    spoilt = tmp_path / "model.safetensors"
    spoilt.write_bytes((run / "model.safetensors").read_bytes()[:500])
    _one_line(shell("predict", csv, "-m", spoilt, "-o", out, *GRID), "not a whole model file")
    (tmp_path / "file").write_text("")
    _one_line(
        shell("predict", csv, "-m", run, "-o", tmp_path / "file" / "out", "--no-pictures", *GRID), "cannot be written"
    )
    assert not out.exists()


def test_errors_of_evaluation_are_one_line(shell, tmp_path):
    out = tmp_path / "answer.json"
    _one_line(shell("evaluate", "native", "--dataset", "blobs:4", "--protocol", "loso5", "--json", out), "loso3")
    _one_line(shell("evaluate", "nativ", "--dataset", "blobs:4", "--json", out), "native, paper")
    _one_line(shell("evaluate", "native", "--dataset", "blobs:2", "--json", out), "three or more")
    _one_line(shell("evaluate", "native", "--dataset", f"pmatdata:{tmp_path}", "--json", out), str(tmp_path))
    assert not out.exists()
