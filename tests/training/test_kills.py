"""SIGKILL at any moment: what stands is whole, and the resumed run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from forks import fork, outcome
from PIL import Image
from tiny import SMALL, tiny_recipe

from matpose.cli.main import app
from matpose.errors import MatposeError
from matpose.simulate.blobs import blob_people
from matpose.training.checkpoint import read_tensors
from matpose.training.history import read_history
from matpose.training.model_file import load_model
from matpose.training.recipe import load_recipe
from matpose.training.run import train

KILLS = int(os.environ.get("MATPOSE_KILLS", "100"))
DATA = "blobs:3"
RECIPE = tiny_recipe()


def _train(folder: Path) -> None:
    """A run, begun or resumed."""
    torch.set_num_threads(1)
    train(blob_people(3, 2), RECIPE, folder, resume=True, progress=False)


def _command(folder: Path) -> None:
    """What `matpose train` does, its report included, in silence."""
    torch.set_num_threads(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    app(["train", DATA, *SMALL, "-o", str(folder), "--resume"], standalone_mode=False)


def _uninterrupted(work: Callable[[Path], None], place: Path) -> Path:
    assert outcome(fork(lambda: work(place / "run"), place / "error")) == 0, (place / "error").read_text()
    return place / "run"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """An uninterrupted run."""
    return _uninterrupted(_train, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> tuple[Path, float]:
    """An uninterrupted command, and the seconds it took."""
    import matpose.training.run_report  # so that forked processes need not  # noqa: F401

    began = time.monotonic()
    return _uninterrupted(_command, tmp_path_factory.mktemp("reported")), time.monotonic() - began


def _check_whole_files(folder: Path) -> None:
    """Everything in a run's folder that looks finished is."""
    unfinished = [path for path in folder.rglob(".*") if path.is_file()]
    assert len(unfinished) <= 2, unfinished
    for path in folder.rglob("[!.]*"):
        if path.suffix == ".safetensors":
            read_tensors(path)
        elif path.name == "metrics.csv":
            assert all({"stage", "epoch", "train_loss", "val_loss"} <= row.keys() for row in read_history(path))
        elif path.name == "recipe.yaml":
            load_recipe(str(path))
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".png":
            Image.open(path).load()
        elif path.name == "report.html":
            assert path.read_text(encoding="utf-8").endswith("</html>\n")
    if (folder / "model.safetensors").exists():
        load_model(folder)


def _check_same_run(folder: Path, whole: Path) -> None:
    """Model, history, checkpoints, report and pictures are those of the uninterrupted run; nothing else is there."""
    assert _files(folder) == _files(whole)
    for name in _files(whole):
        if not name.endswith(".safetensors"):
            assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
            continue
        (found, facts), (expected, expected_facts) = read_tensors(folder / name), read_tensors(whole / name)
        assert found.keys() == expected.keys(), name
        assert all(torch.equal(found[key], expected[key]) for key in expected), name
        if name == "model.safetensors":
            assert {**facts, "created": 0} == {**expected_facts, "created": 0}


