"""Counts become kPa by closed forms, whatever the grid, the gain and the faults; what cannot be weighed is refused."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from matpose.calibration import GRAVITY, calibrate
from matpose.errors import MatposeError
from matpose.mat import CountScale, Mat, preset
from matpose.quality import assess, clean
from matpose.readers import read, write_recording
from matpose.recording import Flag, Recording
from matpose.simulate.blobs import blob_recording
from matpose.simulate.person import Person

MASS_KG = 72.0
MAT = Mat(50, 20, 0.04, 0.03)
CELL_N = 1000 * 0.04 * 0.03  # on a cell at 1 kPa


def raw(frames: np.ndarray, mat: Mat = MAT) -> Recording:
    count = len(frames)
    return assess(Recording(frames.astype(np.float32), mat, "raw", np.arange(float(count)), np.zeros(count, np.uint16)))


def block(frames: int = 5, count: float = 500, zero: float = 0) -> np.ndarray:
    """(frames, 50, 20): somebody like a plank, 300 cells of one count above zero."""
    counts = np.full((frames, 50, 20), zero, np.float32)
    counts[:, 10:40, 5:15] += count
    return counts


def person(frames: int = 30) -> Recording:
    """A breathing person on a fine mat, in counts of 1/80 kPa above 40."""
    recording = blob_recording(4, mat=replace(preset("pmatdata-i"), counts=None), frames=frames,
                               subject=Person(1.75, MASS_KG, "test"))  # fmt: skip
    return raw(np.rint(recording.frames * 80) + 40, recording.mat)


def factor(recording: Recording, **how) -> float:
    return calibrate(recording, **({"body_weight_kg": MASS_KG} | how))[1].kpa_per_count


def test_the_weight_gives_the_factor():
    calibrated, report = calibrate(raw(block(zero=44)), body_weight_kg=MASS_KG, zero=44)
    expected = MASS_KG * GRAVITY / (300 * 500 * CELL_N)
    assert report.kpa_per_count == pytest.approx(expected, rel=1e-6)
    assert calibrated.unit == "kPa"
    np.testing.assert_allclose(calibrated.frames[0], block()[0] * expected, rtol=1e-6)
    assert report.force_n == pytest.approx([MASS_KG * GRAVITY] * 3, rel=1e-9)
    assert (report.frames, report.frames_used, report.spread, report.remarks) == (5, 5, 0, ())


def test_a_given_factor_is_used_as_it_is():
    calibrated, report = calibrate(raw(block(zero=44)), kpa_per_count=0.004, zero=44)
    np.testing.assert_allclose(calibrated.frames, block() * 0.004, rtol=1e-6)
    assert report.force_n == pytest.approx([300 * 500 * 0.004 * CELL_N] * 3)
    assert report.body_weight_kg is None
    assert "720 N (73.4 kgf)" in str(report)


def test_a_given_factor_needs_neither_pitch_nor_person():
    calibrated, report = calibrate(raw(block(), Mat(50, 20, None, None)), kpa_per_count=0.004)
    assert (report.force_n, report.frames_used) == (None, 5)
    assert calibrated.frames.max() == pytest.approx(2)
    nobody, report = calibrate(raw(block(count=0)), kpa_per_count=0.004)
    assert (report.force_n, report.frames_used, report.spread) == (None, 0, None)
    assert "0 of 5 frames weighed" in str(report)
    assert (nobody.flags & Flag.EMPTY_BED).all()


def test_invariances():
    recording = person()
    once = factor(recording, zero=40)
    assert factor(replace(recording, frames=2 * recording.frames), zero=80) == pytest.approx(once / 2, rel=1e-6)
    assert factor(replace(recording, frames=recording.frames + 7), zero=47) == pytest.approx(once, rel=1e-6)
    assert factor(recording, zero=40, body_weight_kg=2 * MASS_KG) == pytest.approx(2 * once, rel=1e-6)
    assert factor(recording.select(slice(None, None, -1)), zero=40) == pytest.approx(once, rel=1e-6)
    finer = np.repeat(np.repeat(block(), 2, 1), 3, 2)
    assert factor(raw(finer, Mat(100, 60, 0.02, 0.01))) == pytest.approx(factor(raw(block())), rel=1e-6)


def test_a_persons_weight_gives_the_scale_they_were_made_with():
    # blob people weigh what they weigh, within 5 % of sensor error
    assert factor(person(), zero=40) == pytest.approx(1 / 80, rel=0.05)


def faulty(kind: str) -> Recording:
    frames = person().frames.copy()
    body = np.argwhere(frames.min(0) > 100)
    row, col = body[len(body) // 2]
    if kind == "empty frames":
        frames[20:] = 40
    elif kind == "half off the mat":
        frames[:18] = np.roll(frames[:18], -16, axis=2)
        frames[:18, :, -16:] = 40
    elif kind == "hot cell":
        frames[:, 2, 2] = 4095
    elif kind == "missing cell":
        frames[:, row, col] = np.nan
    elif kind == "dead row":
        frames[:, row] = 40
    elif kind == "torn transfer":
        frames[5] = 4000
        frames[9, 20:] = 40
    elif kind == "wrong size":
        frames[3:6] = np.nan
    return raw(frames, person().mat)


@pytest.mark.parametrize(
    "kind",
    ["empty frames", "half off the mat", "hot cell", "missing cell", "dead row", "torn transfer", "wrong size"],
)
def test_faults_do_not_move_the_factor(kind):
    assert factor(faulty(kind), zero=40) == pytest.approx(factor(person(), zero=40), rel=0.01)


def test_faults_stay_in_the_recording():
    recording = faulty("hot cell")
    calibrated, report = calibrate(recording, body_weight_kg=MASS_KG, zero=40)
    np.testing.assert_allclose(calibrated.frames, (recording.frames - 40) * report.kpa_per_count, rtol=1e-5)
    assert (calibrated.flags & Flag.HOT).all()


def empty_mat(pattern: np.ndarray) -> Recording:
    """Five frames whose median is the pattern, one of them struck by somebody's hand."""
    return raw(np.stack([pattern - 1, pattern, pattern + 1, pattern, pattern + 900]))


