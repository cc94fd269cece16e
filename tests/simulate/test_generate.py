"""From samples to a file: the same by any number of workers, after a kill, an interrupt or an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made_up import MAT, heed_interrupts, made_up, process, threads
from PIL import Image

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.quality import assess
from matpose.readers import read
from matpose.recording import Flag, Recording
from matpose.simulate.generate import recording_of, simulate_frames, simulate_night
from matpose.simulate.sheet import COLUMNS, MOST, draw_sheet, write_sheet
from matpose.workers import in_order

SETTINGS = {"seed": 7, "posture": None}


def simulated(path: Path, count: int = 21, *, workers: int = 1, chunk: int = 8, **how) -> Recording:
    make = partial(made_up, seed=7, **{k: how.pop(k) for k in ("fail_at", "die_at") if k in how})
    simulate_frames(make, count, MAT, path, workers=workers, settings=SETTINGS, chunk=chunk, **how)
    return read(path)


def arrays(recording: Recording) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in recording.columns.items()}


def test_the_file_says_what_the_samples_say(tmp_path):
    seen: list[int] = []
    recording = simulated(tmp_path / "a.h5", progress=seen.append)
    assert seen == list(range(22))
    assert (len(recording), recording.unit, recording.mat, recording.name) == (21, "kPa", MAT, "a")
    assert recording.meta == {"seed": "7"}
    assert recording.person is not None
    np.testing.assert_array_equal(recording.person, np.arange(21))
    np.testing.assert_array_equal(recording.time_s, np.arange(21.0))
    for index in (0, 7, 8, 20):
        sample = made_up(index, seed=7)
        one = recording.select(slice(index, index + 1)).columns
        assert one.pop("posture").tolist() == [sample.posture]
        facts = one.pop("facts")
        assert (facts["mass_kg"], facts["sex"], facts["posture17"]) == (60 + index, b"", 0)
        assert np.isnan(facts["stature_m"])
        known = {"frames": sample.pressure_kpa} | {name: getattr(sample, name) for name in one if hasattr(sample, name)}
        assert len(known) == 5
        for name, array in known.items():
            np.testing.assert_array_equal(one[name][0], array, err_msg=name)
    assert ((recording.flags & Flag.NAN > 0) == (np.arange(21) % 5 == 0)).all()


def test_neither_workers_nor_chunks_change_the_data(tmp_path):
    alone = arrays(simulated(tmp_path / "a.h5"))
    assert arrays(simulated(tmp_path / "b.h5", workers=3)) == alone
    assert arrays(simulated(tmp_path / "c.h5", chunk=5)) == alone


def test_frames_are_flagged_one_by_one():
    """Together, a feather-light frame amid others would be taken for a failed transfer."""
    light = made_up(1)
    light = replace(light, pressure_kpa=light.pressure_kpa * np.float32(0.1))
    alone = recording_of(light, MAT)
    beside = np.stack([made_up(2).pressure_kpa, alone.frames[0], made_up(3).pressure_kpa])
    together = assess(Recording(beside, MAT, "kPa", np.arange(3.0), np.zeros(3, np.uint16)))
    assert together.flags[1] & Flag.CORRUPTED
    assert not alone.flags[0] & Flag.CORRUPTED


def test_an_error_of_a_worker_arrives_as_itself_and_what_was_made_is_kept(tmp_path):
    with pytest.raises(MatposeError, match=r"there is no such person. Mend: ask for another.$"):
        simulated(tmp_path / "a.h5", workers=2, fail_at=18)
    seen: list[int] = []
    resumed = simulated(tmp_path / "a.h5", progress=seen.append)
    assert seen == [*range(16, 22)]
    assert arrays(resumed) == arrays(simulated(tmp_path / "b.h5"))
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_a_killed_worker_is_one_clear_line(tmp_path):
    with pytest.raises(MatposeError, match="a worker was killed"):
        simulated(tmp_path / "a.h5", die_at=3)


def test_too_much_is_refused_before_the_first_sample(tmp_path):
    with pytest.raises(MatposeError, match="more than 512 MiB"):
        simulated(tmp_path / "a.h5", 1_000_000, fail_at=0)
    with pytest.raises(MatposeError, match="frames, more than"):
        simulate_frames(made_up, 1 << 23, Mat(1, 1, 0.3, 0.3), tmp_path / "a.h5", workers=1, settings={})
    assert not list(tmp_path.iterdir())


RUN = """
import sys
from functools import partial
from made_up import *
from matpose.simulate.generate import simulate_frames
if __name__ == "__main__":
    make = partial(made_up, seed=7, wait_s=0.02)
    print("go", flush=True)
    simulate_frames(make, 60, MAT, sys.argv[1], workers=2, settings={"seed": 7}, chunk=4)
