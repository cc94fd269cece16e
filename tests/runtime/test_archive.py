"""Archives: the same results as file by file, only once, whatever breaks on the way."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matpose.errors import MatposeError, ModelError
from matpose.intake import intake
from matpose.mat import Mat
from matpose.readers import read, write_recording
from matpose.readers.hdf5_lazy import FramesOnDisk, opened
from matpose.recording import Flag
from matpose.runtime import Detector, archive_ledger
from matpose.runtime.archive import Job, jobs_of, predict_archive
from matpose.runtime.deeplabcut import write_deeplabcut
from matpose.runtime.predict_file import poses_of, predict_file

SAMPLE = Path(str(archive_ledger.__file__)).parents[1] / "samples" / "night.h5"
GRID = {"rows": 64, "cols": 32, "pitch_mm": "27.8", "unit": "kPa"}


class Here:
    """An engine without processes."""

    workers = 1
    frames = 0

    def __init__(self) -> None:
        self.seen: list[str] = []

    def as_done(self, work, items):
        for job in items:
            self.seen.append(job.output)
            yield job, work(job)


@pytest.fixture(scope="module")
def night():
    return read(SAMPLE)


@pytest.fixture
def archive(tmp_path, night) -> Path:
    """Three short nights, one of them plain text; a note and a file cut short."""
    folder = tmp_path / "in"
    (folder / "S1").mkdir(parents=True)
    write_recording(folder / "S1" / "a.h5", night.select(slice(0, 13)))
    write_recording(folder / "b.h5", night.select(slice(100, 107)))
    np.savetxt(folder / "S1" / "a.csv", night.frames[30:35].reshape(5, -1), fmt="%.3f", delimiter=",")
    (folder / "README.md").write_text("to be read by people\n")
    (folder / "S1" / "cut.h5").write_bytes(SAMPLE.read_bytes()[:30_000])
    return folder


def run(folder: Path, out: Path, **more):
    engine = Here()
    done = predict_archive(jobs_of([folder], ["in"], out), out, engine, options=GRID, **more)
    return done, engine.seen


def results(folder: Path) -> dict[str, bytes]:
    """Everything below a folder but times of change."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items())}


# one file


@pytest.mark.parametrize("frames", [9, 64, 137])
def test_frames_left_on_the_disk_give_the_very_same_poses(tmp_path, night, frames):
    spoilt = night.frames[:frames].copy()
    spoilt[:, 20, 12] = 4.25  # a cell that sticks, whatever the window
    spoilt[5:, 30, 8] = np.nan
    spoilt[3, 40, 16] = 60.0
    recording = intake(spoilt, replace(night.mat, mirror=False), unit="kPa", rate_hz=0.1)
    write_recording(tmp_path / "a.h5", recording)
    detector = Detector()
    whole = [pose.to_dict() for pose in detector(read(tmp_path / "a.h5"))]
    with opened(tmp_path / "a.h5") as lazy:
        assert [pose.to_dict() for pose in poses_of(detector, lazy)] == whole
    if frames > 20:
        assert any("stuck" in pose["flags"] for pose in whole)


@pytest.mark.parametrize("kind", ["raw", "wide"])
def test_what_is_judged_by_the_whole_recording_is_so_too(tmp_path, night, kind):
    frames = night.frames[60:83]
    mat, unit = night.mat, "raw"
    if kind == "wide":  # a double bed, and the person walks over it
        unit = "kPa"
        frames = np.stack([np.roll(np.pad(one, ((0, 0), (0, 40))), index, 1) for index, one in enumerate(frames)])
        mat = Mat(64, 72, 0.0278, 0.0278)
    write_recording(tmp_path / "a.h5", intake(frames, replace(mat, mirror=False), unit=unit, rate_hz=0.1))
    detector = Detector()
    with opened(tmp_path / "a.h5") as lazy:
        found = [pose.to_dict() for pose in poses_of(detector, lazy)]
    assert found == [pose.to_dict() for pose in detector(read(tmp_path / "a.h5"))]
    assert any(point for pose in found for point in pose["points"])


def test_hours_are_read_by_the_window(tmp_path, night, monkeypatch):
    write_recording(tmp_path / "a.h5", night)
    asked: list[int] = []
    slices = FramesOnDisk.__getitem__

    def spied(self, index):
        got = slices(self, index)
        asked.append(len(got))
        return got

    with opened(tmp_path / "a.h5") as lazy:
        monkeypatch.setattr(FramesOnDisk, "__getitem__", spied)
        assert sum(1 for _ in poses_of(Detector(), lazy)) == len(night)
    assert max(asked) < 20
    assert sum(asked) <= 2 * len(night)