def test_the_empty_mat_gives_every_cell_its_own_zero():
    pattern = np.random.default_rng(0).integers(0, 300, (50, 20)).astype(np.float32)
    recording = raw(block() + pattern)
    zero = replace(empty_mat(pattern), source="empty.csv")
    calibrated, report = calibrate(recording, body_weight_kg=MASS_KG, zero=zero)
    plain, expected = calibrate(raw(block()), body_weight_kg=MASS_KG)
    np.testing.assert_array_equal(calibrated.frames, plain.frames)
    assert report.kpa_per_count == expected.kpa_per_count
    assert report.zero_count == np.median(pattern)
    assert json.loads(calibrated.meta["calibration"])["zero_source"] == "empty.csv"


def test_a_person_hidden_by_the_cells_zeros_is_found():
    pattern = np.random.default_rng(0).integers(0, 4000, (50, 20)).astype(np.float32)
    recording = raw(block() + pattern)
    assert (recording.flags & Flag.EMPTY_BED).all()
    calibrated, report = calibrate(recording, body_weight_kg=MASS_KG, zero=empty_mat(pattern))
    assert report.kpa_per_count == factor(raw(block()))
    assert not calibrated.flags[0] & Flag.EMPTY_BED


def test_an_uneven_empty_mat_is_empty_once_zeroed():
    slope = np.repeat(np.linspace(0, 900, 50, dtype=np.float32)[:, None], 20, 1)
    drift = np.random.default_rng(0).normal(3, 1, (5, 50, 20))
    with pytest.raises(MatposeError, match="nobody lies"):
        calibrate(raw(slope + drift), body_weight_kg=MASS_KG, zero=empty_mat(slope))
    recording = raw(np.concatenate([block(), block(count=0)]) + slope)
    assert not (recording.flags & Flag.EMPTY_BED).any()  # counts of unknown zero look like somebody
    calibrated, report = calibrate(recording, body_weight_kg=MASS_KG, zero=empty_mat(slope))
    assert report.frames_used == 5
    assert [bool(bits & Flag.EMPTY_BED) for bits in calibrated.flags] == [False] * 5 + [True] * 5


