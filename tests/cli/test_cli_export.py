"""`matpose export`: parity and size are told; a file that it cannot stand for is not written."""

from __future__ import annotations

import pytest

from matpose.runtime.found import Found


def test_json_tells_parity_and_size(exported):
    """The fixture is what the command printed."""
    assert exported.path.name == "native.onnx"
    assert exported.size_bytes == exported.path.stat().st_size
    assert list(exported.parity) == list(Found._fields)
    assert max(exported.parity.values()) <= 1e-4


def test_text_tells_parity_and_size(trained_run, capsys, monkeypatch, tmp_path):
    """Through what the command calls, replaced: a second export would only take time."""
    from matpose.cli.export import export
    from matpose.runtime.export import Exported

    done = Exported(tmp_path / "a.onnx", 1_230_000, dict.fromkeys(Found._fields, 2.5e-6))
    monkeypatch.setattr("matpose.runtime.export.export_onnx", lambda *_: done)
    export(trained_run, tmp_path / "a.onnx")
    said = capsys.readouterr().out
    assert "1.23 MB" in said
    assert said.count("2.5e-06") == len(Found._fields)


@pytest.mark.parametrize("name", ["mine.safetensors", "mine"])
def test_another_ending_is_refused_before_any_work(shell, trained_run, tmp_path, name):
    answer = shell("export", trained_run, "-o", tmp_path / name)
    assert answer.code == 2
    assert "mine.onnx" in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_no_model_is_one_line(shell, tmp_path):
    answer = shell("export", tmp_path, "-o", tmp_path / "mine.onnx")
    assert answer.code == 2
    assert "no trained model" in answer.err
    assert answer.err.count("\n") == 1
