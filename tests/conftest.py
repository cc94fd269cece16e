"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

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
