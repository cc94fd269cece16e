"""Faults put into sound frames are found, each by its own flag, and sound frames raise none."""

import time
from dataclasses import replace

import numpy as np
import pytest

from matpose.mat import Mat, preset
from matpose.quality import assess, clean
from matpose.recording import Flag, Recording
from matpose.simulate.blobs import blob_recording
from matpose.simulate.person import Person

FAULTS = Flag.NAN | Flag.DEAD | Flag.STUCK | Flag.SATURATED | Flag.HOT | Flag.NEGATIVE


def person(posture="supine", frames=24, seed=3) -> Recording:
    return blob_recording(seed, posture=posture, frames=frames, subject=Person(1.75, 85, "test"))


def with_frames(recording: Recording, frames: np.ndarray, **changes) -> Recording:
    fresh = np.zeros(len(frames), np.uint16)
    return assess(replace(recording, frames=frames.astype(np.float32), flags=fresh, **changes))


def bare(frames: np.ndarray, mat: Mat, unit="kPa") -> Recording:
    count = len(frames)
    return Recording(frames.astype(np.float32), mat, unit, np.arange(float(count)), np.zeros(count, np.uint16))


def amid(recording: Recording) -> tuple[int, int]:
    """A cell whose surroundings are well loaded."""
    lowest = recording.frames.min(0)
    around = np.stack([np.roll(lowest, (y, x), (0, 1)) for y in (-1, 0, 1, 2) for x in (-1, 0, 1)]).min(0)
    row, col = np.unravel_index(around.argmax(), around.shape)
    assert around[row, col] > 1
    return int(row), int(col)


def names(recording: Recording) -> list[list[str]]:
    return [Flag(int(bits)).names for bits in recording.flags]


@pytest.mark.parametrize("posture", ["supine", "left", "right", "prone"])
@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_sound_people_raise_no_flag(posture, unit):
    for seed in range(6):
        recording = person(posture, seed=seed)
        if unit == "raw":  # counts of an unknown scale over an unknown floor
            recording = with_frames(recording, np.rint(recording.frames * 37 + 11), unit="raw")
        assert names(recording) == [[]] * len(recording)


@pytest.mark.parametrize("name", ["bpms", "bt3510", "tip"])
def test_sound_people_raise_no_flag_on_other_mats(name):
    assert not blob_recording(5, mat=preset(name), frames=12).flags.any()


def test_nan():
    recording = person()
    frames = recording.frames.copy()
    frames[4, 0, 0] = np.nan
    frames[5, 0, 0] = np.inf
    found = with_frames(recording, frames)
    assert names(found) == [[]] * 4 + [["nan"]] * 2 + [[]] * 18


@pytest.mark.parametrize("kind", ["cell", "pair", "row", "column"])
@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_dead(kind, unit):
    recording = person()
    row, col = amid(recording)
    frames = recording.frames * 40 if unit == "raw" else recording.frames.copy()
    where = {
        "cell": (slice(7, 9), row, col),
        "pair": (slice(7, 9), slice(row, row + 2), col),
        "row": (slice(7, 9), row),
        "column": (slice(7, 9), slice(None), col),
    }[kind]
    frames[where] = 0
    found = with_frames(recording, frames, unit=unit)
    assert [i for i, said in enumerate(names(found)) if said] == [7, 8]
    assert all("dead" in said for said in names(found)[7:9])


def test_stuck():
    recording = person(frames=30)
    row, col = amid(recording)
    frames = recording.frames.copy()
    frames[:, row, col] = frames[0, row, col]
    found = with_frames(recording, frames)
    assert names(found) == [["stuck"]] * 30
    assert not with_frames(recording.select(slice(0, 9)), frames[:9]).flags.any()  # too short to tell


def test_a_frozen_stream_is_not_a_stuck_cell():
    recording = person(frames=1)
    still = np.repeat(recording.frames, 20, 0)
    assert not assess(bare(still, recording.mat)).flags.any()


def test_coarse_counts_are_not_stuck():
    recording = person(frames=30)
    assert not with_frames(recording, np.rint(recording.frames / 0.133) * 0.133).flags.any()


def test_saturated_at_the_sensors_full_scale():
    recording = person()
    row, col = amid(recording)
    assert recording.mat.counts is not None
    frames = recording.frames.copy()
    frames[2, row, col] = recording.mat.counts.full_scale_kpa
    frames[3, row, col] = recording.mat.counts.full_scale_kpa * 0.999
    assert names(with_frames(recording, frames))[2:4] == [["saturated"], []]


@pytest.mark.parametrize("ceiling", [255, 1023, 4095, 65535])
def test_saturated_at_a_converters_ceiling(ceiling):
    recording = person()
    counts = np.rint(recording.frames * (1.3 * ceiling / recording.frames.max()))
    assert names(with_frames(recording, np.minimum(counts, ceiling), unit="raw"))[0] == ["saturated"]
    assert names(with_frames(recording, np.minimum(counts, ceiling - 1), unit="raw"))[0] == []


