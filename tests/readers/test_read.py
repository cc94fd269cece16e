"""`read`: formats by their bytes, mats by what is said, real recordings by what is known of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from matpose.errors import MatposeError, UnknownMat, UnreadableFile
from matpose.mat import PRESETS, Mat
from matpose.readers import examine, read
from matpose.readers.pmatdata import looks_like_experiment_ii


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    file = tmp_path / "map.txt"
    np.savetxt(file, np.arange(6).reshape(2, 3), fmt="%d")
    return file


def test_the_suffix_does_not_matter(tmp_path):
    array = np.ones((2, 4, 3))
    with (tmp_path / "really.csv").open("wb") as file:
        np.save(file, array)
    assert examine(tmp_path / "really.csv").format == "npy"
    assert read(tmp_path / "really.csv", rows=4, cols=3).name == "really"


def test_what_is_said_reaches_the_recording(matrix):
    recording = read(matrix, rows=2, cols=3, pitch_mm="20x30", unit="mmHg", subject="Ada", rate_hz=4)
    assert recording.mat == Mat(2, 3, 0.02, 0.03)
    assert recording.unit == "kPa"
    assert recording.frames[0, 1, 2] == pytest.approx(5 * 0.133322)
    assert (recording.subject, recording.source, recording.name) == ("Ada", str(matrix), "map")


def test_rotate_and_mirror_describe_the_way_to_the_canonical_view(matrix):
    stored = np.arange(6).reshape(2, 3)
    turned = read(matrix, rows=3, cols=2, rotate=90, unit="raw").frames[0]
    np.testing.assert_array_equal(turned, np.rot90(stored, -1))
    flipped = read(matrix, rows=2, cols=3, mirror=True, unit="raw").frames[0]
    np.testing.assert_array_equal(flipped, stored[:, ::-1])


@pytest.mark.parametrize(
    ("pitch", "metres"), [("27.8", (0.0278, 0.0278)), (30, (0.03, 0.03)), ((20.0, 25.0), (0.02, 0.025))]
)
def test_pitch(matrix, pitch, metres):
    assert read(matrix, rows=2, cols=3, pitch_mm=pitch).mat.pitch_m == metres


@pytest.mark.parametrize(
    "options",
    [
        {"rows": 2},
        {"mat": "no such mat"},
        {"rows": 2, "cols": 3, "pitch_mm": "wide"},
        {"rows": 2, "cols": 3, "pitch_mm": "28,6"},
        {"rows": 2, "cols": 3, "pitch_mm": "0"},
        {"rows": 2, "cols": 3, "pitch_mm": float("nan")},
        {"rows": 0, "cols": 3},
        {"rows": 2, "cols": 3, "rotate": 45},
        {"rows": 2, "cols": 3, "unit": "bananas"},
        {"rows": 2, "cols": 3, "unit": "counts"},
        {"rows": 2, "cols": 3, "rate_hz": 0},
        {"rows": 2, "cols": 3, "rate_hz": float("nan")},
        {"mat": "bpms", "rows": 2, "cols": 3},
        {"mat": "bpms"},
    ],
)
def test_contradictions_are_user_errors(matrix, options):
    with pytest.raises(MatposeError) as caught:
        read(matrix, **options)
    assert caught.value.mend


def test_pitch_alone_does_not_say_whether_a_line_is_a_row(matrix):
    with pytest.raises(UnknownMat):
        read(matrix, pitch_mm=30)


def test_a_preset_keeps_its_grid_and_takes_another_turn(tmp_path):
    stored = np.random.default_rng(0).integers(0, 200, (64, 27))
    np.savetxt(tmp_path / "map.txt", stored, fmt="%d")
    recording = read(tmp_path / "map.txt", mat="bt3510", rotate=180)
    np.testing.assert_array_equal(recording.frames[0], stored[::-1, ::-1])
    assert recording.mat.pitch_m == PRESETS["bt3510"].pitch_m
    assert read(tmp_path / "map.txt", mat="pmatdata-ii", pitch_mm=28).mat.assumed == PRESETS["pmatdata-ii"].assumed
    np.savetxt(tmp_path / "i.txt", stored[:, :1].repeat(32, 1), fmt="%d")
    assert read(tmp_path / "i.txt", mat="pmatdata-i", pitch_mm=28).mat.assumed is None  # the pitch is now said


class TestFilesThatAreNone:
    def refused(self, path: Path, word: str) -> None:
        with pytest.raises(UnreadableFile) as caught:
            read(path, rows=2, cols=3)
        assert word in caught.value.problem
        assert caught.value.path == str(path)
        assert caught.value.mend

    def test_folder(self, tmp_path):
        self.refused(tmp_path, "folder")

    def test_missing(self, tmp_path):
        self.refused(tmp_path / "nothing.csv", "no such file")

    def test_name_with_nul(self, tmp_path):
        self.refused(tmp_path / "a\0b", "")

    def test_empty(self, tmp_path):
        (tmp_path / "empty").touch()
        self.refused(tmp_path / "empty", "empty")

    def test_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        self.refused(tmp_path / "pipe", "regular")

    def test_no_permission(self, tmp_path, monkeypatch):
        file = tmp_path / "secret.csv"
        file.write_text("1 2 3\n")

        def locked(*_args, **_kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", locked)
        self.refused(file, "Permission denied")

    def test_huge(self, tmp_path):
        with (tmp_path / "huge").open("wb") as file:
            file.truncate(2 << 30)
        self.refused(tmp_path / "huge", "2.0 GiB")

    @pytest.mark.parametrize(
        "junk", [bytes(range(256)) * 40, b"PK\3\4" + bytes(100), b"\x89PNG" + bytes(9), b"%PDF-1.7\n\0"]
    )
    def test_binary_junk(self, tmp_path, junk):
        (tmp_path / "junk").write_bytes(junk)
        self.refused(tmp_path / "junk", "binary")


def frame_line(value: int = 3) -> bytes:
    return (str(value).encode() + b"\t") * 2048 + b"\r\n"


def test_pmatdata_says_its_mat_by_its_bytes(tmp_path):
    file = tmp_path / "1"
    file.write_bytes(frame_line() * 3)
    contents = examine(file)
    assert contents.format == "pmatdata-i"
    assert contents.mat == PRESETS["pmatdata-i"]
    recording = read(file)
    assert recording.time_s.tolist() == [0, 1, 2]
    assert recording.frames[0, 0, 0] == pytest.approx(3 * 0.1 * 0.133322)
    assert read(file, unit="raw").frames[0, 0, 0] == 3


@pytest.mark.parametrize(
    "line",
    [
        frame_line().replace(b"\t", b" "),
        frame_line()[2:],
        frame_line().replace(b"\t\r", b"\r"),
        frame_line() + b"1",
    ],
)
def test_like_pmatdata_but_not(tmp_path, line):
    (tmp_path / "1").write_bytes(line)
    with pytest.raises(MatposeError):
        read(tmp_path / "1")


def test_truncated_pmatdata_names_the_line(tmp_path):
    (tmp_path / "1").write_bytes(frame_line() * 2 + frame_line()[:1000])
    with pytest.raises(UnreadableFile, match=r"line 3.*500 values.*cut off"):
        read(tmp_path / "1")


class TestRealRecordings:
    def test_experiment_i(self, real_data):
        file = real_data / "pmatdata/experiment-i/S7/8.txt"
        begun = time.perf_counter()
        contents = examine(file)
        assert time.perf_counter() - begun < 0.3  # measured: 0.02 s
        independent = np.loadtxt(file, dtype=np.float32)
        assert contents.table is not None
        np.testing.assert_array_equal(contents.table.values, independent)
        recording = read(file)
        counts = independent.reshape(-1, 64, 32)[:, :, ::-1]
        np.testing.assert_allclose(recording.frames, counts * 0.0133322, rtol=1e-5)

    def test_every_file_of_a_subject_is_recognised(self, real_data):
        files = sorted((real_data / "pmatdata/experiment-i/S1").glob("*.txt"))
        assert len(files) == 17
        assert {examine(file).format for file in files} == {"pmatdata-i"}

    def test_experiment_ii_needs_the_mat(self, real_data):
        files = sorted((real_data / "pmatdata/experiment-ii/S1").glob("*/*.txt"))
        with pytest.raises(UnknownMat) as caught:
            read(files[0])
        assert caught.value.candidates == ("pmatdata-ii", "bt3510")
        for file in files:
            table = examine(file).table
            assert table is not None
            assert looks_like_experiment_ii(table)

    def test_handedness_of_experiment_ii(self, real_data):
        """The dataset's drawings show posture B1 at the left edge of the mat and B3 at the right."""
        folder = real_data / "pmatdata/experiment-ii/S1/Sponge_Mat"

        def centre_x_cell(name: str) -> float:
            frame = read(folder / f"Matrix_Sponge_{name}.txt", mat="pmatdata-ii").frames[0].clip(0.4, 13)
            return float((frame - 0.4).sum(0) @ np.arange(27) / (frame - 0.4).sum())

        assert centre_x_cell("B1") < centre_x_cell("B3") - 3

    def test_hlppdat_png(self, real_data):
        file = real_data / "hlppdat/maps/0001.png"
        with pytest.raises(UnknownMat) as caught:
            read(file)
        assert caught.value.candidates == ("hlppdat",)
        assert read(file, mat="hlppdat").frames.shape == (1, 30, 11)

    def test_makers_exports_say_their_mat_themselves(self, real_data):
        files = sorted((real_data / "sensor-exports").iterdir())
        assert [examine(file).format for file in files] == ["tekscan", "tekscan", "pliance", "xsensor"]
        for file in files:
            with pytest.raises(UnreadableFile, match=r"do not make frames of 192 x 84.*contradict the file"):
                read(file, mat="bpms")


def test_looks_like_experiment_ii_not(tmp_path):
    for name, array in (
        ("zero baseline", np.zeros((64, 27), int)),
        ("not counts", np.full((64, 27), 44.5)),
        ("other grid", np.full((64, 32), 44)),
        ("no reading", np.full((64, 27), np.nan)),
    ):
        np.savetxt(tmp_path / "map", array)
        table = examine(tmp_path / "map").table
        assert table is not None
        assert not looks_like_experiment_ii(table), name
