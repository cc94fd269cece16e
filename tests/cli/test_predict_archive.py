"""`matpose predict` over folders: any number of workers, killed or not, the same files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from matpose.readers import read, write_recording
from matpose.runtime import Detector, archive_ledger
from matpose.runtime.predict_file import predict_file

SAMPLE = Path(str(archive_ledger.__file__)).parents[1] / "samples" / "night.h5"
GRID = ("--rows", 64, "--cols", 32, "--pitch-mm", 27.8, "--unit", "kPa")
FILES = {"coco.json", "joints.csv", "points.csv", "poses.jsonl", "posture.csv"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Four nights in three folders, one of them plain text; a note, and an empty file."""
    folder, night = tmp_path_factory.mktemp("archive"), read(SAMPLE)
    for place, start in (("S1/night.h5", 0), ("S1/b.h5", 20), ("S2/night.h5", 100)):
        (folder / place).parent.mkdir(exist_ok=True)
        write_recording(folder / place, night.select(slice(start, start + 10)))
    np.savetxt(folder / "c.csv", night.frames[:4].reshape(4, -1), fmt="%.2f", delimiter=",")
    (folder / "README.md").write_text("to be read by people\n")
    (folder / "S2" / "none.csv").write_text("")
    return folder


def poses(folder: Path) -> dict[str, bytes]:
    """Every result but the ledger."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if name != archive_ledger.NAME}


def test_the_files_do_not_depend_on_the_number_of_workers(archive, tmp_path, shell):
    answer = shell("predict", archive, "-o", tmp_path / "one", *GRID, "--workers", 1)
    assert answer.code == 0, answer.err
    said = " ".join(answer.out.split())
    assert "4 recordings, 34 frames" in said
    assert "2 files could not be read" in said
    assert "the file is empty" in said
    answer = shell("predict", archive, "-o", tmp_path / "two", *GRID, "--workers", 2, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert (told["done"], told["skipped"], told["failed"], told["frames"]) == (4, 0, 2, 34)
    assert told["frames_per_s"] == pytest.approx(34 / told["seconds"], rel=0.01)
    assert sum(told["postures"].values()) == 34
    one, two = poses(tmp_path / "one"), poses(tmp_path / "two")
    assert one == two
    places = {"S1/night.h5", "S1/b.h5", "S2/night.h5", "c.csv"}
    assert set(one) == {f"{place}/{name}" for place in places for name in FILES} | {"failures.jsonl"}


def test_a_folder_of_which_nothing_can_be_read_is_an_error(archive, tmp_path, shell):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_bytes((archive / "c.csv").read_bytes())
    answer = shell("predict", folder, "-o", tmp_path / "out")  # nobody says the mat
    assert answer.code == 2
    last = answer.err.strip().splitlines()[-1]
    assert "--rows" in last
    assert "1 more of 2 files" in last
    assert "Traceback" not in answer.err
    assert shell("predict", tmp_path / "in" / "nowhere", "-o", tmp_path / "out").code == 2


def test_a_named_file_that_cannot_be_read_is_an_error_after_the_others(archive, tmp_path, shell):
    out = tmp_path / "out"
    answer = shell("predict", archive / "c.csv", archive / "README.md", "-o", out, *GRID, "--no-pictures")
    assert answer.code == 2
    assert "README.md: there are no numbers in it" in answer.err.splitlines()[-1]
    assert {path.name for path in (out / "c").iterdir()} == FILES
    answer = shell("predict", archive / "S1" / "b.h5", archive / "S2" / "night.h5", "-o", out, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert [set(one) for one in told] == [{"source", "output", "frames", "postures", "flags"}] * 2
    assert [Path(one["output"]).name for one in told] == ["b", "night"]
    assert (out / "b" / "film.gif").is_file()  # of named files, as ever


def test_engines_that_are_not_there_are_told(archive, tmp_path, shell, monkeypatch):
    assert "processes or ray" in shell("predict", archive, "-o", tmp_path / "out", "--engine", "spark").err
    monkeypatch.setitem(sys.modules, "ray", None)
    answer = shell("predict", archive, "-o", tmp_path / "out", "--engine", "ray")
    assert answer.code == 2
    assert "pip install 'matpose[cluster]'" in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_leaves_whole_files_and_goes_on(tmp_path):
    night, folder, out = read(SAMPLE), tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for index in range(5):
        write_recording(folder / f"{index}.h5", night.select(slice(40 * index, 40 * index + 40)))
    matpose = [sys.executable, "-c", "from matpose.cli.main import main; main()"]
    start = [*matpose, "predict", str(folder), "--workers", "2", "-o", str(out)]
    victim = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        ledger = out / archive_ledger.NAME
        while not (ledger.is_file() and ledger.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
    done = len(ledger.read_text().splitlines())
    assert 1 <= done < 5
    for path in out.rglob("poses.jsonl"):
        assert len([json.loads(line) for line in path.read_text().splitlines()]) == 40
    time.sleep(0.5)  # the workers end with their parent
    again = subprocess.run([*start, "--json"], capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["skipped"] >= done - 1  # the last line may have been half written
    assert told["done"] + told["skipped"] == 5
    for path in folder.iterdir():
        predict_file(Detector(), path, tmp_path / "alone" / path.name, options={})
    assert poses(out) == poses(tmp_path / "alone")


@pytest.mark.slow
def test_ray_writes_the_same(archive, tmp_path, shell):
    pytest.importorskip("ray", reason="the extra 'cluster' is not installed")
    assert shell("predict", archive, "-o", tmp_path / "here", *GRID).code == 0
    answer = shell("predict", archive, "-o", tmp_path / "ray", *GRID, "--engine", "ray", "--workers", 2, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert (told["done"], told["failed"], told["frames"], told["workers"]) == (4, 2, 34, 2)
    assert poses(tmp_path / "ray") == poses(tmp_path / "here")
    ledgers = [(tmp_path / name / archive_ledger.NAME).read_bytes() for name in ("here", "ray")]
    assert ledgers[0] == ledgers[1]
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    told = json.loads(shell("predict", archive, "-o", tmp_path / "ray", *GRID, "--json").out)
    assert (told["done"], told["skipped"]) == (0, 4)
