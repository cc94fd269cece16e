"""`matpose label`: the page from the shell, the interrupt that ends it, and the comparison."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest

from matpose.labelling.marks import Mark, read_marks, write_marks
from matpose.simulate.blobs import blob_recording


def _marks(folder, name: str, *annotators: str, x_m: float = 0.5) -> object:
    path = folder / name
    write_marks(path, [Mark("n", 0, who, "left_hip", (x_m + 0.02 * i, 0.9), 2) for i, who in enumerate(annotators)])
    return path


def test_from_the_shell_to_the_file_and_ctrl_c(tmp_path):
    night = blob_recording(5)
    np.save(tmp_path / "night.npy", night.frames)
    command = [
        sys.executable, "-m", "matpose", "label", tmp_path / "night.npy", "-o", tmp_path / "m.csv",
        "--annotator", "anna", "--no-browser", "--json", "--frames", "2",
        "--rows", night.mat.rows, "--cols", night.mat.cols, "--pitch-mm", "30", "--unit", "kPa",
    ]  # fmt: skip
    run = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"COLUMNS": "60"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert run.stderr is not None
    url = next(word for line in run.stderr for word in line.split() if word.startswith("http://127.0.0.1:"))
    body = json.dumps({"left_hip": {"x_m": 0.4, "y_m": 0.9, "visibility": 1}}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}api/maps/1", body, method="PATCH"), timeout=10) as answer:
        assert answer.status == 200
    assert read_marks(tmp_path / "m.csv") == [Mark("night", 6, "anna", "left_hip", (0.4, 0.9), 1)]
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert run.returncode == 0, err
    assert "Traceback" not in err
    done = json.loads(out)
    assert (done["maps"], done["begun"], done["complete"], done["points"]) == (2, 1, 0, 1)


def test_what_is_missing_is_one_line(shell, tmp_path):
    for words in (["blobs:1"], ["blobs:1", "-o", tmp_path / "m.csv"], ["blobs:1", "--annotator", "anna"]):
        answer = shell("label", *words)
        assert answer.code == 2
        assert "--annotator NAME and -o MARKS.csv" in answer.err
        assert answer.err.count("\n") == 1
    assert shell("label").code == 2
    answer = shell("label", tmp_path / "none", "-o", tmp_path / "m.csv", "--annotator", "anna")
    assert answer.code == 2
    assert not (tmp_path / "m.csv").exists()


def test_an_output_that_holds_something_else_is_left_alone(shell, tmp_path):
    (tmp_path / "m.csv").write_text("my,own\n")
    answer = shell("label", "blobs:1", "-o", tmp_path / "m.csv", "--annotator", "anna", "--no-browser")
    assert answer.code == 2
    assert "headed" in answer.err
    assert (tmp_path / "m.csv").read_text() == "my,own\n"


def test_the_summary_in_words(shell, tmp_path, monkeypatch):
    from matpose.labelling.server import LabelServer

    def interrupted(self) -> None:
        self.session.change(0, {"thorax": {"x_m": 0.4, "y_m": 0.4, "visibility": 2}})
        raise KeyboardInterrupt

    monkeypatch.setattr(LabelServer, "serve_forever", interrupted)
    answer = shell("label", "blobs:2", "-o", tmp_path / "m.csv", "--annotator", "anna", "--no-browser")
    assert answer.code == 0
    assert "1 points of anna on 1 of" in answer.out


def test_two_files_or_two_annotators_of_one_are_compared(shell, tmp_path):
    one, other = _marks(tmp_path, "a.csv", "anna"), _marks(tmp_path, "b.csv", "ben", x_m=0.53)
    found = json.loads(shell("label", "--compare", one, other, "--json").out)
    assert found["points"]["left_hip"]["all"]["median_cm"] == 3.0
    both = _marks(tmp_path, "both.csv", "anna", "ben")
    answer = shell("label", "--compare", both)
    assert answer.code == 0
    assert "anna and ben" in answer.out
    assert "left_hip" in answer.out
    assert "2.0" in answer.out
    assert "0 of 0 pairs" in answer.out


@pytest.mark.parametrize(("names", "said"), [(["anna"], "of anna"), (["anna", "ben", "cy"], "two annotators")])
def test_what_cannot_be_compared_is_one_line(shell, tmp_path, names, said):
    answer = shell("label", "--compare", _marks(tmp_path, "a.csv", *names))
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert shell("label", "--compare", *[tmp_path / "a.csv"] * 3).code == 2
