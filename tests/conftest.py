"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# tests run side by side, a core each; threads that spin while they wait would starve each other. Before torch loads
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real recordings; skips where they are absent."""
    named = os.environ.get("MATPOSE_DATA")
    places = [Path(named)] if named else [_ROOT.parent / "shared" / "data", _ROOT / "shared" / "data"]
    for place in places:
        if (place / "pmatdata").is_dir():
            return place
    pytest.skip(f"no real recordings at {' or '.join(map(str, places))}; set MATPOSE_DATA to their folder")


@dataclass
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def shell(monkeypatch, capsys):
    """``shell("info", "native")`` runs `matpose info native` in this process, as the shell would."""
    from matpose.cli.main import main

    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["matpose", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory) -> Path:
    """The folder of a native model with random weights, sharp maps and a posture head."""
    from nets import random_model

    from matpose.training.model_file import FILE_NAME, save_model

    folder = tmp_path_factory.mktemp("run")
    save_model(folder / FILE_NAME, random_model())
    return folder


@pytest.fixture(scope="session")
def exported(trained_run, tmp_path_factory):
    """The same model by `matpose export`: an :class:`matpose.runtime.export.Exported`. It takes some seconds."""
    import json

    from typer.testing import CliRunner

    from matpose.cli.main import app
    from matpose.runtime.export import Exported

    path = tmp_path_factory.mktemp("onnx") / "native.onnx"
    done = CliRunner().invoke(app, ["export", str(trained_run), "-o", str(path), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    return Exported(Path(told["output"]), told["size_bytes"], told["parity"])


@pytest.fixture(scope="session")
def tiny_onnx(tmp_path_factory) -> Path:
    """An exported net of all six answers, joints among them."""
    from nets import TINY_CANVAS, TINY_CARD, TinyPose

    from matpose.runtime.export import export_onnx
    from matpose.runtime.parity import parity_maps

    path = tmp_path_factory.mktemp("tiny") / "tiny.onnx"
    return export_onnx(TinyPose(), parity_maps(TINY_CANVAS), path, TINY_CARD).path
