"""The parts of `train` and `predict` that need no training; the whole way is in e2e."""

from __future__ import annotations

from pathlib import Path

import pytest

from matpose.cli.outputs import folder_names


def test_every_input_has_its_own_folder():
    paths = [Path("a/1.csv"), Path("b/1.csv"), Path("c/1-2.csv"), Path("d/1.txt")]
    names = folder_names(paths)
    assert names == ["a-1", "b-1", "1-2", "d-1"]
    assert len(set(names)) == 4


@pytest.mark.parametrize("change", ["epohcs=3", "epochs=none", "cell_mm=-1", "routes=[0.3]"])
def test_a_wrong_recipe_is_told_before_any_file_is_read(shell, tmp_path, change):
    answer = shell("train", tmp_path / "not-there", change, "-o", tmp_path / "run")
    assert answer.code == 2
    assert change.partition("=")[0] in answer.err
    assert not (tmp_path / "run").exists()


def test_a_file_with_an_equals_sign_is_data(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("night=1.csv").write_text("not numbers at all\n")
    answer = shell("train", "night=1.csv", "-o", "run", "--rows", 4, "--cols", 4, "--pitch-mm", 30)
    assert answer.code == 2
    assert "night=1.csv" in answer.err
    assert "no key" not in answer.err