"""


@pytest.fixture
def run_of_60(tmp_path):
    """Starts a process that simulates 60 frames to a.h5; gives it."""
    (tmp_path / "run.py").write_text(RUN)
    begun = []

    def start() -> subprocess.Popen[str]:
        path = filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")])
        env = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
        words = [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "a.h5")]
        run = subprocess.Popen(
            words, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=heed_interrupts,
        )  # fmt: skip
        begun.append(run)
        return run

    yield start
    for run in begun:
        with suppress(ProcessLookupError):  # with whatever it has left behind, which would keep its pipes open
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def pieces(folder: Path) -> int:
    return len(list((folder / ".a.h5.partial").glob("0*.h5")))


def wait_for(true, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def alive(session: int) -> list[int]:
    """Processes of a session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to find orphans in")
def test_killed_and_resumed_it_is_the_same_file_and_no_worker_outlives_it(tmp_path, run_of_60):
    run = run_of_60()
    wait_for(lambda: pieces(tmp_path) >= 3)
    run.kill()
    run.wait()
    wait_for(lambda: not alive(run.pid))
    kept = pieces(tmp_path)
    assert 3 <= kept < 15
    assert not (tmp_path / "a.h5").exists()
    again = run_of_60()
    assert (again.wait(60), again.communicate()[1]) == (0, "")
    make = partial(made_up, seed=7)
    simulate_frames(make, 60, MAT, tmp_path / "b.h5", workers=1, settings={"seed": 7}, chunk=4)
    assert arrays(read(tmp_path / "a.h5")) == arrays(read(tmp_path / "b.h5"))


@pytest.mark.parametrize("when", ["at once", "later"])
def test_an_interrupt_ends_it_with_one_traceback_and_keeps_the_pieces(tmp_path, run_of_60, when):
    run = run_of_60()
    assert run.stdout is not None
    run.stdout.readline()
    if when == "later":
        wait_for(lambda: pieces(tmp_path) >= 2)
    else:
        wait_for((tmp_path / ".a.h5.partial" / "settings.json").exists)
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGINT)  # a terminal sends it to the workers too
    said = run.communicate(timeout=20)[1]
    assert said.count("Traceback") == 1, said  # the parent's own, which the command turns into one line
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert not (tmp_path / "a.h5").exists()
    if when == "later":
        assert pieces(tmp_path) >= 2


def test_workers_have_one_thread_and_share_the_work():
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    assert list(in_order(threads, range(2), 1)) == ["1", "1"]
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before
    assert len(set(in_order(process, range(12), 2))) == 2


def test_the_workers_do_not_run_ahead_of_the_file():
    asked: list[int] = []

    def items():
        for item in range(100):
            asked.append(item)
            yield item

    made = in_order(abs, items(), 2)
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    made.close()
    assert len(asked) <= 12