def test_a_cell_that_the_empty_mat_never_read_has_no_reading():
    pattern = np.full((50, 20), 40, np.float32)
    pattern[0, 0] = np.nan
    calibrated, _ = calibrate(raw(block(zero=40)), body_weight_kg=MASS_KG, zero=empty_mat(pattern))
    assert np.isnan(calibrated.frames[:, 0, 0]).all()
    assert np.isnan(calibrated.frames).sum() == 5
    assert (calibrated.flags & Flag.NAN).all()


def test_the_zero_is_the_mats_own_unless_said_otherwise():
    scaled = replace(MAT, counts=CountScale(0.01, 44.0, 10.0))
    assert calibrate(raw(block(zero=44), scaled), body_weight_kg=MASS_KG)[1].zero_count == 44
    assert calibrate(raw(block(zero=44), scaled), body_weight_kg=MASS_KG, zero=0)[1].zero_count == 0
    assert calibrate(raw(block()), body_weight_kg=MASS_KG)[1].zero_count == 0


def test_noise_around_zero_weighs_nothing():
    noise = np.random.default_rng(1).normal(0, 20, (40, 50, 20))  # cut at zero it would weigh 4 % of the person
    assert factor(raw(block(40) + noise)) == pytest.approx(factor(raw(block())), rel=2e-3)


def test_cells_below_zero_stay_so_and_are_flagged():
    calibrated, report = calibrate(raw(block(zero=40)), body_weight_kg=MASS_KG, zero=90)
    assert calibrated.frames.min() == pytest.approx(-50 * report.kpa_per_count)
    assert (calibrated.flags & Flag.NEGATIVE).all()
    below = replace(raw(block(zero=-400)), flags=np.full(5, np.uint16(Flag.NEGATIVE | Flag.OUTSIDE)))
    assert set(calibrate(below, body_weight_kg=MASS_KG, zero=-400)[0].flags) == {Flag.OUTSIDE}


def test_saturated_cells_stay_known_as_such():
    counts = block(zero=44)
    counts[1, 20:22, 8:10] = 4095
    counts[1, 0, 0] = np.nan
    calibrated, report = calibrate(raw(counts), body_weight_kg=MASS_KG, zero=44)
    assert report.full_scale_kpa is not None
    assert report.full_scale_kpa == pytest.approx((4095 - 44) * report.kpa_per_count)
    assert calibrated.mat.counts == CountScale(report.kpa_per_count, 44, report.full_scale_kpa)
    fresh = assess(replace(calibrated, flags=np.zeros(5, np.uint16)))
    assert calibrated.flags[1] & Flag.NAN
    for recording in (calibrated, fresh):
        assert [bool(bits & Flag.SATURATED) for bits in recording.flags] == [False, True, False, False, False]
    assert clean(calibrated)[1].clipped == 0


def test_the_full_scale_of_a_known_mat_is_kept_in_counts():
    mat = replace(preset("pmatdata-ii"), rows=50, cols=20)  # 500 counts above 44 are full scale
    counts = block(zero=44)
    counts[:, 20:22, 5:15] = 600
    calibrated, report = calibrate(raw(counts, mat), body_weight_kg=MASS_KG)
    assert report.full_scale_kpa == pytest.approx(500 * report.kpa_per_count)
    assert report.saturated_share == pytest.approx(1, abs=1e-9)
    assert (calibrated.flags & Flag.SATURATED).all()
    assert (calibrated.mat.name, calibrated.mat.assumed) == (None, None)
    assert mat.assumed is not None


def test_a_mat_of_unknown_full_scale_is_left_as_it_is():
    calibrated, report = calibrate(raw(block()), body_weight_kg=MASS_KG)
    assert calibrated.mat == MAT
    assert report.full_scale_kpa is None


