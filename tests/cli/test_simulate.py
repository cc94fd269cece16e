"""The verb simulate: its contract with made-up samples, and a few with the true simulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest
from PIL import Image

from matpose.mat import PRESETS
from matpose.readers import read

sys.path.insert(0, str(Path(__file__).parents[1] / "simulate"))  # workers find it by its name, too
import made_up  # pyright: ignore[reportMissingImports]


@pytest.fixture
def no_physics(monkeypatch):
    """Made-up samples in place of the simulator's."""
    scene, night = ModuleType("matpose.simulate.scene"), ModuleType("matpose.simulate.night")
    scene.__dict__["draw_sample"] = made_up.made_up
    night.__dict__["night"] = made_up.made_up_night
    monkeypatch.setitem(sys.modules, "matpose.simulate.scene", scene)
    monkeypatch.setitem(sys.modules, "matpose.simulate.night", night)


BED = ("--rows", "24", "--cols", "12", "--pitch-mm", "80x70")


def arrays(path: Path) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in read(path).columns.items()}


def test_frames_as_asked_for_by_any_number_of_workers(tmp_path, shell, no_physics):
    a, b = tmp_path / "a.h5", tmp_path / "b.h5"
    answer = shell("simulate", "--frames", 40, "--seed", 7, *BED, "--workers", 1, "-o", a, "--json")
    assert answer.code == 0, answer.err
    facts = json.loads(answer.out)
    expected = {"output": str(a), "frames": 40, "rows": 24, "cols": 12, "unit": "kPa", "preview": None}
    assert facts == expected | {"bytes": a.stat().st_size}
    said = shell(
        "simulate", "--frames", 40, "--seed", 7, *BED, "--workers", 2, "-o", b, "--preview", tmp_path / "b.png"
    )
    assert (said.code, said.out.count("\n")) == (0, 2)
    assert "40 of 40 frames" in said.err
    assert arrays(a) == arrays(b)
    np.testing.assert_array_equal(read(a).frames[11], made_up.made_up(11, seed=7).pressure_kpa)
    with Image.open(tmp_path / "b.png") as sheet:
        assert sheet.format == "PNG"
    with h5py.File(a) as file:  # what any other tool sees
        assert sorted(file) == [
            "facts", "flags", "frames", "joint_contact", "joints_m", "landmarks_m", "mat", "meta", "parts", "person",
            "posture", "time_s",
        ]  # fmt: skip


def test_inspect_tells_what_is_known(tmp_path, shell, no_physics):
    shell("simulate", "--frames", 7, *BED, "--workers", 1, "-o", tmp_path / "a.h5")
    facts = json.loads(shell("inspect", tmp_path / "a.h5", "--json").out)
    postures = {"left": 3, "supine": 4}
    assert facts["truth"] == {"postures": postures, "joints": 14, "landmarks": 12, "parts": 1, "people": 7}
    assert (facts["mat"]["rows"], facts["mat"]["pitch_y_m"], facts["flags"]) == (24, 0.08, {"nan": 2})
    assert facts["meta"].keys() == {"seed", "bodies", "matpose", "mujoco"}
    said = shell("inspect", tmp_path / "a.h5").out
    assert "14 joints, 12 landmarks, 1 parts, 7 people, left (3), supine (4)" in " ".join(said.split())


def test_a_night(tmp_path, shell, no_physics):
    answer = shell("simulate", "--night", 0.1, *BED, "-o", tmp_path / "a.h5")
    assert answer.code == 0, answer.err
    recording = read(tmp_path / "a.h5")
    assert recording.duration_s == 359
    assert len(recording.events) == 6
    assert json.loads(shell("inspect", tmp_path / "a.h5", "--json").out)["truth"]["events"] == 6


def test_posture_and_preset_are_passed_on(tmp_path, shell, no_physics):
    shell("simulate", "--frames", 2, "--posture", "prone", "--mat", "bt3510", "--workers", 1, "-o", tmp_path / "a.h5")
    recording = read(tmp_path / "a.h5")
    assert recording.posture is not None
    assert (set(recording.posture), recording.mat) == ({"prone"}, PRESETS["bt3510"])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "give either --frames N or --night HOURS"),
        (("--frames", 3, "--night", 1), "give either"),
        (("--frames", 3, "--rows", 64), "only one of rows and columns"),
        (("--frames", 3, "--rows", 64, "--cols", 32), "--pitch-mm"),
        (("--frames", 3, "--rows", 0, "--cols", 32, "--pitch-mm", 30), "0 x 32 cells"),
        (("--frames", 3, "--rows", 64, "--cols", 32, "--pitch-mm", -3), "is no pitch"),
        (("--frames", 3, "--rows", 64, "--cols", 32, "--pitch-mm", 0), "a pitch of 0 mm"),
        (("--frames", 3, "--rows", 64, "--cols", 9, "--pitch-mm", 30), "1.92 x 0.27 m holds nobody"),
        (("--frames", 3, "--mat", "bed"), "no mat preset"),
        (("--frames", 3, "--mat", "bpms", "--pitch-mm", 30), "a preset has its own pitch"),
        (("--frames", 3, "--mat", "bpms", *BED), "two mats"),
        (("--night", 0), "a night of 0 hours"),
        (("--night", "nan"), "a night of nan hours"),
        (("--night", 1, "--posture", "left"), "leave out --posture"),
        (("--frames", 1, "--posture", "left", "--style", "left-log"), "give one of them"),
        (("--frames", 20_000, "--mat", "bpms"), "more than 512 MiB"),
        (("--frames", 3, "--preview", "a.h5"), "have one name"),
    ],
)
def test_what_cannot_be_simulated(tmp_path, shell, no_physics, monkeypatch, words, problem):
    monkeypatch.chdir(tmp_path)
    answer = shell("simulate", *words, "-o", "a.h5")
    assert answer.code == 2
    assert problem in answer.err
    assert answer.err.startswith("matpose: ")
    assert "Traceback" not in answer.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("--frames", 0), ("--frames", 1, "--workers", 0), ("--frames", 1, "--seed", -1)])
