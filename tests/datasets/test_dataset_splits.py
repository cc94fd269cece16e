"""Choices and splits of subjects; and the one door to all datasets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matpose.datasets import load
from matpose.datasets.splits import (
    choose_subjects,
    hold_out,
    leave_one_subject_out,
    parse_subjects,
    subject_groups,
)
from matpose.errors import DatasetError

SUBJECTS = st.lists(st.sampled_from([f"S{n}" for n in range(12)]), min_size=2, max_size=60).filter(
    lambda names: len(set(names)) > 1
)


def test_parse_subjects():
    assert parse_subjects("1-3, 8") == {"": {1, 2, 3, 8}}
    assert parse_subjects("i:1-2;ii:2;i:5") == {"i": {1, 2, 5}, "ii": {2}}


@pytest.mark.parametrize("text", ["", "a", "i:", "3-1", "1--2", "1,,2", "1;", "i:1:2", "-1", "1-99999999999", "²"])
def test_no_choice_of_subjects(text):
    with pytest.raises(DatasetError):
        parse_subjects(text)


def test_choose_subjects():
    there = {"i": [1, 2, 3], "ii": [1, 2]}
    assert choose_subjects(None, there) == {"i": [1, 2, 3], "ii": [1, 2]}
    assert choose_subjects("3,1", there) == {"i": [1, 3], "ii": [1]}
    assert choose_subjects("i:3;2", there) == {"i": [2, 3], "ii": [2]}
    for absent in ("4", "ii:3", "iii:1"):
        with pytest.raises(DatasetError, match="no subject"):
            choose_subjects(absent, there)


@given(SUBJECTS)
def test_every_subject_is_left_out_once(subjects):
    who = np.array(subjects)
    folds = list(leave_one_subject_out(subjects))
    assert [out for out, _, _ in folds] == sorted(set(subjects), key=lambda name: int(name[1:]))
    for out, train, test in folds:
        assert set(who[test]) == {out}
        assert out not in who[train]
        assert sorted([*train, *test]) == list(range(len(subjects)))


@given(SUBJECTS, st.integers(1, 5))
def test_groups_are_balanced_and_keep_people_whole(subjects, n):
    people = set(subjects)
    if n > len(people):
        with pytest.raises(DatasetError):
            subject_groups(subjects, n)
        return
    groups = subject_groups(subjects, n)
    assert sorted(name for group in groups for name in group) == sorted(people)
    assert all(groups)
    sizes = [sum(subjects.count(name) for name in group) for group in groups]
    assert max(sizes) - min(sizes) <= max(subjects.count(name) for name in people)
    assert groups == subject_groups(subjects[::-1], n)


@given(SUBJECTS, st.floats(0, 1), st.integers(0, 9))
def test_hold_out_parts_the_people(subjects, fraction, seed):
    train, val = hold_out(subjects, fraction, seed)
    people = set(subjects)
    assert set(train) | set(val) == people
    assert not set(train) & set(val)
    assert 1 <= len(val) <= len(people) - 1
    assert abs(len(val) - fraction * len(people)) <= 1
    assert (train, val) == hold_out(subjects[::-1], fraction, seed)


def test_groups_are_dealt_from_the_largest_down():
    subjects = [name for name, count in zip("edcba", (8, 7, 6, 5, 4), strict=True) for _ in range(count)]
    assert subject_groups(subjects, 2) == [["a", "b", "e"], ["c", "d"]]


def test_hold_out_depends_on_the_seed():
    assert len({tuple(hold_out("abcdefgh", 0.25, seed)[1]) for seed in range(20)}) > 5
    with pytest.raises(DatasetError, match="one subject"):
        hold_out(["a", "a"])


def test_load_blobs():
    all_people = list(load("blobs:3:7"))
    assert [r.subject for r in all_people[::8]] == ["blobs/1", "blobs/2", "blobs/3"]
    again = list(load("blobs:3:7", subjects="2"))
    assert len(again) == 8
    assert all((a.frames == b.frames).all() for a, b in zip(again, all_people[8:16], strict=True))
    assert not np.array_equal(again[0].frames, next(iter(load("blobs:3:8", subjects="2"))).frames)
    assert next(iter(load("blobs:1", mat="bt3510"))).frames.shape[1:] == (64, 27)


@pytest.mark.parametrize("spec", ["blobs:", "blobs:0", "blobs:x", "blobs:2:y", "blobs:-1"])
def test_load_no_blobs(spec):
    with pytest.raises(DatasetError, match="blobs:N"):
        list(load(spec))


def test_load_refuses_foreign_options(tmp_path):
    with pytest.raises(DatasetError, match="pmatdata takes no rows"):
        load(f"pmatdata:{tmp_path}", rows=3)
    with pytest.raises(DatasetError, match="holds no PmatData"):
        list(load(f"pmatdata:{tmp_path}", rows=None, rotate=0, mirror=False))
    with pytest.raises(DatasetError, match="no such file or folder"):
        list(load("nonsense:path"))
