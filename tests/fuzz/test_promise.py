"""Any bytes yield a Recording or a clear refusal: all that fuzzing ever found, and some fresh damage by fixed dice."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
from findings import FINDINGS
from mutate import mutate, mutate_bytes
from promise import READERS, keep_promise
from seeds import SEEDS, bare_recording

from matpose.errors import MatposeError, UnreadableFile
from matpose.readers import Contents, examine, read, write_recording

CASES = 60
BEARABLE_BYTES = 256 << 20
BEARABLE_S = 10  # on a busy machine; what was found took minutes


@pytest.mark.parametrize(("name", "content", "what"), FINDINGS, ids=[what for _, _, what in FINDINGS])
def test_what_was_found_stays_mended(tmp_path, name, content, what):
    file = tmp_path / "case"
    file.write_bytes(content)
    begun = time.perf_counter()
    tracemalloc.start()
    try:
        keep_promise(READERS[name], file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BEARABLE_BYTES
    assert time.perf_counter() - begun < BEARABLE_S


@pytest.mark.parametrize("name", READERS)
def test_seeds_are_recognised_and_most_are_sound(tmp_path, name):
    file = tmp_path / "seed"
    sound = 0
    for seed in SEEDS[name]:
        file.write_bytes(seed)
        assert READERS[name].sniff(seed)
        sound += keep_promise(READERS[name], file) is not None
        if READERS[name] is not READERS["text"]:
            assert not any(READERS[other].sniff(seed) for other in READERS if other not in (name, "text"))
    assert sound > len(SEEDS[name]) / 2.1


@pytest.mark.parametrize("name", READERS)
def test_damage_by_fixed_dice(tmp_path, name):
    dice = Random(name)
    file = tmp_path / "case"
    for number in range(CASES):
        content = dice.choice(SEEDS[name])
        for _ in range(dice.randint(1, 3)):
            content = mutate(name, content, dice) if dice.random() < 0.5 else mutate_bytes(content, dice)
        file.write_bytes(content)
        try:
            keep_promise(READERS[name], file)
        except Exception as error:
            pytest.fail(f"case {number}: {type(error).__name__}: {error}\n({name!r}, {content!r}, '...'),")


def test_what_is_read_can_be_written_and_read_again(tmp_path):
    """Damage that a reader lets pass is still a recording like any other."""
    dice = Random(1)
    read_again = 0
    for _ in range(40):
        (tmp_path / "case").write_bytes(mutate("hdf5", b"", dice))
        if (recording := keep_promise(READERS["hdf5"], tmp_path / "case")) is None or len(recording) > 7:
            continue
        write_recording(tmp_path / "again.h5", recording)
        again = read(tmp_path / "again.h5")
        np.testing.assert_array_equal(again.frames, recording.frames)
        assert again.mat == recording.mat
        read_again += 1
    assert read_again > 3


class TestABrokenPromise:
    """The judge itself: each of these must not pass."""

    def broken(self, answer: Any, tmp_path: Path) -> None:
        def read_as_told(path: Path) -> Contents:
            if isinstance(answer, Exception):
                raise answer
            return Contents(path, "none", recording=answer)

        class Reader:
            sniff = staticmethod(lambda head: True)
            read = staticmethod(read_as_told)

        (tmp_path / "case").write_bytes(b"x")
        keep_promise(cast(ModuleType, Reader), tmp_path / "case")

    @pytest.mark.parametrize(
        "answer",
        [
            ValueError("bare"),
            OSError("bare"),
            RecursionError(),
            MatposeError("names no file", mend="do so"),
            MatposeError("names another file", mend="do so", path="another"),
            replace(bare_recording(), frames=np.full((2, 4, 3), np.inf, np.float32)),
            replace(bare_recording(), frames=np.zeros((2, 4, 3))),
            replace(bare_recording(), time_s=np.array([1.0, 0.0])),
            replace(bare_recording(), time_s=np.array([0.0, np.nan])),
            replace(bare_recording(), flags=np.zeros(2, int)),
            replace(bare_recording(), events=((np.inf, "exit"),)),
            bare_recording().select(slice(0)),
        ],
    )
    def test_is_seen(self, tmp_path, answer):
        with pytest.raises((AssertionError, ValueError, OSError, RecursionError)):
            self.broken(answer, tmp_path)

    @pytest.mark.parametrize(
        ("problem", "mend"), [("", "x"), ("x", ""), ("\x1b[2J", "x"), ("two\nlines", "x"), ("x" * 2000, "x")]
    )
    def test_of_the_refusal_is_seen(self, tmp_path, problem, mend):
        with pytest.raises(AssertionError):
            self.broken(UnreadableFile(problem, mend=mend, path=tmp_path / "case"), tmp_path)

    def test_not_where_all_is_well(self, tmp_path):
        self.broken(bare_recording(), tmp_path)
        self.broken(UnreadableFile("broken", mend="fetch it again", path=tmp_path / "case"), tmp_path)


def test_every_seed_reads_by_its_own_name(tmp_path):
    for name, seeds in SEEDS.items():
        (tmp_path / "seed").write_bytes(seeds[0])
        assert name.split("-")[0] in examine(tmp_path / "seed").format
