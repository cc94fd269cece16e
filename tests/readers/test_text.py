"""Text in every dialect reads to the numbers that were written; damage is named by its line."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matpose.errors import MatposeError, UnknownMat, UnreadableFile
from matpose.readers import examine, read

SAME_FOLDER = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table_of(path: Path, content: bytes | str) -> np.ndarray:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = examine(path).table
    assert table is not None
    return table.values


def raw(path: Path, rows: int, cols: int, **options) -> np.ndarray:
    return read(path, rows=rows, cols=cols, unit="raw", **options).frames


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1 2 3\n4 5 6\n", [[1, 2, 3], [4, 5, 6]]),
        ("  1   2  3\r\n 40  5  6", [[1, 2, 3], [40, 5, 6]]),
        ("1\t2\t3\t\r\n4\t5\t6\t\r\n", [[1, 2, 3], [4, 5, 6]]),
        ("1,2,3\n4,5,6\n", [[1, 2, 3], [4, 5, 6]]),
        ("1, 2, 3\r4, 5, 6\r", [[1, 2, 3], [4, 5, 6]]),
        ("1;2,5;3\n4;5;6,25\n", [[1, 2.5, 3], [4, 5, 6.25]]),
        ("1,5 2,5 3\n4 5 6,25\n", [[1.5, 2.5, 3], [4, 5, 6.25]]),
        ("1,5\t2\n3\t4\n", [[1.5, 2], [3, 4]]),
        ('"1,5","2","3"\n"4","","6"\n', [[1.5, 2, 3], [4, np.nan, 6]]),
        ("-1.5e2 +2 .5\n1. 0 1E-2\n", [[-150, 2, 0.5], [1, 0, 0.01]]),
        ("1,,3\n,5,\n", [[1, np.nan, 3], [np.nan, 5, np.nan]]),
        ("1 NaN 3\nB - nan\n", [[1, np.nan, 3], [np.nan, np.nan, np.nan]]),
        ("1;2;\n3;4;5\n", [[1, 2, np.nan], [3, 4, 5]]),
        ("\t\n1\t2\n", [[np.nan, np.nan], [1, 2]]),
        ("\f\n1\t2\n", [[1, 2]]),
        ("1 2\n\f\n3 4\n", [[1, 2], [3, 4]]),
        ("c1;c2;c3\n1;2;3\n", [[1, 2, 3]]),
        ("# pressure of 3 cells\n1 2 3\n", [[1, 2, 3]]),
        ("Druck in °\n1 2 3\n".encode("latin-1"), [[1, 2, 3]]),
        ("\ufeff1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("a;b\n1;2\n3;4\n".encode("utf-16"), [[1, 2], [3, 4]]),
        ("\ufeff1 2\n".encode("utf-16-be"), [[1, 2]]),
        ("007 1234567890123 4\n".replace("1234567890123", "0000000000123"), [[7, 123, 4]]),
    ],
)
def test_dialects(tmp_path, content, expected):
    np.testing.assert_array_equal(table_of(tmp_path / "map", content), np.array(expected, np.float32))


def test_a_skipped_header_is_told(tmp_path):
    file = tmp_path / "map.csv"
    file.write_text("a,b\n1,2\n")
    assert "header" in examine(file).notes[0]
    file.write_text("1,2\n1,2\n")
    assert examine(file).notes == ()


def test_header_before_a_line_longer_than_the_first_look(tmp_path):
    values = np.arange(20000)
    found = table_of(tmp_path / "map.csv", "cells\n" + ",".join(f"{v:.3f}" for v in values) + "\n")
    np.testing.assert_array_equal(found, values[None])


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        ("1 2 3\n4 5\n6 7 8\n", 2, "2 values where the lines before have 3"),
        ("1,2,3\n4,5,6,7\n", 2, "4 values"),
        ("1;2\n3;4;\n", 2, "3 values"),
        ("head\n1\t2\t\n1\t2\t\n3", 4, "1 values"),
        ("1 2\n\n3 x4\n", 3, "'x4'"),
        ("1,2\n1 2,3\n4,5\n", 2, "'1 2'"),
        ("1 2 3,4,,5\n", 1, "'1 2 3'"),
        ("1 2\n1_0 3\n", 2, "'1_0'"),
        ("1 2\n3 1.2.3\n", 2, "'1.2.3'"),
        ("1 2\n3 1e300\n", 2, "no sensor"),
        ("1 2\n3 -1e8\n", 2, "no sensor"),
        ("1 2\n3 inf\n", 2, "no sensor"),
        ("1 2\n3 99999999999999999999\n", 2, "no sensor"),
        ("VERSION 1\nSENSOR 2\n1 2\n", 1, "'VERSION'"),
    ],
)
def test_errors_name_the_line(tmp_path, content, line, word):
    with pytest.raises(UnreadableFile) as caught:
        table_of(tmp_path / "bad.csv", content)
    assert caught.value.place == f"line {line}"
    assert caught.value.path == str(tmp_path / "bad.csv")
    assert word in caught.value.problem
    assert caught.value.mend


def test_errors_name_the_line_far_into_the_file(tmp_path):
    lines = ["1 2 3 4 5 6 7 8"] * 300_000
    lines[100:200] = [""] * 100  # blank lines count too
    lines[250_123] = "1 2 3 4 5 6 7"
    with pytest.raises(UnreadableFile, match="line 250124"):
        table_of(tmp_path / "long.txt", "\n".join(lines))


@pytest.mark.parametrize("content", ["one header\n", "\n\n \n", "a,b\n\n", "1;2,5\n3.5;4\n", b"\xff\xfe\x00\xd8"])
def test_no_numbers_or_two_decimal_signs(tmp_path, content):
    with pytest.raises(UnreadableFile):
        table_of(tmp_path / "bad.csv", content)


def test_blank_lines_part_frames(tmp_path):
    file = tmp_path / "maps.txt"
    file.write_text("\n1 2\n3 4\n\n\n5 6\n7 8\n \n")
    assert read(file, rows=2, cols=2, unit="raw").frames.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert read(file, pitch_mm=30).mat.rows == 2  # the file says its grid, the caller the pitch


def test_blocks_keep_their_places_over_chunk_borders(tmp_path):
    frames = np.random.default_rng(0).integers(0, 4096, (500, 24, 30))
    blocks = ["\n".join(" ".join(map(str, row)) for row in frame) for frame in frames.tolist()]
    file = tmp_path / "maps.txt"
    file.write_text("\n\n".join(blocks))
    assert file.stat().st_size > 1 << 20
    np.testing.assert_array_equal(raw(file, 24, 30), frames)


def test_stacked_and_flattened_frames(tmp_path):
    values = np.arange(24)
    (tmp_path / "stacked").write_text("\n".join(" ".join(map(str, row)) for row in values.reshape(6, 4).tolist()))
    (tmp_path / "flat").write_text("\n".join(";".join(map(str, row)) for row in values.reshape(2, 12).tolist()))
    for name in ("stacked", "flat"):
        np.testing.assert_array_equal(raw(tmp_path / name, 3, 4), values.reshape(2, 3, 4))


def test_a_frame_of_wrong_size_is_flagged_not_dropped(tmp_path):
    file = tmp_path / "maps.txt"
    file.write_text("1 2\n3 4\n\n5 6\n\n7 8\n9 1\n")
    recording = read(file, rows=2, cols=2, unit="raw")
    assert len(recording) == 3
    assert np.isnan(recording.frames[1]).all()
    assert ((recording.flags & 64) > 0).tolist() == [False, True, False]


def test_last_empty_column(tmp_path):
    file = tmp_path / "map.csv"
    file.write_text("1,2,\n3,4,\n")
    np.testing.assert_array_equal(raw(file, 2, 3), [[[1, 2, np.nan], [3, 4, np.nan]]])
    np.testing.assert_array_equal(raw(file, 2, 2), [[[1, 2], [3, 4]]])


@pytest.mark.parametrize(
    ("shape", "mend"),
    [((2, 4), "lines"), ((3, 2), "rotate 90"), ((1, 5), "column that is no cell"), ((7, 7), "rows")],
)
def test_wrong_grid(tmp_path, shape, mend):
    file = tmp_path / "map.txt"
    file.write_text("1 2 3\n4 5 6\n" if shape != (1, 5) else "1 2 3 4 5 6\n")
    with pytest.raises(UnreadableFile) as caught:
        raw(file, *shape)
    assert mend in str(caught.value)


def test_a_stacked_file_cut_off_is_refused(tmp_path):
    file = tmp_path / "map.txt"
    file.write_text("1 2\n" * 7)
    with pytest.raises(UnreadableFile, match="7 lines"):
        raw(file, 2, 2)


def test_nan_filled_file_is_flagged(tmp_path):
    file = tmp_path / "map.csv"
    file.write_text("NaN,NaN\nNaN,NaN\n")
    recording = read(file, rows=2, cols=2, unit="kPa")
    assert recording.flags[0] & 1


def test_a_line_of_100_mb_is_refused_at_once(tmp_path):
    file = tmp_path / "line.txt"
    file.write_bytes(b"1234567 " * (100 << 17))
    begun = time.perf_counter()
    with pytest.raises(UnreadableFile, match=r"line 1: it is longer than 4 MiB"):
        examine(file)
    assert time.perf_counter() - begun < 5


def test_endless_digits_take_no_time(tmp_path):
    begun = time.perf_counter()
    with pytest.raises(UnreadableFile, match="no sensor"):
        table_of(tmp_path / "digits.txt", "1 2\n" * 1000 + "9" * 3_000_000 + " 2\n")
    assert time.perf_counter() - begun < 2


def test_too_many_frames(tmp_path, monkeypatch):
    monkeypatch.setattr("matpose.readers.files.MAX_FRAME_BYTES", 3_000_000)
    file = tmp_path / "long.txt"
    file.write_text("1 2 3 4 5 6 7 8\n" * 100_000)
    with pytest.raises(UnreadableFile, match="split it"):
        examine(file)


def test_an_empty_cell_never_shifts_its_neighbours(tmp_path):
    found = table_of(tmp_path / "map", "1\t2\t3\n1\t\t3\n")
    np.testing.assert_array_equal(found, [[1, 2, 3], [1, np.nan, 3]])


cells = st.one_of(st.floats(-1e6, 1e6, width=32), st.integers(0, 4095).map(float), st.just(float("nan")), st.just(0.0))
matrices = st.tuples(st.integers(1, 6), st.integers(2, 7)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=cells)
)


@SAME_FOLDER
@given(
    matrix=matrices,
    separator=st.sampled_from([" ", "  ", "\t", ",", ", ", ";", " ; "]),
    comma=st.booleans(),
    missing=st.sampled_from(["NaN", "nan", "B", "-", ""]),
    end=st.sampled_from(["\n", "\r\n"]),
    header=st.booleans(),
    trailing=st.booleans(),
    quoted=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
)
def test_round_trip(tmp_path, matrix, separator, comma, missing, end, header, trailing, quoted, encoding):
    bare = separator.strip(" ") or " "
    comma = comma and bare != ","
    missing = missing if bare in ",;" else missing or "NaN"

    def cell(value: float) -> str:
        text = missing if np.isnan(value) else repr(int(value)) if value == int(value) else repr(float(value))
        text = text.replace(".", ",") if comma else text
        return f'"{text}"' if quoted else text

    lines = [separator.join(map(cell, row)) + bare * (trailing and bare != " ") for row in matrix.tolist()]
    text = end.join([separator.join(["pression", "é"]), *lines] if header else lines) + end
    file = tmp_path / "map.txt"
    file.write_bytes(text.encode(encoding))
    rows, cols = matrix.shape
    np.testing.assert_array_equal(raw(file, rows, cols)[0], matrix)


@SAME_FOLDER
@given(
    content=st.one_of(
        st.binary(min_size=1, max_size=200),
        st.text("0123456789.,;-+eE \t\n\r\"'#NaBnif\0_", min_size=1, max_size=120).map(str.encode),
        st.text(min_size=1).map(lambda text: text.encode("utf-16", "replace")),
    ),
    rows=st.integers(1, 4),
    cols=st.integers(1, 4),
)
def test_any_bytes_give_a_recording_or_a_clear_error(tmp_path, content, rows, cols):
    file = tmp_path / "any"
    file.write_bytes(content)
    with contextlib.suppress(MatposeError):
        recording = read(file, rows=rows, cols=cols, unit="raw")
        assert recording.frames.shape[1:] == (rows, cols)
        assert not np.isinf(recording.frames).any()


def test_unknown_mat_lists_candidates(tmp_path):
    file = tmp_path / "night.csv"
    file.write_text("\n".join([",".join(["0"] * 84)] * 192))
    with pytest.raises(UnknownMat) as caught:
        read(file)
    assert caught.value.candidates == ("bpms", "slp")
    assert "--mat bpms | slp" in str(caught.value)