def test_pictures_are_of_the_frames_they_name(tmp_path, night):
    from PIL import Image

    from matpose.runtime.overlay import overlay

    write_recording(tmp_path / "a.h5", night.select(slice(20, 50)))
    detector, folder = Detector(), tmp_path / "out"
    summary = predict_file(detector, tmp_path / "a.h5", folder, options={}, pictures=True)
    assert summary["frames"] == 30
    names = sorted(path.name for path in (folder / "pictures").iterdir())
    assert len(names) == 12
    assert (names[0], names[-1]) == ("frame_000000.png", "frame_000029.png")
    recording = read(tmp_path / "a.h5")
    pose = list(detector(recording))[29]
    expected = overlay(recording.frames[29], recording.mat, pose)
    assert Image.open(folder / "pictures" / names[-1]).tobytes() == expected.tobytes()
    assert (folder / "film.gif").is_file()


def test_deeplabcut_is_written_where_asked_for(tmp_path, night):
    write_recording(tmp_path / "a.h5", night.select(slice(20, 24)))
    detector, path = Detector(), tmp_path / "out" / "deeplabcut.csv"
    predict_file(detector, tmp_path / "a.h5", path.parent, options={})
    others = results(path.parent)
    assert path.name not in others
    predict_file(detector, tmp_path / "a.h5", path.parent, options={}, deeplabcut=True)
    write_deeplabcut(tmp_path / "expected.csv", detector(read(tmp_path / "a.h5")), night.mat)
    assert results(path.parent) == others | {path.name: (tmp_path / "expected.csv").read_bytes()}


# which files


def test_every_file_keeps_its_place(archive, tmp_path):
    (archive / ".hidden").mkdir()
    (archive / ".hidden" / "c.csv").write_text("1 2 3\n")
    (archive / ".DS_Store").write_text("x")
    (archive / "labels.csv").write_text("file,posture\n")
    (archive / "earlier").mkdir()
    (archive / "earlier" / archive_ledger.NAME).write_text("")
    (archive / "earlier" / "posture.csv").write_text("1,2\n")
    (archive / "out").mkdir()
    (archive / "out" / "posture.csv").write_text("1,2\n")
    places = [job.output for job in jobs_of([archive], ["in"], archive / "out")]
    assert places == ["README.md", "b.h5", "S1/a.csv", "S1/a.h5", "S1/cut.h5"]
    two = jobs_of([archive / "S1", archive / "b.h5"], ["S1", "b"], tmp_path / "out")
    assert [(job.output, job.named) for job in two] == [
        ("S1/a.csv", False), ("S1/a.h5", False), ("S1/cut.h5", False), ("b", True),
    ]  # fmt: skip


