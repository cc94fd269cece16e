"""The check of a stream says of every frame what `assess` says of the recording, as far as the past can tell."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from matpose.mat import Mat, preset
from matpose.quality import assess, clean
from matpose.readers import read
from matpose.recording import Flag, Recording
from matpose.runtime.frame_check import FrameCheck
from matpose.runtime.recording_report import sample_night
from matpose.simulate.blobs import blob_recording
from matpose.simulate.person import Person

LATE = Flag.STUCK | Flag.CORRUPTED
"""Flags that depend on what comes next."""
MAT = Mat(64, 32, 0.028, 0.028)


def person(posture="supine", frames=24, seed=3) -> Recording:
    return blob_recording(seed, posture=posture, frames=frames, subject=Person(1.75, 85, "test"))


def streamed(recording: Recording, *, clock: bool = False) -> tuple[np.ndarray, list[Flag]]:
    check = FrameCheck(recording.mat, recording.unit)
    times = recording.time_s.tolist() if clock else [None] * len(recording)
    answers = [check.check(frame, at) for frame, at in zip(recording.frames, times, strict=True)]
    return np.stack([frame for frame, _ in answers]), [flags for _, flags in answers]


def recorded(recording: Recording, frames: np.ndarray, **changes) -> Recording:
    count = len(frames)
    return assess(replace(recording, frames=frames.astype(np.float32), flags=np.zeros(count, np.uint16), **changes))


def agree(recording: Recording, *, apart: Flag = Flag(0), clock: bool = False) -> list[Flag]:
    """The stream's flags, which with the exception of some must be the recording's, and its frames the cleaned ones."""
    cleaned, found = streamed(recording, clock=clock)
    expected = [Flag(bits) for bits in recording.flags.tolist()]
    assert [(flags & ~apart).names for flags in found] == [(flags & ~apart).names for flags in expected]
    same = [one & Flag.STUCK == other & Flag.STUCK for one, other in zip(found, expected, strict=True)]
    np.testing.assert_array_equal(cleaned[same], clean(recording)[0].frames[same])
    return found


def names(flags: list[Flag]) -> list[list[str]]:
    return [some.names for some in flags]


def amid(recording: Recording) -> tuple[int, int]:
    """A cell whose surroundings are well loaded."""
    lowest = recording.frames.min(0)
    around = np.stack([np.roll(lowest, (y, x), (0, 1)) for y in (-1, 0, 1, 2) for x in (-1, 0, 1)]).min(0)
    row, col = np.unravel_index(around.argmax(), around.shape)
    return int(row), int(col)


@pytest.mark.parametrize("posture", ["supine", "left", "right", "prone"])
@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_sound_people_raise_no_flag(posture, unit):
    for seed in range(2):
        recording = person(posture, seed=seed)
        if unit == "raw":
            recording = recorded(recording, np.rint(recording.frames * 37 + 11), unit="raw")
        assert names(agree(recording)) == [[]] * len(recording)


@pytest.mark.parametrize("name", ["bpms", "bt3510", "tip", "hlppdat"])
def test_people_on_other_mats(name):
    agree(assess(blob_recording(5, mat=preset(name), frames=12)))


@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_the_sample_night(unit):
    night = read(sample_night())
    frames = night.frames if unit == "kPa" else np.rint(night.frames * 37 + 11)
    found = agree(recorded(night, frames, unit=unit), apart=Flag.STUCK, clock=True)
    assert any(Flag.EMPTY_BED in flags for flags in found)


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
    found = agree(recorded(recording, frames, unit=unit))
    assert [i for i, flags in enumerate(found) if Flag.DEAD in flags] == [7, 8]


@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_nan_hot_saturated_and_negative(unit):
    recording = person()
    row, col = amid(recording)
    quiet_row, quiet_col = np.argwhere(recording.frames[0] == 0)[50]
    frames = recording.frames.copy()
    full = recording.mat.counts
    assert full is not None
    frames[4, 0, 0] = np.nan
    frames[5, 10:13, 10:13] = np.inf
    frames[6, quiet_row, quiet_col] = 2 * recording.frames.max()
    frames[8, row, col] = full.full_scale_kpa
    frames[9, row, col] = full.full_scale_kpa * 0.999
    frames[10, row, col] = 3 * full.full_scale_kpa
    frames[12, 0, 0] = -3
    frames[13] -= 0.15
    found = names(agree(recorded(recording, frames * (40 if unit == "raw" else 1), unit=unit)))
    assert found[4] == found[5] == ["nan"]
    assert "hot" in found[6]
    assert found[12] == ["negative"]
    if unit == "kPa":
        assert [found[index] for index in (8, 9, 10, 13)] == [["saturated"], [], ["saturated", "hot"], []]


@pytest.mark.parametrize("ceiling", [255, 4095])
def test_saturated_at_a_converters_ceiling(ceiling):
    recording = person()
    counts = np.minimum(np.rint(recording.frames * (1.3 * ceiling / recording.frames.max())), ceiling)
    assert ["saturated"] in names(agree(recorded(recording, counts, unit="raw")))


def test_a_stuck_cell_is_told_from_its_tenth_equal_frame_on():
    recording = person(frames=40)
    row, col = amid(recording)
    frames = recording.frames.copy()
    frames[12:32, row, col] = 2.5
    cleaned, found = streamed(recorded(recording, frames))
    assert [index for index, flags in enumerate(found) if Flag.STUCK in flags] == list(range(21, 32))
    ring = np.delete(frames[25, row - 1 : row + 2, col - 1 : col + 2].ravel(), 4)
    assert cleaned[25, row, col] == pytest.approx(np.median(ring))
    assert cleaned[20, row, col] == np.float32(2.5)


def test_a_cell_that_is_stuck_all_along_is_what_the_recording_says():
    recording = person(frames=30)
    row, col = amid(recording)
    frames = recording.frames.copy()
    frames[:, row, col] = frames[0, row, col]
    whole = recorded(recording, frames)
    assert all(Flag.STUCK in Flag(bits) for bits in whole.flags.tolist())
    assert names(agree(whole, apart=Flag.STUCK)) == [[]] * 9 + [["stuck"]] * 21


def test_neither_a_frozen_stream_nor_coarse_counts_are_stuck():
    recording = person(frames=30)
    agree(recorded(recording, np.repeat(recording.frames[:1], 30, 0)))
    agree(recorded(recording, np.rint(recording.frames / 0.133) * 0.133))


RNG = np.random.default_rng(0)
EMPTY = {
    "zero": np.zeros((12, 64, 32)),
    "constant offset": np.full((12, 64, 32), 0.1),
    "noise": RNG.normal(0, 0.13, (12, 64, 32)),
    "clipped noise": np.maximum(RNG.normal(0, 0.13, (12, 64, 32)), 0),
    "strong noise": RNG.normal(0, 1.5, (12, 64, 32)),
    "hot cells": np.where(RNG.random((12, 64, 32)) < 0.002, 13.3, 0),
    "nothing read": np.full((12, 64, 32), np.nan),
}


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize("unit", ["kPa", "raw"])
def test_empty_bed(name, unit):
    frames = (EMPTY[name] * (1 if unit == "kPa" else 40)).astype(np.float32)
    blank = Recording(frames, MAT, unit, np.arange(12.0), np.zeros(12, np.uint16))
    found = streamed(blank)[1]
    assert all(Flag.EMPTY_BED in flags for flags in found)
    assert not any(flags & (Flag.DEAD | Flag.STUCK) for flags in found)


def test_a_frame_of_another_size_has_no_reading():
    cleaned, flags = FrameCheck(MAT, "kPa").check(np.ones((32, 64), np.float32))
    assert cleaned.shape == (64, 32)
    assert np.isnan(cleaned).all()
    assert flags.names == ["nan", "wrong_size", "empty_bed"]


@pytest.mark.parametrize("length", [1, 2])
def test_a_brief_gap_amid_load_is_corrupted(length):
    recording = person()
    frames = recording.frames.copy()
    frames[10 : 10 + length] *= 0.2
    found = agree(recorded(recording, frames))
    assert [i for i, flags in enumerate(found) if Flag.CORRUPTED in flags] == list(range(10, 10 + length))


def test_whoever_leaves_is_believed_at_the_third_frame():
    recording = person()
    frames = recording.frames.copy()
    frames[10:20] = 0
    found = agree(recorded(recording, frames), apart=Flag.CORRUPTED)
    assert names(found[10:20]) == [["empty_bed", "corrupted"]] * 2 + [["empty_bed"]] * 8
    assert names(found[20:]) == [[]] * 4


def test_whoever_leaves_between_rare_frames_is_believed_at_once():
    recording = person()
    frames = recording.frames.copy()
    frames[10:] = 0
    rare = recorded(recording, frames, time_s=np.arange(24.0) * 60)
    assert names(agree(rare, clock=True))[10:] == [["empty_bed"]] * 14


def test_byte_swapped_frames_are_corrupted_the_very_first_too():
    recording = person()
    counts = np.rint(recording.frames / 0.0133322).astype(np.uint16)
    for index in (0, 5):
        counts[index] = counts[index].byteswap()
    found = agree(recorded(recording, counts * 0.0133322))
    assert [i for i, flags in enumerate(found) if Flag.CORRUPTED in flags] == [0, 5]


def test_a_heavier_person_is_believed_at_the_third_frame():
    recording = person(frames=30)
    frames = recording.frames.copy()
    frames[:20] *= 0.2
    found = streamed(recorded(recording, frames))[1]
    assert [i for i, flags in enumerate(found) if Flag.CORRUPTED in flags] == [20, 21]


def test_after_an_empty_bed_the_next_person_may_weigh_more():
    recording = person()
    frames = recording.frames.copy()
    frames[:8] *= 0.2
    frames[8:14] = 0
    found = streamed(recorded(recording, frames))[1]
    assert names(found[14:]) == [[]] * 10


def test_a_garbled_first_frame_does_not_spoil_the_scale_of_counts():
    recording = person()
    counts = np.rint(recording.frames * 75).astype(np.uint16)
    counts[0] = counts[0].byteswap()
    found = streamed(recorded(recording, counts, unit="raw"))[1]
    assert names(found[1:]) == [[]] * 23


def test_a_person_is_seen_on_counts_after_hours_of_an_empty_bed():
    recording = person(frames=3)
    noise = np.abs(np.random.default_rng(1).normal(0, 1, (300, 64, 32)))
    frames = np.concatenate((noise, recording.frames * 75 + noise[:3])).astype(np.float32)
    whole = Recording(frames, recording.mat, "raw", np.arange(303.0), np.zeros(303, np.uint16))
    assert names(streamed(whole)[1])[-3:] == [[], [], []]


@pytest.mark.parametrize("unit", ["kPa", "raw"])
@pytest.mark.parametrize("shape", [(3, 1, 40), (25, 2, 2), (11, 64, 3), (6, 20, 12)])
def test_any_numbers_are_flagged_as_in_a_recording(shape, unit):
    rng = np.random.default_rng(1)
    odd = np.array([0, 1, -1, 1e7, -1e7, np.nan, np.inf, -np.inf, 4095, 0.1, 3, 5, 0], np.float32)
    with np.errstate(all="raise", under="ignore"):
        for share in (1, 0.2, 0.02):  # of odd cells in a bed with somebody
            frames = np.where(rng.random(shape) < share, rng.choice(odd, shape), 2 + rng.random(shape))
            mat = Mat(shape[1], shape[2], *((None, None) if unit == "raw" else (0.03, 0.03)))
            whole = Recording(
                frames.astype(np.float32), mat, unit, np.arange(len(frames)) * 1.0, np.zeros(shape[0], int)
            )
            whole = assess(replace(whole, flags=whole.flags.astype(np.uint16)))
            if unit == "kPa":
                agree(whole, apart=LATE)
            else:
                streamed(whole)


def test_a_sound_frame_is_cheap():
    night = read(sample_night())
    check, frames = FrameCheck(night.mat, night.unit), night.frames[60:160]
    spent = []
    for frame in np.concatenate([frames] * 4):
        start = time.perf_counter()
        check.check(frame)
        spent.append(1e3 * (time.perf_counter() - start))
    assert np.percentile(spent, 5) < 0.15  # about .07; the fastest, because test machines are busy


@pytest.mark.parametrize("subjects", ["S1", pytest.param("S[2-6]", marks=pytest.mark.slow)])
def test_real_recordings(real_data, subjects):
    files = sorted((real_data / "pmatdata" / "experiment-i").glob(f"{subjects}/*.txt"))
    frames = wrong = 0
    for path in files[:: 1 if subjects != "S1" else 6]:
        recording = read(path)
        found = streamed(recording)[1]
        expected = [Flag(bits) for bits in recording.flags.tolist()]
        assert names([flags & ~LATE for flags in found]) == names([flags & ~LATE for flags in expected])
        frames += len(recording)
        wrong += sum(one != other for one, other in zip(found, expected, strict=True))
    assert frames
    assert wrong <= 0.01 * frames  # stuck cells are told later, and later than where they end