def _files(folder: Path) -> list[str]:
    """Names of all files but TensorBoard's, of which every start begins one."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(name) for name in names if name.parts[0] != "tensorboard")


def _die_while_writing(name: str, after: bool) -> None:
    """Let this process kill itself half way through writing the file of that name, or as soon as it stands."""
    replace = os.replace

    def deadly(source, target) -> None:
        if Path(target).name != name:
            replace(source, target)
            return
        if after:
            replace(source, target)
        else:
            os.truncate(source, os.path.getsize(source) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly


WRITTEN = (
    "data.json", "recipe.yaml", "metrics.csv", "presence-best.safetensors", "presence-last.safetensors",
    "reconstruction-best.safetensors", "reconstruction-last.safetensors", "model.safetensors",
)  # fmt: skip


def _kill_at_each(names: tuple[str, ...], after: bool, work: Callable[[Path], None], place: Path) -> Path:
    """One run, killed once at each of the files; each start goes on from the last, and the final one to the end."""

    def die(name: str) -> None:
        _die_while_writing(name, after)
        work(place / "run")

    for name in names:
        code = outcome(fork(lambda name=name: die(name), place / "error"))
        assert code == -signal.SIGKILL, (name, (place / "error").exists() and (place / "error").read_text())
        _check_whole_files(place / "run")
    return _uninterrupted(work, place)


def test_a_run_killed_half_way_through_its_files(whole, tmp_path):
    names = ("recipe.yaml", "presence-last.safetensors", "reconstruction-best.safetensors", "model.safetensors")
    _check_same_run(_kill_at_each(names, False, _train, tmp_path), whole)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_command_killed_at_every_file_it_writes(reported, tmp_path, after):
    names = (*WRITTEN, "reconstruction.png", "report.html")
    _check_same_run(_kill_at_each(names, after, _command, tmp_path), reported[0])


@pytest.mark.slow
def test_kills_at_random_moments(reported, tmp_path):
    """``MATPOSE_KILLS`` kills, over as many runs as it takes; every run ends as the uninterrupted one did."""
    expected, longest = reported
    chance = random.Random(0)
    killed: Counter[str] = Counter()
    runs = 0
    while sum(killed.values()) < KILLS:
        folder = tmp_path / f"run{runs}"
        while True:
            number = fork(lambda folder=folder: _command(folder), tmp_path / "error")
            time.sleep(longest * chance.random() ** 3)  # most soon, as each start begins with the same steps
            os.kill(number, signal.SIGKILL)  # a process that has ended waits to be asked how
            code = outcome(number)
            assert code in (0, -signal.SIGKILL), (tmp_path / "error").read_text()
            _check_whole_files(folder)
            if code == 0:
                longest *= 0.9  # so that a run takes some ten kills, however busy the machine is
                break
            longest *= 1.01
            killed[_how_far(folder)] += 1
        _check_same_run(folder, expected)
        runs += 1
    print(f"{sum(killed.values())} kills over {runs} runs: {dict(killed)}")
    assert KILLS < 50 or len(killed) >= 4


def _how_far(folder: Path) -> str:
    """Where in its course a run was killed."""
    steps = {
        "after its report": "report.html",
        "before its report": "model.safetensors",
        "in stage 2": "checkpoints/reconstruction-last.safetensors",
        "in stage 1 or between": "checkpoints/presence-last.safetensors",
        "before its first checkpoint": "recipe.yaml",
    }
    return next((step for step, name in steps.items() if (folder / name).exists()), "before its recipe")


@pytest.mark.slow
def test_the_command_itself_killed_and_resumed(reported, tmp_path):
    """As a user has it: a fresh process each time, killed while it loads, reads, trains and reports."""
    command = [sys.executable, "-m", "matpose", "train", DATA, *SMALL, "-o", str(tmp_path / "run"), "--resume"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start() -> subprocess.Popen:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    reached: tuple[Callable[[], bool], ...] = (
        lambda: True,
        lambda: (tmp_path / "run" / "recipe.yaml").exists(),
        lambda: (tmp_path / "run" / "checkpoints" / "presence-best.safetensors").exists(),
        lambda: (tmp_path / "run" / "model.safetensors").exists(),
    )
    for moment in reached:
        process = start()
        while not moment() and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL, process.stderr and process.stderr.read()
        _check_whole_files(tmp_path / "run")
    process = start()
    _, said = process.communicate()
    assert process.returncode == 0, said
    _check_same_run(tmp_path / "run", reported[0])


def test_a_run_that_had_not_begun_says_so_and_begins(tmp_path, shell):
    answer = shell("train", "blobs:1", *SMALL, "-o", tmp_path / "run", "--resume")
    assert "this is its beginning" in " ".join(answer.err.split())
    assert answer.code == 2  # one person is too few to train on
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("people", "seed", "said"),
    [
        ([1, 2], 0, "blobs/3 is missing"),
        ([1, 2, 3, 4], 0, "blobs/4 is new"),
        ([1, 2, 3], 1, "blobs/1, blobs/2, blobs/3 are changed"),
        ([2, 1, 3], 0, "another order"),
    ],
)
def test_resuming_with_other_recordings_is_refused(whole, people, seed, said):
    before = {name: (whole / name).read_bytes() for name in _files(whole)}
    with pytest.raises(MatposeError, match=f"{said}.*resume with the data it began with"):
        train(blob_people(people, 2, seed=seed), RECIPE, whole, resume=True, progress=False)
    assert {name: (whole / name).read_bytes() for name in _files(whole)} == before


def test_spoilt_notes_are_a_user_error(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    for text in ("", "[]", "{}", '{"people": 3}'):
        (tmp_path / "run" / "data.json").write_text(text)
        with pytest.raises(MatposeError, match="notes of a run"):
            train(blob_people(3, 2), RECIPE, tmp_path / "run", resume=True, progress=False)