def night(chunks: int = 6, per_chunk: int = 12, step_s: float = 10.0):
    for number in range(chunks):
        frames = np.stack([made_up(number * 100 + index).pressure_kpa for index in range(per_chunk)])
        time_s = (number * per_chunk + np.arange(per_chunk)) * step_s
        frames[:, 5, 5] = 2.5 if number == 3 else frames[:, 5, 5]  # a cell sticks for one chunk
        yield assess(Recording(
            frames, MAT, "kPa", time_s, np.zeros(per_chunk, np.uint16),
            events=((float(time_s[0]), f"turn {number}"),), meta={"stature_m": "1.7"},
        ))  # fmt: skip


def test_a_night_is_joined_with_its_events_and_flags(tmp_path):
    seen: list[float] = []
    simulate_night(night(), MAT, tmp_path / "a.h5", hours=0.2, settings=SETTINGS, progress=seen.append)
    recording = read(tmp_path / "a.h5")
    np.testing.assert_array_equal(recording.time_s, np.arange(72) * 10.0)
    assert recording.events == tuple((number * 120.0, f"turn {number}") for number in range(6))
    assert recording.meta == {"seed": "7", "stature_m": "1.7"}
    stuck = np.flatnonzero(recording.flags & Flag.STUCK)
    assert stuck.tolist() == list(range(36, 48))
    assert seen[-2:] == [pytest.approx(710 / 3600), 0.2]


def test_a_night_goes_on_where_it_stopped(tmp_path):
    def broken():
        for number, chunk in enumerate(night()):
            if number == 4:
                raise MatposeError("the lamp went out", mend="light it")
            yield chunk

    with pytest.raises(MatposeError, match="lamp"):
        simulate_night(broken(), MAT, tmp_path / "a.h5", hours=0.2, settings=SETTINGS)
    with pytest.raises(MatposeError, match="other settings"):
        simulate_night(night(), MAT, tmp_path / "a.h5", hours=0.3, settings=SETTINGS)
    simulate_night(night(), MAT, tmp_path / "a.h5", hours=0.2, settings=SETTINGS)
    simulate_night(night(), MAT, tmp_path / "b.h5", hours=0.2, settings=SETTINGS)
    one, other = read(tmp_path / "a.h5"), read(tmp_path / "b.h5")
    assert arrays(one) == arrays(other)
    assert one.events == other.events


def test_a_night_too_long_is_refused_after_its_first_chunk(tmp_path):
    with pytest.raises(MatposeError, match="more than"):
        simulate_night(night(step_s=0.001), MAT, tmp_path / "a.h5", hours=8, settings=SETTINGS)


def test_the_sheet_shows_maps_and_joints(tmp_path):
    mat = Mat(20, 10, 0.1, 0.1)
    frames = np.zeros((2, 20, 10))
    frames[1, 10:, :] = 5
    joints = np.full((2, 14, 3), 0.25)
    joints[1, 3] = (0.75, 1.75, 0)  # left hip
    picture = np.asarray(draw_sheet(frames, joints, mat)).astype(int)
    assert picture.shape == (252, 2 * 126 + 6, 3)
    first, second = picture[6:246, 6:126], picture[6:246, 132:252]
    assert (first[60:, :].sum(-1) < 20).all()  # nobody on it
    assert (second[130:, 20:50].sum(-1) > 500).all()
    assert tuple(second[210, 90]) == (64, 224, 255)
    both = np.stack([joints, joints * [0.5, 1, 1]], 1)  # the partner's left hip is at x = .375
    beside = np.asarray(draw_sheet(frames, both, mat)).astype(int)[6:246, 132:252]
    assert tuple(beside[210, 90]) == tuple(beside[210, 45]) == (64, 224, 255)
    assert tuple(second[210, 45]) != (64, 224, 255)
    nobody = np.asarray(draw_sheet(frames[:1], joints[:1] * np.nan, mat))
    assert len(np.unique(nobody[6:246, 6:126].reshape(-1, 3), axis=0)) == 1
    simulated(tmp_path / "a.h5", 60)
    write_sheet(tmp_path / "a.png", tmp_path / "a.h5", MAT)
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size[1] == MOST // COLUMNS * 246 + 6
