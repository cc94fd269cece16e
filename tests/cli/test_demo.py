"""`matpose demo`: the package alone shows joints and posture over a night."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import importlib.abc, sys
class Nowhere(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "lightning", "scipy", "sklearn", "mujoco"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nowhere())
from matpose.cli.main import main
sys.argv = ["matpose", *sys.argv[1:]]
main()
"""


def demo(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    """The command in a Python where only the base packages can be imported."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, "demo", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def test_the_base_installation_finds_joints_and_posture_in_the_packaged_night(tmp_path):
    done = demo("-o", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["frames"] == 240
    assert figures["posture_accuracy"] > 0.97
    assert figures["joint_median_cm"] < 3
    page = (tmp_path / "out" / "report.html").read_text()
    assert "left ankle" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    poses = [json.loads(line) for line in (tmp_path / "out" / "poses.jsonl").open()]
    assert len(poses) == 240
    assert all(len(pose["keypoints"]) == 14 for pose in poses)
    assert (tmp_path / "out" / "film.gif").stat().st_size > 50_000


@pytest.mark.parametrize("arguments", [["--data", "x"], ["epochs=2"]])
def test_what_is_for_a_training_is_refused_without_one(arguments, tmp_path):
    done = demo(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "--train" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_training_without_torch_names_the_extra(tmp_path):
    done = demo("--train", cwd=tmp_path)
    assert done.returncode == 2
    assert "matpose[train]" in done.stderr