@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_hot(unit):
    recording = person()
    row, col = np.argwhere(recording.frames[0] == 0)[50]
    frames = recording.frames * 40 if unit == "raw" else recording.frames.copy()
    frames[6, row, col] = frames.max() * 2
    said = names(with_frames(recording, frames, unit=unit))
    assert [i for i, flags in enumerate(said) if flags] == [6]
    assert said[6] == ["hot"]


def test_a_small_lone_peak_is_not_hot():
    recording = person()
    row, col = np.argwhere(recording.frames[0] == 0)[50]
    frames = recording.frames.copy()
    frames[6, row, col] = 4  # 30 mmHg: a fingertip
    assert not with_frames(recording, frames).flags.any()


def test_negative_but_not_the_noise_of_a_subtracted_baseline():
    recording = person()
    frames = recording.frames.copy()
    frames[1] -= 0.15
    frames[2, 0, 0] = -1
    assert names(with_frames(recording, frames))[:4] == [[], [], ["negative"], []]


def test_flags_already_set_are_kept():
    recording = person(frames=2)
    kept = assess(replace(recording, flags=np.array([Flag.WRONG_SIZE, 0], np.uint16)))
    assert names(kept) == [["wrong_size"], []]


RNG = np.random.default_rng(0)
EMPTY = {
    "zero": np.zeros((5, 64, 32)),
    "constant offset": np.full((5, 64, 32), 0.1),
    "noise": RNG.normal(0, 0.13, (5, 64, 32)),
    "clipped noise": np.maximum(RNG.normal(0, 0.13, (5, 64, 32)), 0),
    "strong noise": RNG.normal(0, 1.5, (5, 64, 32)),
    "hot cells": np.where(RNG.random((5, 64, 32)) < 0.002, 13.3, 0),
}


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_empty_bed(name, unit):
    frames = EMPTY[name] * (1 if unit == "kPa" else 40)
    found = assess(bare(frames, Mat(64, 32, 0.028, 0.028), unit))
    assert all("empty_bed" in said for said in names(found))
    assert not any("dead" in said or "stuck" in said for said in names(found))


def test_all_nan_is_empty_and_warns_nobody():
    with np.errstate(all="raise"):
        for unit in ("kPa", "raw"):
            found = assess(bare(np.full((2, 8, 8), np.nan), Mat(8, 8, 0.03, 0.03), unit))
            assert names(found) == [["nan", "empty_bed"]] * 2


@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_an_infant_is_somebody(unit):
    y, x = np.mgrid[:64, :32] * 0.028

    def patch_kpa(at_y_m, force_n, radius_m):
        distance2 = (y - at_y_m) ** 2 + (x - 0.4) ** 2
        return force_n * np.exp(-distance2 / (2 * radius_m**2)) / (2 * np.pi * radius_m**2) / 1000

    newborn = patch_kpa(0.9, 20, 0.05) + patch_kpa(0.72, 9, 0.03)  # trunk and head of 3 kg
    frames = (newborn + RNG.normal(0, 0.03, (1, 64, 32))) * (1 if unit == "kPa" else 100)
    assert not assess(bare(frames, Mat(64, 32, 0.028, 0.028), unit)).flags.any()


def test_leaving_the_bed_is_empty_not_corrupted():
    recording = person()
    frames = recording.frames.copy()
    frames[10:16] = 0
    frames[22:] = 0
    said = names(with_frames(recording, frames))
    assert [i for i, flags in enumerate(said) if flags] == [*range(10, 16), 22, 23]
    assert said[10] == said[15] == said[23] == ["empty_bed"]


@pytest.mark.parametrize("length", [1, 2])
def test_a_brief_gap_amid_load_is_corrupted(length):
    recording = person()
    frames = recording.frames.copy()
    frames[10 : 10 + length] *= 0.2
    said = names(with_frames(recording, frames))
    assert [i for i, flags in enumerate(said) if "corrupted" in flags] == list(range(10, 10 + length))


def test_byte_swapped_frame_is_corrupted():
    recording = person()
    counts = np.rint(recording.frames / 0.0133322).astype(np.uint16)
    counts[5] = counts[5].byteswap()
    said = names(with_frames(recording, counts * 0.0133322))
    assert "corrupted" in said[5]
    assert not any("corrupted" in flags for i, flags in enumerate(said) if i != 5)


def test_nothing_at_all():
    nothing = assess(bare(np.zeros((0, 4, 4)), Mat(4, 4, 0.03, 0.03)))
    assert len(nothing) == 0
    assert clean(nothing)[1].as_dict() == dict.fromkeys(clean(nothing)[1].as_dict(), 0)


