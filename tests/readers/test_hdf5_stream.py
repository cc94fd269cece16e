"""A recording in pieces: the same file as at once, whatever happens in between."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import PRESETS, Mat
from matpose.readers import read, write_recording
from matpose.readers.hdf5_stream import RecordingStream
from matpose.readers.hdf5_write import write_pieces
from matpose.recording import LANDMARK_NAMES, POSTURES, Recording

SETTINGS = {"seed": 7, "posture": None}


def whole(count: int = 50) -> Recording:
    rng = np.random.default_rng(1)
    frames = rng.gamma(1, 2, (count, 64, 32)).astype(np.float32)
    frames[3, 2] = np.nan
    return Recording(
        frames, PRESETS["pmatdata-i"], "kPa", np.cumsum(rng.random(count)),
        flags=rng.integers(0, 1024, count).astype(np.uint16), name="a", subject="Zoë", source="simulated",
        posture=rng.choice(POSTURES, count), joints_m=rng.random((count, 14, 3)).astype(np.float32),
        joint_contact=rng.random((count, 14)) > 0.5, landmarks_m=rng.random((count, 12, 3)).astype(np.float32),
        parts=rng.integers(0, 22, (count, 64, 32)).astype(np.uint8),
        person=np.arange(count, dtype=np.uint32) * 80_000_000, meta={"seed": "7"},
    )  # fmt: skip


def pieces(recording: Recording, sizes: list[int]) -> list[Recording]:
    edges = np.cumsum([0, *sizes])
    parts = [recording.select(slice(int(start), int(stop))) for start, stop in pairwise(edges)]
    return [replace(part, events=((float(part.time_s[0]), f"piece {n}"),)) for n, part in enumerate(parts)]


def dump(path: Path) -> dict[str, tuple]:
    """Every data set and attribute of an HDF5 file, down to layout and types."""
    found: dict[str, tuple] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        attributes = {key: (str(value), np.asarray(value).dtype) for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            found[name] = (item.dtype, item.shape, item.chunks, item.compression, item[()].tobytes(), attributes)
        else:
            found[name] = (attributes,)

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return found


@pytest.mark.parametrize("sizes", [[50], [32, 18], [1, 2, 40, 7]])
def test_pieces_make_the_file_that_is_written_at_once(tmp_path, sizes):
    parts = pieces(whole(), sizes)
    stream = RecordingStream(tmp_path / "a.h5", SETTINGS)
    for part in parts:
        assert not (tmp_path / "a.h5").exists()
        stream.append(part)
    stream.finish()
    together = replace(whole(), events=tuple(event for part in parts for event in part.events))
    write_recording(tmp_path / "b.h5", together)
    assert dump(tmp_path / "a.h5") == dump(tmp_path / "b.h5")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.h5", "b.h5"]
    recording = read(tmp_path / "a.h5")
    assert recording.landmarks_m is not None
    assert recording.person is not None
    np.testing.assert_array_equal(recording.landmarks_m, together.landmarks_m)
    assert (recording.person.dtype, recording.person[-1]) == (np.uint32, 49 * 80_000_000)
    with h5py.File(tmp_path / "a.h5") as file:
        named = bytes(np.bytes_(file["landmarks_m"].attrs["landmark_names"])).decode()
    assert named.split(",") == list(LANDMARK_NAMES)


def test_a_stream_goes_on_from_the_last_whole_piece(tmp_path):
    parts = pieces(whole(), [20, 20, 10])
    first = RecordingStream(tmp_path / "a.h5", SETTINGS)
    first.append(parts[0])
    first.append(parts[1])
    hidden = first.folder
    assert len(read(hidden / "000000020-000000040.h5")) == 20  # what a kill leaves can be read
    (hidden / ".unfinished-0123.h5").write_bytes(b"half a piece")
    (hidden / "000000041-000000050.h5").write_bytes(b"after a gap")
    second = RecordingStream(tmp_path / "a.h5", SETTINGS)
    assert (second.frames_done, second.pieces_done) == (40, 2)
    assert not (hidden / ".unfinished-0123.h5").exists()
    second.append(parts[2])
    second.finish()
    np.testing.assert_array_equal(read(tmp_path / "a.h5").frames, whole().frames)
    assert [what for _, what in read(tmp_path / "a.h5").events] == ["piece 0", "piece 1", "piece 2"]


def test_other_settings_are_refused_and_force_begins_anew(tmp_path):
    RecordingStream(tmp_path / "a.h5", SETTINGS).append(whole())
    with pytest.raises(MatposeError, match=r"seed 7, not 8.*--force") as caught:
        RecordingStream(tmp_path / "a.h5", {**SETTINGS, "seed": 8})
    assert caught.value.path == str(tmp_path / "a.h5")
    with pytest.raises(MatposeError, match="mattress"):
        RecordingStream(tmp_path / "a.h5", {**SETTINGS, "mattress": "foam"})
    assert RecordingStream(tmp_path / "a.h5", SETTINGS).frames_done == 50
    anew = RecordingStream(tmp_path / "a.h5", {**SETTINGS, "seed": 8}, force=True)
    assert anew.frames_done == 0


def test_damaged_settings_are_other_settings(tmp_path):
    stream = RecordingStream(tmp_path / "a.h5", SETTINGS)
    (stream.folder / "settings.json").write_text("{")
    with pytest.raises(MatposeError, match="--force"):
        RecordingStream(tmp_path / "a.h5", SETTINGS)


def test_a_damaged_piece_stops_the_end_and_names_the_mend(tmp_path):
    stream = RecordingStream(tmp_path / "a.h5", SETTINGS)
    stream.append(whole())
    piece = stream.folder / "000000000-000000050.h5"
    piece.write_bytes(piece.read_bytes()[:5000])
    with pytest.raises(MatposeError, match="--force") as caught:
        stream.finish()
    assert caught.value.path == str(tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_nothing_larger_than_a_reader_takes(tmp_path):
    mat = Mat(4096, 4096, None, None)
    frame = np.zeros((1, 4096, 4096), np.float32)
    frames = Recording(np.broadcast_to(frame, (9, 4096, 4096)), mat, "raw", np.arange(9.0), np.zeros(9, np.uint16))
    with pytest.raises(MatposeError, match="more than 512 MiB"):
        RecordingStream(tmp_path / "a.h5", SETTINGS).append(frames)


@pytest.mark.parametrize(
    ("spoil", "count"),
    [
        (lambda parts: parts[::-1], 50),
        (lambda parts: parts[:1], 50),
        (lambda parts: [*parts, parts[0]], 50),
        (lambda parts: [parts[0], replace(parts[1], parts=None)], 50),
        (lambda parts: [parts[0], replace(parts[1], mat=parts[1].mat.with_changes(pitch_y_m=0.03))], 50),
        (lambda parts: [], 0),
    ],
    ids=["backwards", "too few", "too many", "an array short", "another mat", "none"],
)
def test_pieces_that_are_no_recording(tmp_path, spoil, count):
    with pytest.raises(MatposeError):
        write_pieces(tmp_path / "a.h5", spoil(pieces(whole(), [30, 20])), count)
    assert not list(tmp_path.iterdir())


def test_one_piece_in_memory_at_a_time(tmp_path):
    def one_by_one():
        for number in range(20):
            frames = np.random.default_rng(number).random((32, 64, 64), np.float32)  # 512 KiB
            yield Recording(frames, mat, "raw", np.arange(32.0) + 32 * number, np.zeros(32, np.uint16))

    mat = Mat(64, 64, None, None)
    tracemalloc.start()
    stream = RecordingStream(tmp_path / "a.h5", SETTINGS)
    for piece in one_by_one():
        stream.append(piece)
    stream.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(read(tmp_path / "a.h5")) == 20 * 32
    assert peak < 5 << 20  # of 10 MiB


FULL_DISK = """
import resource, signal, sys
from test_hdf5_stream import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
part, *rest = pieces(whole(), [10, 10, 10, 10, 10])
stream = RecordingStream(sys.argv[1], SETTINGS)
stream.append(part)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    for part in rest:
        stream.append(part)
    stream.finish()
except MatposeError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("limit", [100, 3000, 30_000, 120_000])
def test_a_full_disk_is_one_clear_line_and_keeps_the_pieces(tmp_path, limit):
    pytest.importorskip("resource", reason="no way to bound files here")
    words = [sys.executable, "-c", FULL_DISK, str(tmp_path / "a.h5"), str(limit)]
    done = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr  # HDF5 alone would end in a segmentation fault
    assert "make room and repeat the command" in done.stderr
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "a.h5:") in done.stderr
    assert not (tmp_path / "a.h5").exists()
    again = RecordingStream(tmp_path / "a.h5", SETTINGS)
    assert again.frames_done == (50 if limit == 120_000 else 10)
    for part in pieces(whole(), [10] * 5)[again.pieces_done :]:
        again.append(part)
    again.finish()
    np.testing.assert_array_equal(read(tmp_path / "a.h5").frames, whole().frames)