def test_all_else_is_kept_and_the_file_says_how_it_was_calibrated(tmp_path):
    recording = replace(
        raw(block()), subject="Ada", source="night.csv", meta={"ward": "3"}, posture=np.full(5, "supine")
    )
    before = recording.frames.copy()
    calibrated, report = calibrate(recording, body_weight_kg=MASS_KG, zero=1)
    np.testing.assert_array_equal(recording.frames, before)
    write_recording(tmp_path / "night.h5", calibrated)
    stored = read(tmp_path / "night.h5")
    assert (stored.subject, stored.source, stored.meta["ward"]) == ("Ada", "night.csv", "3")
    assert stored.posture is not None
    facts = json.loads(stored.meta["calibration"])
    assert (facts["body_weight_kg"], facts["zero_count"], facts["frames_used"]) == (MASS_KG, 1, 5)
    assert facts["kpa_per_count"] == report.kpa_per_count
    assert facts["at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "--body-weight-kg or --kpa-per-count"),
        ({"body_weight_kg": 70, "kpa_per_count": 0.01}, "--body-weight-kg or --kpa-per-count"),
        ({"body_weight_kg": 72_000}, "0.3 to 500"),
        ({"body_weight_kg": 0}, "0.3 to 500"),
        ({"body_weight_kg": float("nan")}, "0.3 to 500"),
        ({"kpa_per_count": -0.01}, "above 0"),
        ({"kpa_per_count": float("nan")}, "above 0"),
        ({"kpa_per_count": float("inf")}, "up to 1000"),
        ({"body_weight_kg": 70, "zero": float("nan")}, "count of an unloaded cell"),
        ({"body_weight_kg": 70, "zero": 5000}, "nobody lies"),
        ({"body_weight_kg": 70, "zero": 130}, "a lower --zero-count"),
        ({"body_weight_kg": 70, "zero": raw(np.zeros((1, 3, 4)), Mat(3, 4, 0.1, 0.1))}, "3 x 4 cells, .* 50 x 20"),
        ({"body_weight_kg": 70, "zero": replace(raw(block()), unit="kPa")}, "not in counts"),
        ({"body_weight_kg": 70, "zero": raw(np.full((2, 50, 20), np.nan))}, "no cell .* has a reading"),
        ({"body_weight_kg": 70, "zero": raw(np.roll(block(count=300), 4, axis=2))}, "nobody on it"),
    ],
)
def test_what_cannot_be_is_refused_with_a_mend(how, said):
    with pytest.raises(MatposeError, match=said) as error:
        calibrate(raw(block()), **how)
    assert error.value.mend


def test_recordings_that_cannot_be_weighed_are_refused():
    with pytest.raises(MatposeError, match=r"in kPa already.*--unit raw"):
        calibrate(replace(raw(block()), unit="kPa"), body_weight_kg=70)
    with pytest.raises(MatposeError, match="--pitch-mm"):
        calibrate(raw(block(), Mat(50, 20, None, None)), body_weight_kg=70)
    with pytest.raises(MatposeError, match="nobody lies"):
        calibrate(raw(block(count=0)), body_weight_kg=70)
    with pytest.raises(MatposeError, match="1000 is full scale"):
        calibrate(raw(block(), replace(MAT, counts=CountScale(0.01, 0, 10.0))), kpa_per_count=0.01, zero=1000)


def test_real_people_weigh_what_they_weigh(real_data):
    folder = real_data / "pmatdata" / "experiment-i"
    rows = csv.reader((folder / "subject-info-i.csv").read_text("utf-16").splitlines()[1:])
    mass_kg = {int(row[0]): float(row[3]) for row in rows}
    mat = preset("pmatdata-i")
    assert mat.counts is not None
    for subject, code in ((1, 1), (2, 8), (5, 1), (8, 8)):  # supine
        recording = read(folder / f"S{subject}" / f"{code}.txt", mat="pmatdata-i", unit="raw")
        calibrated, report = calibrate(recording, body_weight_kg=mass_kg[subject])
        weight_n = mass_kg[subject] * GRAVITY
        assert report.remarks == ()
        assert report.frames_used >= len(recording) - 6  # the first two frames of every file are bad
        lying = (calibrated.flags & (Flag.EMPTY_BED | Flag.CORRUPTED)) == 0
        force_n = (
            clean(replace(calibrated, mat=replace(mat, counts=None)))[0].frames[lying].sum((1, 2)) * 1000 * 0.0278**2
        )
        assert np.median(force_n) == pytest.approx(weight_n, rel=0.01)
        # against the maker's scale the mat reads .84 +- .10 of a supine person
        assert 0.6 < mat.counts.kpa_per_count / report.kpa_per_count < 1.05