def test_clean_mends_each_kind_and_counts_it():
    recording = person(frames=24)
    sound = recording.frames.astype(np.float64)
    row, col = amid(recording)
    full = preset("pmatdata-i").counts
    assert full is not None
    bad = sound.copy()
    bad[0, row, col] = np.nan  # isolated
    bad[1, :3, :3] = np.nan  # a patch
    bad[2, row] = 0  # a dead row
    bad[3, row, col] = full.full_scale_kpa * 0.99 + 0  # not above all neighbours sixfold: stays
    bad[4, 0, 0] = 200  # hot
    bad[5, row, col - 1 : col + 2] = 20  # above full scale
    bad[6, 63, 31] = -3
    before = with_frames(recording, bad)
    after, report = clean(before)
    counts = report.as_dict()
    assert counts["nan_filled"] == 1
    assert counts["nan_left"] == 9
    assert counts["hot"] == 1
    assert counts["dead"] == 32
    assert counts["clipped"] == 3
    assert counts["negative"] == 1
    assert counts["stuck"] == counts["unmended"] == 0
    assert np.isnan(after.frames[1, :3, :3]).all()
    assert np.isnan(after.frames).sum() == 9
    ring = np.delete(sound[0, row - 1 : row + 2, col - 1 : col + 2].ravel(), 4)
    assert after.frames[0, row, col] == pytest.approx(np.median(ring), rel=1e-6)
    assert np.abs(after.frames[2] - sound[2]).max() < 0.35 * sound[2].max()
    assert after.frames[4, 0, 0] == 0
    assert np.nanmax(after.frames) <= full.full_scale_kpa * (1 + 1e-6)
    assert np.nanmin(after.frames) == 0
    assert (after.flags == before.flags).all()
    assert np.isnan(before.frames[0, row, col])  # the given recording is untouched
    assert "1 isolated cells" in str(report)
    assert "32 dead" in str(report)


def test_clean_stuck():
    recording = person(frames=12)
    row, col = amid(recording)
    bad = recording.frames.copy()
    bad[:, row, col] = 1.5 * bad[0, row, col]
    bad[0, row + 1, col] = bad.max() * 1.2  # so that the stuck cell is not the frame's ceiling
    after, report = clean(with_frames(recording, bad))
    assert report.stuck == 12
    ring = np.stack([np.delete(frame[row - 1 : row + 2, col - 1 : col + 2].ravel(), 4) for frame in bad])
    assert after.frames[:, row, col] == pytest.approx(np.median(ring, 1), rel=1e-6)


def test_clean_leaves_a_sound_recording_alone():
    recording = person()
    after, report = clean(recording)
    assert str(report) == "nothing to clean"
    assert (after.frames == recording.frames).all()


def test_linear_in_frames():
    one = person(frames=50)
    long = bare(np.tile(one.frames, (20, 1, 1)), one.mat)
    start = time.perf_counter()
    found = assess(long)
    assert time.perf_counter() - start < 2  # 1,000 frames; about 0.1 s
    assert not (found.flags & np.uint16(FAULTS)).any()


def test_real_recordings_are_mostly_sound(real_data):
    from matpose.readers import read

    whole = read(real_data / "pmatdata/experiment-i/S1/1.txt", mat="pmatdata-i")
    said = names(whole)
    assert "corrupted" in said[1]  # byte-swapped
    assert "empty_bed" in said[0]
    steady = [set(flags) - {"saturated", "hot"} for flags in said[3:-3]]
    assert not any(steady)


@pytest.mark.slow
def test_false_alarms_on_real_recordings(real_data):
    from matpose.datasets import load

    i = list(load(f"pmatdata:{real_data / 'pmatdata'}", subjects="i:1-6"))
    flags = np.concatenate([recording.flags for recording in i])
    for flag, most in ((Flag.DEAD, 0.001), (Flag.STUCK, 0.01), (Flag.EMPTY_BED, 0.001), (Flag.NEGATIVE, 0)):
        assert ((flags & flag) > 0).mean() <= most, flag


@pytest.mark.parametrize("unit", ["kPa", "raw"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 40), (25, 2, 2), (11, 64, 3)])
def test_any_numbers_are_assessed_and_cleaned(shape, unit):
    rng = np.random.default_rng(1)
    odd = np.array([0, 1, -1, 1e7, -1e7, np.nan, np.inf, -np.inf, 4095, 0.1], np.float32)
    with np.errstate(all="raise", under="ignore"):
        for _ in range(10):
            frames = rng.choice(odd, shape)
            pitch_m = None if unit == "raw" else 0.03
            mat = Mat(shape[1], shape[2], pitch_m, pitch_m)
            found = assess(bare(frames, mat, unit))
            assert (((found.flags & Flag.NAN) > 0) == (~np.isfinite(frames)).any((1, 2))).all()
            mended, report = clean(found)
            left = int((~np.isfinite(mended.frames)).sum())
            assert report.nan_left + report.nan_filled == (~np.isfinite(frames)).sum()
            assert left <= (~np.isfinite(frames)).sum()
            assert not (mended.frames < 0).any()
