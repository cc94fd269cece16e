"""The entry point: instant help, no torch for it, and one red line for every user error."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from matpose import __version__
from matpose.cli import main as entry

SPY = """
import sys
from matpose.cli.main import main
sys.argv = ["matpose", *sys.argv[1:]]
try:
    main()
finally:
    heavy = sorted({"torch", "lightning", "numpy", "matplotlib", "onnxruntime", "h5py"} & set(sys.modules))
    print("heavy:", heavy, file=sys.stderr)
"""


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("train", "--help"), ("predict", "--help")])
def test_help_needs_nothing_heavy(words):
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", SPY, *words], capture_output=True, text=True, timeout=60, check=False)
    print(f"matpose {' '.join(words)}: {time.perf_counter() - start:.2f} s")
    assert done.returncode == 0
    assert "heavy: []" in done.stderr


def test_help_names_every_verb_and_what_it_is_for(shell):
    answer = shell("--help")
    assert answer.code == 0
    for verb in entry.VERBS:
        assert verb in answer.out
    assert "not a medical device" in " ".join(answer.out.split())
    assert shell("--version").out.strip() == f"matpose {__version__}"


def test_a_wrong_option_and_a_wrong_verb_exit_with_2(shell):
    assert shell("dance").code == 2
    assert shell("info", "native", "--colour").code == 2
    assert shell("train").code == 2


def test_an_interrupt_is_one_line(shell, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "app", interrupted)
    answer = shell("info")
    assert (answer.code, answer.err) == (130, "matpose: interrupted\n")


def test_a_package_that_is_not_installed_is_one_line(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = shell("info", "native")
    assert answer.code == 2
    assert "'torch'" in answer.err
    assert "pip install 'matpose[train]'" in answer.err
    assert "Traceback" not in answer.err