def test_a_folder_without_files_and_results_among_recordings_are_refused(archive, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(MatposeError, match="holds no files"):
        jobs_of([tmp_path / "none"], ["none"], tmp_path / "out")
    with pytest.raises(MatposeError, match="among the recordings"):
        jobs_of([archive], ["in"], archive)


# once


def test_the_files_below_a_folder_as_if_done_one_by_one(archive, tmp_path):
    out = tmp_path / "out"
    done, _ = run(archive, out)
    assert [Path(one["output"]).relative_to(out).as_posix() for one in done.done] == ["S1/a.csv", "S1/a.h5", "b.h5"]
    assert done.frames == 5 + 13 + 7
    failures = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert [Path(one["source"]).name for one in failures] == ["README.md", "cut.h5"]
    assert "no numbers" in failures[0]["reason"]
    assert all(one["mend"] for one in failures)
    for place, options in (("S1/a.h5", {}), ("S1/a.csv", GRID)):  # the first says its own mat
        alone = tmp_path / "alone" / Path(place).suffix
        predict_file(Detector(), archive / place, alone, options=options)
        assert results(alone) == results(out / place)


def test_what_is_done_and_unchanged_is_left_out(archive, tmp_path):
    out = tmp_path / "out"
    first, _ = run(archive, out)
    before = results(out)
    again, seen = run(archive, out)
    assert sorted(seen) == ["README.md", "S1/cut.h5"]  # what failed is tried again
    assert again.skipped == first.done
    assert results(out) == before


@pytest.mark.parametrize("change", ["bytes", "time", "lost", "torn", "settings"])
def test_what_has_changed_is_done_again(archive, tmp_path, change, night):
    out, source, more = tmp_path / "out", archive / "S1" / "a.h5", {}
    run(archive, out)
    before = results(out)
    facts = source.stat()
    ledger = out / archive_ledger.NAME
    if change == "bytes":  # of the same size and time
        content = bytearray(source.read_bytes())
        content[600] ^= 1
        source.write_bytes(content)
        os.utime(source, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    elif change == "time":
        os.utime(source, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1_000_000_000))
    elif change == "lost":
        (out / "S1/a.h5/joints.csv").unlink()
    elif change == "torn":
        lines = ledger.read_text().splitlines(keepends=True)
        lines.sort(key=lambda line: "S1/a.h5" in line)
        ledger.write_text("".join(lines)[:-40])
    else:
        more = {"pictures": True}
    _, seen = run(archive, out, **more)
    assert ("b.h5" in seen) == (change == "settings")
    assert "S1/a.h5" in seen
    if change in ("lost", "torn"):
        assert results(out) == before
    assert len(ledger.read_text().splitlines()) == 3
    assert all(json.loads(line) for line in ledger.read_text().splitlines())


def test_a_mended_archive_has_no_failures(archive, tmp_path):
    out = tmp_path / "out"
    run(archive, out)
    (archive / "README.md").unlink()
    (archive / "S1" / "cut.h5").unlink()
    done, _ = run(archive, out)
    assert not done.failures
    assert not (out / "failures.jsonl").exists()


def test_only_one_run_at_a_time_writes_into_a_folder(archive, tmp_path):
    pytest.importorskip("fcntl")
    out = tmp_path / "out"
    ledger = archive_ledger.Ledger(out, "x")
    with pytest.raises(MatposeError, match="another run"):
        run(archive, out)
    ledger.close()
    assert run(archive, out)[0].frames == 25


# what breaks


def test_a_fault_of_ours_costs_one_file(archive, tmp_path, monkeypatch):
    def broken(detector, source, folder, **more):
        if source.name == "b.h5":
            raise KeyError("joint")
        return predict_file(detector, source, folder, **more)

    monkeypatch.setattr("matpose.runtime.archive.predict_file", broken)
    done, _ = run(archive, tmp_path / "out")
    assert len(done.done) == 2
    assert any("KeyError" in one["reason"] for one in done.failures)


def test_a_full_disk_stops_all_and_keeps_what_is_done(archive, tmp_path, monkeypatch):
    import matpose.atomic as atomic

    replace_ = os.replace
    out = tmp_path / "out"

    def full(source, target):
        if Path(target).parent.name == "b.h5":
            raise OSError(28, "No space left on device")
        replace_(source, target)

    monkeypatch.setattr(atomic.os, "replace", full)
    with pytest.raises(MatposeError, match="No space left"):
        run(archive, out)
    assert not list(out.rglob(".unfinished-*"))
    assert not (out / "b.h5" / "poses.jsonl").exists()
    monkeypatch.undo()
    done, seen = run(archive, out)
    assert len(done.done) + len(done.skipped) == 3
    assert len(done.skipped) >= 1  # the larger file came first
    assert "b.h5" in seen


def test_a_model_that_is_none_is_told_before_anything_is_written(archive, tmp_path):
    with pytest.raises(ModelError):
        run(archive, tmp_path / "out", model=tmp_path / "no.onnx")
    assert not (tmp_path / "out").exists()


def test_a_dead_process_is_a_failure_of_its_file(tmp_path, archive):
    class Deadly(Here):
        def as_done(self, work, items):
            for job in items:
                yield job, None if job.output == "b.h5" else work(job)

    out = tmp_path / "out"
    done = predict_archive(jobs_of([archive], ["in"], out), out, Deadly(), options=GRID)
    assert [one["reason"] for one in done.failures if one["source"].endswith("b.h5")] == [
        "the process that read it died"
    ]
    assert len(done.done) == 2


def test_flags_and_postures_are_counted(archive, tmp_path):
    done, _ = run(archive, tmp_path / "out")
    for one in done.done:
        assert sum(one["postures"].values()) == one["frames"]
        assert set(one["flags"]) <= {name for flag in Flag for name in flag.names}


def test_a_job_says_whether_it_was_named():
    assert Job(Path("a"), "a").named is False
