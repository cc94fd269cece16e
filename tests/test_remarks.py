"""Remarks: the silent mistakes that a newcomer makes with a mat are said aloud."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.intake import intake
from matpose.mat import Mat
from matpose.remarks import remarks
from matpose.simulate.blobs import blob_recording


def test_a_usual_recording_gets_no_remark():
    assert remarks(blob_recording(3)) == []


@pytest.mark.parametrize(
    ("mat", "unit", "word"),
    [
        (Mat(40, 20, 0.0045, 0.0045), "mmHg", "pitch"),
        (Mat(20, 40, 0.045, 0.045), "mmHg", "wider"),
        (Mat(40, 20, 0.045, 0.045), "raw", "--unit"),
        (Mat(40, 20, 0.1, 0.045), "mmHg", "pitch"),
    ],
)
def test_the_likely_mistake_is_named(mat, unit, word):
    loaded = np.full((2, mat.rows, mat.cols), 0.0, np.float32)
    loaded[:, 5 : mat.rows - 5, 5 : mat.cols - 5] = 20
    assert any(word in remark for remark in remarks(intake(loaded, mat, unit=unit)))


def test_an_empty_bed_most_of_the_time_is_said():
    blank = intake(np.zeros((4, 40, 20), np.float32), Mat(40, 20, 0.045, 0.045), unit="kPa")
    assert any("100%" in remark for remark in remarks(blank))
