"""Tekscan exports: real ones against their own sums, small ones in every spelling, and cut or forged ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from maker_texts import TEKSCAN

from matpose.errors import MatposeError, UnreadableFile
from matpose.mat import PRESETS
from matpose.readers import examine, read
from matpose.recording import Flag

MMHG = 0.133322


@pytest.fixture
def wrote(tmp_path: Path):
    def write(text: str, encoding: str = "utf-8") -> Path:
        (tmp_path / "a.asf").write_bytes(text.replace("\n", "\r\n").encode(encoding))
        return tmp_path / "a.asf"

    return write


def test_all_that_the_file_says(wrote):
    file = wrote(TEKSCAN)
    contents = examine(file)
    assert contents.format == "tekscan"
    recording = read(file)
    nan = np.nan
    stored = np.array(
        [[[nan, 0, 0, nan], [1, 2, 3, 4], [5, 6, 7.5, 8]], [[nan, 0, 0, nan], [9, 8, 7, 6], [5, 4, 3, 20]]]
    )
    np.testing.assert_allclose(recording.frames, stored * MMHG, rtol=1e-6)
    assert recording.mat.pitch_m == (0.00127, 0.00508)
    assert recording.unit == "kPa"
    assert recording.time_s.tolist() == [0, 1]  # frames 1 and 3, half a second each
    assert recording.start_time == "2017-02-16T11:26:22"
    assert recording.meta["comments"] == "ROWS of chairs ROWS 99"
    assert (recording.meta["sensor_type"], recording.meta["threshold"]) == ("5400", "3")
    assert contents.notes == ()
    assert [bool(flag & Flag.SATURATED) for flag in recording.flags] == [False, True]


def test_the_head_of_the_mat_may_be_anywhere(wrote):
    straight, turned = read(wrote(TEKSCAN)), read(wrote(TEKSCAN), rotate=90, mirror=True)
    np.testing.assert_array_equal(turned.frames, np.rot90(straight.frames, -1, (1, 2))[..., ::-1])
    assert turned.mat.pitch_m == straight.mat.pitch_m[::-1]
    assert (turned.mat.rows, turned.mat.cols) == (4, 3)


def test_times_of_the_frames_win_over_the_rate(wrote):
    text = TEKSCAN.replace("Frame 1\n", "Frame 1, 0,, 12/20/2019 6:21:52.34PM,,,Raw Sum=,,310\n")
    text = text.replace("Frame 3\n", "Frame 3, 0.7,, 12/20/2019 6:21:53.04PM,,,Raw Sum=,,310\n")
    recording = read(wrote(text))
    assert recording.time_s.tolist() == [0, 0.7]
    assert recording.start_time == "2019-12-20T18:21:52.340"
    backwards = wrote(text.replace("Frame 3, 0.7", "Frame 3, -0.7").replace("Frame 1, 0", "Frame 1, 5"))
    assert read(backwards).time_s.tolist() == [0, 1]  # a time that is none: by the numbers of the frames
    contents = examine(wrote(text.replace("Frame 1, 0", "Frame 1, 5")))
    assert contents.stated.time_s is None
    assert "do not run forward" in contents.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings(wrote, encoding):
    text = TEKSCAN.replace("ROWS of chairs", "Müller")
    assert read(wrote(text, encoding)).meta["comments"] == "Müller ROWS 99"


def test_decimal_commas(wrote):
    head, _, body = TEKSCAN.partition("ASCII_DATA @@")
    file = wrote(head.replace(".", ",") + "ASCII_DATA @@" + body.replace(",", ";").replace(".", ","))
    np.testing.assert_array_equal(read(file).frames, read(wrote(TEKSCAN)).frames)
    assert read(file).mat.pitch_m == (0.00127, 0.00508)


@pytest.mark.parametrize(("said", "unit"), [("KPa", "kPa"), ("raw", "raw"), ("MPa", "kPa"), ("PSI", "kPa")])
def test_units(wrote, said, unit):
    recording = read(wrote(TEKSCAN.replace("UNITS mmHg", f"UNITS {said}")))
    scale = {"KPa": 1, "raw": 1, "MPa": 1000, "PSI": 51.715 * MMHG}[said]
    assert recording.unit == unit
    assert recording.frames[0, 1, 1] == pytest.approx(2 * scale, rel=1e-6)


def test_every_key_but_the_data_is_optional(wrote):
    text = "ROWS 1\nCOLS 2\nASCII_DATA @@\n\nFrame 1\n1,2\n\nFrame 2\n3,4\n@@\n"
    recording = read(wrote(text), pitch_mm="10x20", unit="psi", rate_hz=4)
    assert recording.mat.pitch_m == (0.01, 0.02)
    assert recording.time_s.tolist() == [0, 0.25]
    assert recording.frames[1, 0, 1] == pytest.approx(4 * 51.715 * MMHG, rel=1e-6)
    alone = read(wrote(text))
    assert (alone.mat.pitch_y_m, alone.unit) == (None, "raw")
    assert read(wrote("COLS 2\nNOISE_THRESHOLD 0\n" + text[text.index("ASCII") :])).frames.shape == (2, 1, 2)


def test_what_may_be_other_than_it_looks_is_noted(wrote):
    text = TEKSCAN.replace("MIRROR_ROW 0", "MIRROR_ROW 1").replace("END_FRAME 2", "END_FRAME 9")
    text = text.replace("16 February", "16 Brumaire")
    contents = examine(wrote(text.replace("\n@@\n", "\n")))
    said = "; ".join(contents.notes)
    for part in ("MIRROR_ROW", "may be cut off", "frames 1 to 9, the file holds 2", "16 Brumaire"):
        assert part in said
    assert contents.stated.start_time is None
    np.testing.assert_array_equal(read(wrote(text)).frames, read(wrote(TEKSCAN)).frames)  # nothing was flipped
    assert "what follows" in examine(wrote(TEKSCAN + "Frame 4\n")).notes[0]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"unit": "kPa"}, "says its unit, mmHg"),
        ({"rate_hz": 10}, "own times"),
        ({"pitch_mm": 10}, "pitch of 1.27 x 5.08 mm, not 10 x 10 mm"),
        ({"mat": "bt3510"}, "do not make frames of 64 x 27"),
        ({"rows": 4, "cols": 3}, "--rotate 90"),
        ({"rows": 1, "cols": 4}, "do not make frames of 1 x 4"),
        ({"sensor": "left"}, "names no sensors"),
    ],
)
def test_contradictions(wrote, options, problem):
    with pytest.raises(MatposeError, match=re.escape(problem)) as caught:
        read(wrote(TEKSCAN), **options)
    assert caught.value.mend


def test_what_the_file_says_may_be_repeated(wrote):
    assert read(wrote(TEKSCAN), unit="MMHG", pitch_mm="1.27x5.08", rows=3, cols=4).unit == "kPa"
    rows = "\n".join(["1," * 83 + "1"] * 192)
    text = f"ROWS 192\nCOLS 84\nROW_SPACING 10.16 mm\nCOL_SPACING 10.16 mm\nASCII_DATA @@\n\nFrame 1\n{rows}\n@@\n"
    assert read(wrote(text), mat="bpms").mat == PRESETS["bpms"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("9,8,7,6\n5,4,3,20\n\n@@\n", "9,8,7,6\n5,4,3", "line 30: has 3 values where 4 are due"),
        ("9,8,7,6\n5,4,3,20\n\n@@\n", "9,8,7,6\n", "line 27: a frame of 2 x 4 cells where 3 x 4 are due"),
        ("9,8,7,6", "9,8,7,6,5", "line 29: has 5 values"),
        ("9,8,7,6", "9,x8,7,6", "line 29: holds 'x8'"),
        ("9,8,7,6", "9,8,7,1e9", "line 29: holds a value that no sensor gives"),
        ("9,8,7,6", "9,8,7,inf", "line 29: holds a value that no sensor gives"),
        ("9,8,7,6", "9,8 7,6,5", "line 29: holds '8 7'"),
        ("ROWS 3\n", "ROWS 99999999\n", "line 22: a frame of 3 x 4 cells where 99999999 x 4"),
        ("COLS 4\n", "COLS 99999999\n", "line 23: has 4 values where 99999999 are due"),
        ("ASCII_DATA @@\n\nFrame 1\n", "ASCII_DATA @@\n\nFrame 1\n\nFrame 2\n", "line 22: a frame of 0 x 4 cells"),
        ("ROWS 3\n", "ROWS many\n", "line 4: ROWS is 'many'"),
        ("5.08 mm", "5.08", "line 7: COL_SPACING is '5.08'"),
        ("5.08 mm", "0 mm", "line 7: COL_SPACING is '0 mm'"),
        ("UNITS mmHg", "UNITS stones", "line 17: UNITS is 'stones'"),
        ("ASCII_DATA @@", "", "the header does not end"),
        ("ASCII_DATA @@\n", "ASCII_DATA @@\n1,2,3\n", "line 21: this is no frame"),
        (TEKSCAN[TEKSCAN.index("Frame 1") :], "@@\n", "there are no frames"),
    ],
)
def test_damage_names_the_line(wrote, old, new, problem):
    assert old in TEKSCAN
    with pytest.raises(UnreadableFile, match=re.escape(problem)) as caught:
        read(wrote(TEKSCAN.replace(old, new)))
    assert caught.value.mend
    assert caught.value.path


class TestRealExports:
    def test_f_scan(self, real_data):
        file = real_data / "sensor-exports/fscan_testL.asf"
        recording = read(file)
        assert recording.frames.shape == (205, 60, 21)
        assert recording.mat.pitch_m == (0.00508, 0.00508)
        assert recording.unit == "kPa"
        assert recording.duration_s == pytest.approx(204 * 0.032)
        assert recording.start_time == "2017-02-16T11:26:22"
        assert recording.meta["comments"] == "overground walk p10"
        independent = [
            [np.nan if cell == "B" else float(cell) for cell in line.split(",")]
            for line in file.read_text().splitlines()
            if line.startswith(("B,", "0,")) or line[:1].isdigit()
        ]
        np.testing.assert_array_equal(recording.frames.reshape(-1, 21), np.array(independent, np.float32))

    def test_i_scan_against_its_own_sums(self, real_data):
        file = real_data / "sensor-exports/iscan_test.csv"
        recording = read(file)
        assert recording.frames.shape == (309, 28, 28)
        assert recording.mat.pitch_m == (0.00127, 0.00127)
        assert recording.unit == "raw"
        assert recording.duration_s == pytest.approx(31.1)
        sums = [int(sum_) for sum_ in re.findall(r"Raw Sum=,,(\d+)", file.read_text())]
        assert np.nansum(recording.frames, (1, 2)).tolist() == sums
        assert recording.start_time is None  # 12/2/2019: December or February
        assert "12/2/2019" in examine(file).notes[0]
        assert np.isnan(recording.frames[:, 0]).all()
        assert recording.frames[0, 2, 2] == 5
