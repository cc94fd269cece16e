"""Lines of numbers: whole frames, half ones, and what is none."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matpose.live.text_rows import TextRows
from matpose.live.wire import Frame

SHAPE = (2, 3)
GRID = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def said(frames: list[Frame]) -> list:
    """The numbers of each frame, or "wrong"."""
    return [frame.values.tolist() if frame.values.shape == SHAPE else "wrong" for frame in frames]


def read(text: bytes, **how) -> list:
    return said(TextRows(SHAPE, **how).feed(text))


@pytest.mark.parametrize(
    "text",
    [
        b"1,2,3,4,5,6\n", b"1 2 3 4 5 6\n", b"1\t2\t3\t4\t5\t6\r\n", b"1;2;3;4;5;6\n", b"1, 2, 3, 4, 5, 6,\n",
        b"1\t2\t3\t4\t5\t6\t\n", b"  1.0   2e0 +3 4. 5 .6e1  \n", b"1,2,3\n4,5,6\n\n", b"1 2 3\r\n4 5 6\r\n\r\n",
        b"\n\n1\t2\t3\t\n4\t5\t6\t\n  \n\n", b"# frame 1\n1,2,3\n# half\n4,5,6\n\n",
    ],
)  # fmt: skip
def test_dialects(text):
    assert read(text) == [GRID]
    assert read(text + text) == [GRID, GRID]


def test_no_reading():
    (frame,) = TextRows(SHAPE).feed(b"1,,nan,B,-,inf\n")
    np.testing.assert_array_equal(frame.values, [[1, np.nan, np.nan], [np.nan, np.nan, np.nan]])
    assert (frame.sequence, frame.epoch_s, frame.scale_kpa) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        (b"1,2,3,4,5\n", ["wrong"]),
        (b"1,2,3,4,5,6,7\n", ["wrong"]),
        (b"1,2,3,4,5,x\n", ["wrong"]),
        (b"1,2,3,4,5,1_0\n", ["wrong"]),
        (b"1,2,3,4,5,0x1\n", ["wrong"]),
        (b"1,2,3\n\n", ["wrong"]),
        (b"1,2,3\n4,5\n\n1,2,3\n4,5,6\n\n", ["wrong", GRID]),
        (b"1,2,3\n4,5,6\n7,8,9\n1,1,1\n\n1,2,3\n4,5,6\n\n", ["wrong", GRID]),
        (b"1,2,3\n1,2,3,4,5,6\n", [GRID]),
        (b"Ready v1.2\n1,2,3,4,5,6\n", ["wrong", GRID]),
        (b"1,2,3,4,5,6", []),
        (b"1,2,3\n4,5,6\n", []),
        (b"\xff\xfe\0\n1,2,3,4,5,6\n", ["wrong", GRID]),
    ],
)
def test_wrong_counts_are_told_not_guessed(text, frames):
    assert read(text) == frames


def test_a_row_in_place_of_a_frame_says_that_something_was_lost():
    (frame,) = TextRows(SHAPE).feed(b"1,2,3\n1,2,3,4,5,6\n")
    assert frame.after_loss


def test_a_line_in_the_midst_is_left_out_when_one_begins_to_listen():
    # "11,2,3,4,5,6" came as "1,2,3,4,5,6": the right count of wrong numbers
    assert read(b"1,2,3,4,5,6\n1,2,3,4,5,6\n", aligned=False) == [GRID]
    assert read(b"2,3\n4,5,6\n\n1,2,3\n4,5,6\n\n", aligned=False) == [GRID]
    # but a mat of another grid is seen at once
    assert read(b"1,2\n1,2,3,4\n1,2,3,4\n", aligned=False) == ["wrong", "wrong"]
    assert read(b"1,2\n" + b"1,2,3\n" * 7, aligned=False) == ["wrong"] * 2


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([b"1", b"2.5", b",", b" ", b"\t", b"\n", b"\r\n", b"-", b"#", b"nan", b"x"])),
       st.integers(1, 7), st.booleans())  # fmt: skip
def test_any_split_reads_the_same(words, step, aligned):
    text = b"".join(words)
    rows = TextRows(SHAPE, aligned=aligned)
    found = [frame for start in range(0, len(text), step) for frame in rows.feed(text[start : start + step])]
    assert repr(said(found)) == repr(read(text, aligned=aligned))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_and_then_a_frame(data):
    rows = TextRows(SHAPE)
    rows.feed(data)
    rows.feed(b"\n\n")
    assert said(rows.feed(b"1,2,3,4,5,6\n")) == [GRID]


@pytest.mark.parametrize("piece", [b"1", b"1,", b"\n", b"1\n", b"1,2,3\n", b","])
def test_memory_and_time_are_bounded(piece):
    rows, data = TextRows(SHAPE), (piece * 20000)[:20000]
    began_s = time.process_time()
    for start in range(0, len(data), 7):
        rows.feed(data[start : start + 7])
    rows.feed(data)
    assert time.process_time() - began_s < 3  # 0.2 s on an idle core
    assert len(rows._line) <= 7 * 32 + 1
    assert len(rows._rows) <= SHAPE[0]
