"""Tactilus exports: grid, unit and times from the file, the pitch from the caller."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from maker_texts import TACTILUS

from matpose.errors import UnreadableFile
from matpose.readers import examine, read


@pytest.fixture
def wrote(tmp_path: Path):
    def write(text: str) -> Path:
        (tmp_path / "a.txt").write_text(text, newline="\r\n")
        return tmp_path / "a.txt"

    return write


def test_all_that_the_file_says(wrote):
    recording = read(wrote(TACTILUS), pitch_mm="28.6x27.5")
    stored = np.array([[[0, 1, 2], [10, 20, 30]], [[3, 4, 5], [100, 200, 300]]])
    np.testing.assert_allclose(recording.frames, stored * 0.133322, rtol=1e-6)
    assert recording.mat.pitch_m == (0.0286, 0.0275)
    assert recording.time_s.tolist() == [0, 0.5]
    assert recording.start_time == "2019-03-05T10:11:12.500"
    assert examine(wrote(TACTILUS)).format == "tactilus"
    assert read(wrote(TACTILUS)).mat.pitch_y_m is None


def test_without_times(wrote):
    text = re.sub(r"^2019.*\n", "", TACTILUS, flags=re.MULTILINE)
    recording = read(wrote(text), rate_hz=2)
    assert recording.frames.shape == (2, 2, 3)  # the first row was not taken for a time
    assert recording.time_s.tolist() == [0, 0.5]
    assert read(wrote(TACTILUS.replace("2019/03/05 10:11:12.500", "some day"))).time_s.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (" 100 200 300", " 100 200", "line 9: has 2 values where 3 are due"),
        (" 100 200 300\n", "", "line 6: a frame of 1 x 3 cells where 2 x 3 are due"),
        (" 100 200 300", " 100 2OO 300", "line 9: holds '2OO'"),
        ("FRAME      2(mmHg)", "FRAME      2(psi)", "line 6: the unit is 'psi'"),
        ("FRAME      1(mmHg)", "FRAME      1(stone)", "line 1: the unit is 'stone'"),
        (TACTILUS[19:], "", "line 1: a frame of 0 x 0 cells"),
    ],
)
def test_damage_names_the_line(wrote, old, new, problem):
    assert old in TACTILUS
    with pytest.raises(UnreadableFile, match=re.escape(problem)) as caught:
        read(wrote(TACTILUS.replace(old, new)))
    assert caught.value.mend