def test_numbers_out_of_range(tmp_path, shell, words):
    assert shell("simulate", *words, "-o", tmp_path / "a.h5").code == 2
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unless_forced(tmp_path, shell, no_physics):
    (tmp_path / "a.h5").write_text("mine")
    words = ("simulate", "--frames", 2, *BED, "--workers", 1, "-o", tmp_path / "a.h5")
    answer = shell(*words)
    assert answer.code == 2
    assert "--force" in answer.err
    assert (tmp_path / "a.h5").read_text() == "mine"
    (tmp_path / "sheet.png").write_text("mine, too")
    assert shell(*words, "--force", "--preview", tmp_path / "other.png").code == 0
    (tmp_path / "a.h5").unlink()
    assert shell(*words, "--preview", tmp_path / "sheet.png").code == 2
    assert (tmp_path / "sheet.png").read_text() == "mine, too"


def test_without_mujoco_it_says_what_to_install(tmp_path, shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    for name in [name for name in sys.modules if name.startswith("matpose.simulate")]:
        monkeypatch.delitem(sys.modules, name)
    answer = shell("simulate", "--frames", 1, "-o", tmp_path / "a.h5")
    assert answer.code == 2
    assert answer.err == "matpose: this needs the package 'mujoco'. Mend: pip install 'matpose[simulate]'.\n"
    assert not list(tmp_path.iterdir())


def test_the_true_simulator_gives_the_same_by_one_and_two_workers(tmp_path, shell):
    pytest.importorskip("mujoco")
    for name, workers in (("a.h5", 1), ("b.h5", 2)):
        words = ("simulate", "--frames", 3, "--seed", 7, "--workers", workers, "-o", tmp_path / name)
        answer = shell(*words)
        assert answer.code == 0, answer.err
    assert arrays(tmp_path / "a.h5") == arrays(tmp_path / "b.h5")
    assert "nobody is simulated" in shell("simulate", "--frames", 1, "--posture", "up", "-o", tmp_path / "c.h5").err


@pytest.mark.slow
def test_two_people_on_one_mat_by_one_and_two_workers(tmp_path, shell):
    pytest.importorskip("mujoco")
    words = ("simulate", "--frames", 2, "--people", 2, "--mat", "carpet", "--seed", 3)
    for name, workers in (("a.h5", 1), ("b.h5", 2)):
        picture = tmp_path / f"{name}.png"
        answer = shell(*words, "--workers", workers, "--preview", picture, "-o", tmp_path / name)
        assert answer.code == 0, answer.err
        assert picture.exists()
    assert arrays(tmp_path / "a.h5") == arrays(tmp_path / "b.h5")
    recording = read(tmp_path / "a.h5")
    assert recording.whose is not None
    assert recording.facts is not None
    assert recording.partner_facts is not None
    assert set(np.unique(recording.whose)) == {0, 1, 2}
    assert (recording.facts["mass_kg"] != recording.partner_facts["mass_kg"]).all()
    assert recording.meta["people"] == "2"
    copied = shell("convert", tmp_path / "b.h5", "-o", tmp_path / "c.h5")
    assert copied.code == 0, copied.err
    assert arrays(tmp_path / "b.h5") == arrays(tmp_path / "c.h5")
    assert json.loads(shell("inspect", tmp_path / "b.h5", "--json").out)["truth"]["joints"] == 14


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--frames", 3), "a mat 0.89 m wide holds no two people. Mend: give one of at least 1.4 m: --mat carpet"),
        (("--night", 1, "--mat", "bpms"), "0.85 m wide holds no two people"),
        (("--frames", 3, "--mat", "carpet", "--style", "pmatdata"), "do not lie side by side as 'pmatdata'"),
        (("--frames", 3, "--mat", "carpet", "--style", "starfish"), "do not lie side by side as 'starfish'"),
        (("--night", 1, "--mat", "carpet", "--posture", "left"), "leave out --posture"),
    ],
)
def test_what_two_people_cannot_do(tmp_path, shell, words, problem):
    pytest.importorskip("mujoco")
    answer = shell("simulate", "--people", 2, *words, "-o", tmp_path / "a.h5")
    assert answer.code == 2
    assert problem in answer.err
    assert not list(tmp_path.iterdir())
    assert shell("simulate", "--people", 3, *words, "-o", tmp_path / "a.h5").code == 2


def test_an_interrupt_is_one_line_and_the_same_command_goes_on(tmp_path, shell):
    pytest.importorskip("mujoco")
    words = ["simulate", "--frames", "66", "--seed", "1", "--workers", "2", "-o", str(tmp_path / "a.h5")]
    run = subprocess.Popen(
        [sys.executable, "-m", "matpose", *words], text=True, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=made_up.heed_interrupts,
    )  # fmt: skip
    hidden = tmp_path / ".a.h5.partial"
    end = time.monotonic() + 30
    while not hidden.is_dir() and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(run.pid, signal.SIGINT)
    said = run.communicate(timeout=30)[1]
    assert run.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert hidden.is_dir()
    other = shell("simulate", "--frames", 66, "--seed", 2, "-o", tmp_path / "a.h5")
    assert other.code == 2
    assert "seed 1, not 2" in other.err
