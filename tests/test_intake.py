"""The way in: turned, converted, timed and flagged; nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.intake import intake
from matpose.mat import KPA_PER_UNIT, PRESETS, Mat
from matpose.recording import Flag

SMALL = Mat(4, 3, 0.03, 0.03)


def stored(mat: Mat, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 500, (count, *mat.stored_shape)).astype(np.uint16)


@pytest.mark.parametrize("unit", sorted(KPA_PER_UNIT))
def test_units(unit):
    recording = intake(np.full((1, 4, 3), 2.0), SMALL, unit=unit)
    assert recording.unit == "kPa"
    np.testing.assert_allclose(recording.frames, 2 * KPA_PER_UNIT[unit], rtol=1e-6)


def test_counts_are_converted_by_the_mats_scale_unless_told_otherwise():
    mat = PRESETS["pmatdata-ii"]
    counts = stored(mat)
    expected = (counts.astype(float) - 44) * 0.2 * 0.133322
    for unit in (None, "counts"):
        recording = intake(counts, mat, unit=unit)
        assert recording.unit == "kPa"
        np.testing.assert_allclose(recording.frames, mat.canonical(expected), rtol=1e-4, atol=1e-5)
    assert intake(counts, mat, unit="raw").unit == "raw"
    assert intake(stored(SMALL), SMALL).unit == "raw"


@pytest.mark.parametrize("unit", ["stones", "counts", ""])
def test_units_nobody_knows(unit):
    with pytest.raises(MatposeError) as caught:
        intake(stored(SMALL), SMALL, unit=unit)
    assert caught.value.mend


def test_the_case_of_a_unit_does_not_matter():
    exact = intake(stored(SMALL), SMALL, unit="mmHg")
    assert np.array_equal(intake(stored(SMALL), SMALL, unit="MMHG").frames, exact.frames)


@pytest.mark.parametrize("mat", [Mat(4, 3, None, None, 90), Mat(4, 3, None, None, 180, True)])
def test_frames_become_canonical(mat):
    frames = stored(mat)
    np.testing.assert_array_equal(intake(frames, mat, unit="raw").frames, mat.canonical(frames))


def test_times():
    assert intake(stored(SMALL, 3), SMALL, rate_hz=4).time_s.tolist() == [0, 0.25, 0.5]
    times = np.array([0, 1, 7.5])
    assert intake(stored(SMALL, 3), SMALL, time_s=times).duration_s == 7.5


def test_the_input_is_left_alone():
    frames = np.full((1, 4, 3), 2, np.float32)
    recording = intake(frames, SMALL, unit="mmHg")
    assert (frames == 2).all()
    assert recording.frames.dtype == np.float32


def test_frames_of_wrong_size_are_flagged_and_nan():
    recording = intake([np.ones((4, 3)), np.ones((3, 4)), np.ones((4, 3))], SMALL, unit="kPa")
    assert ((recording.flags & Flag.WRONG_SIZE) > 0).tolist() == [False, True, False]
    assert np.isnan(recording.frames[1]).all()
    assert not np.isnan(recording.frames[[0, 2]]).any()


def test_missing_readings_stay_missing_and_are_flagged():
    frames = np.ones((2, 4, 3))
    frames[1, 2, 2] = np.nan
    recording = intake(frames, SMALL, unit="kPa")
    assert np.isnan(recording.frames[1, 2, 2])
    assert ((recording.flags & Flag.NAN) > 0).tolist() == [False, True]


def test_what_is_known_is_kept():
    recording = intake(stored(SMALL), SMALL, name="x", subject="Ada", posture=np.array(["left", "supine"]))
    assert (recording.name, recording.subject, recording.posture is not None) == ("x", "Ada", True)
