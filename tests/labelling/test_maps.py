"""Which frames are offered for marking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matpose.datasets import load
from matpose.errors import MatposeError
from matpose.labelling.bones import BONES
from matpose.labelling.maps import label_maps
from matpose.mat import Mat
from matpose.recording import JOINT_NAMES, Flag, Recording


def _recording(count: int, name: str = "night", source: str | None = None) -> Recording:
    frames = np.arange(count, dtype=np.float32)[:, None, None] + np.ones((count, 6, 4), np.float32)
    return Recording(
        frames, Mat(6, 4, 0.1, 0.1), "kPa", np.arange(count) * 1.0, np.zeros(count, np.uint16), name, source=source
    )


def test_frames_lie_in_the_middle_of_equal_parts():
    assert [each.frame for each in label_maps([_recording(9)])[0]] == [4]
    maps, _ = label_maps([_recording(90)], 3)
    assert [each.frame for each in maps] == [15, 45, 75]
    assert [float(each.cells[0, 0]) for each in maps] == [16, 46, 76]
    assert [each.frame for each in label_maps([_recording(2)], 5)[0]] == [0, 1]


def test_frames_with_nobody_or_no_transfer_are_passed_over():
    flags = np.zeros(9, np.uint16)
    flags[3:] = [Flag.EMPTY_BED, Flag.CORRUPTED, Flag.WRONG_SIZE, 0, Flag.HOT, 0]
    maps, _ = label_maps([replace(_recording(9), flags=flags)], 9)
    assert [each.frame for each in maps] == [0, 1, 2, 6, 7, 8]
    nobody = replace(_recording(9, "empty"), flags=np.full(9, Flag.EMPTY_BED, np.uint16))
    maps, without = label_maps([nobody, _recording(3)])
    assert ([each.recording for each in maps], without) == (["night"], ["empty"])
    with pytest.raises(MatposeError, match="somebody"):
        label_maps([nobody])


def test_names_lose_the_files_suffix_and_must_differ():
    names = ("anna/n1.csv", "people.h5/3", "i/S3/14")
    files = ("/x/anna/n1.csv", "/x/people.h5", "/x/S3/14.txt")
    maps, _ = label_maps(_recording(1, name, file) for name, file in zip(names, files, strict=True))
    assert [each.recording for each in maps] == ["anna/n1", "people/3", "i/S3/14"]
    with pytest.raises(MatposeError, match="two recordings"):
        label_maps([_recording(1, "14.txt", "/a/14.txt"), _recording(1, "14.txt", "/b/14.txt")])


def test_an_unknown_pitch_and_no_frames_are_refused():
    with pytest.raises(MatposeError, match="pitch"):
        label_maps([replace(_recording(1), mat=Mat(6, 4, None, None))])
    with pytest.raises(MatposeError, match="0 frames"):
        label_maps([_recording(1)], 0)


def test_bones_join_known_joints_and_simulated_people_have_none_too_long():
    assert {name for bone in BONES for name in (*bone.start, *bone.stop)} == set(JOINT_NAMES)
    joints_m = next(load("blobs:1")).joints_m
    assert joints_m is not None
    for bone in BONES:
        start, stop = (
            np.mean([joints_m[0, JOINT_NAMES.index(name), :2] for name in names], axis=0)
            for names in (bone.start, bone.stop)
        )
        assert 100 * np.linalg.norm(start - stop) < bone.longest_cm


def test_real_recordings_are_named_as_their_dataset_names_them(real_data):
    recordings = list(load(f"pmatdata:{real_data / 'pmatdata'}", subjects="i:3"))
    maps, without = label_maps(recordings, 2)
    assert (len(maps), without) == (34, [])
    last = next(each for each in maps if each.recording == "i/S3/14")
    recording = next(each for each in recordings if each.name == "i/S3/14")
    assert np.array_equal(last.cells, recording.frames[last.frame])
    assert last.posture == "left"
