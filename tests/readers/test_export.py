"""What makers' exports share: matrices against Python's own parsing, sniffing, clocks, and damaged bytes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from maker_texts import TACTILUS, TEKSCAN, XSENSOR_PRO, pliance, xsensor

from matpose.errors import MatposeError
from matpose.readers import FORMATS, examine, read, text
from matpose.readers.clock import elapsed_s, moment
from matpose.readers.export import Export
from matpose.recording import Recording

SEEDS = {
    "tekscan": TEKSCAN,
    "xsensor": xsensor(),
    "xsensor pro": XSENSOR_PRO,
    "pliance": pliance(),
    "tactilus": TACTILUS,
}
cell = st.one_of(
    st.integers(0, 4095).map(str),
    st.floats(0, 1e5, allow_nan=False).map(lambda value: f"{value:.3f}"),
    st.floats(-1e6, 1e6, allow_nan=False).map(repr),
    st.sampled_from(["B", "", ".5", "3.", "NaN", "007"]),
)


def number(word: str) -> float:
    return math.nan if word in ("", "B", "NaN") else float(word)


@given(
    st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1)),
    st.integers(0, 3),
)
@settings(max_examples=200, deadline=None)
def test_matrix_agrees_with_python(rows, padding):
    rows = [row for row in rows if any(row)]  # a row without any cell is a blank line
    text = "\n".join(",".join(row) + "," * padding + "\n" + "," * padding for row in rows).encode()
    got = Export(Path("a"), text).matrix(0, len(text), cols=len(rows[0]) if rows else 1, dtype=np.float64)
    np.testing.assert_array_equal(got, np.array([[number(word) for word in row] for row in rows]).reshape(got.shape))


@given(st.lists(st.lists(cell.filter(bool), min_size=3, max_size=3), min_size=1))
@settings(max_examples=100, deadline=None)
def test_matrix_with_blanks_agrees_with_python(rows):
    text = "".join("  " + " \t ".join(row) + " \n\n" for row in rows).replace(".", ",").encode()
    got = Export(Path("a"), text).matrix(0, len(text), blanks=True, dtype=np.float64)
    np.testing.assert_array_equal(got, np.array([[number(word) for word in row] for row in rows]))


@pytest.mark.parametrize(
    "row", ["1,,2,3", "1 2,3,4", ",1 2,3", "1,2,1e400", "1,2,0x1", "1,2,1_0", "1,2,BB", "1,2,1B", "1,2,1.2.3"]
)
def test_no_row_is_shifted_or_guessed(row):
    text = f"1,2,3\n{row}\n".encode()
    with pytest.raises(MatposeError, match="a, line 2"):
        Export(Path("a"), text).matrix(0, len(text))


def test_every_format_knows_its_own_and_nothing_else():
    plain = "1,2,3\n4,5,6\n"
    shouting = "FRAME,1,2\nROWS,3,4\n"
    for name, seed in [*SEEDS.items(), ("text", plain), ("text", shouting), ("pmatdata", "1\t" * 2048 + "\r\n")]:
        for bytes_ in (seed.encode(), seed.encode("utf-16")):
            if name == "pmatdata" and bytes_[:1] != b"1":
                continue
            known = [
                format.__name__.rpartition(".")[2] for format in FORMATS if format.sniff(bytes_) and format is not text
            ]
            assert known == ([name.split()[0]] if name != "text" else []), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.mark.parametrize("name", SEEDS)
@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_gives_a_recording_or_an_error_that_helps(folder, name, data):
    damaged = bytearray(SEEDS[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        kind = data.draw(st.sampled_from(["put", "cut", "over", "twice", "word"]))
        if kind == "put":
            damaged[at:at] = data.draw(st.binary(max_size=6))
        elif kind == "cut":
            del damaged[at : at + data.draw(st.integers(1, 200))]
        elif kind == "over":
            damaged[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
        elif kind == "twice":
            damaged[at:at] = damaged[at : at + data.draw(st.integers(1, 300))]
        else:
            words = [
                b"99999999",
                b"-1",
                b"nan",
                b"1e308",
                b"\n@@\n",
                b",,,",
                b";",
                b'"',
                b"0",
                b"Frame 2\n",
                b"SENSELS\n",
            ]
            damaged[at:at] = data.draw(st.sampled_from(words))
    file = folder / "a"
    file.write_bytes(damaged)
    got = outcome(file, {"rows": 3, "cols": 4} if data.draw(st.booleans()) else {})
    if isinstance(got, MatposeError):
        assert got.mend
        assert got.path == str(file)
    else:
        assert (np.diff(got.time_s) >= 0).all()
        assert np.isfinite(got.time_s).all()


def outcome(file: Path, options: dict) -> Recording | MatposeError:
    try:
        return read(file, **options)
    except MatposeError as error:
        return error


@pytest.mark.parametrize(
    ("said", "iso"),
    [
        ("Thursday, 16 February 2017 11:26:22 a.m.", "2017-02-16T11:26:22"),
        ("mardi 16 février 2017 12:26:22 p. m.", "2017-02-16T12:26:22"),
        ("Donnerstag, 16. März 2017 23:26:22", "2017-03-16T23:26:22"),
        ("February 16, 2017 12:00:01 AM", "2017-02-16T00:00:01"),
        ("2022 Aug 16 08:21:17.982", "2022-08-16T08:21:17.982"),
        ("2022-08-16T08:21:17,5", None),
        ("16.8.2022 8:21", "2022-08-16T08:21:00"),
        ("16/08/2022 8:21", "2022-08-16T08:21:00"),
        ("08/16/2022 8:21", "2022-08-16T08:21:00"),
        ("8/8/2022 8:21", "2022-08-08T08:21:00"),
        ("12/2/2019 6:21PM", None),
        ("31 February 2017 11:00", None),
        ("16 February 2017", None),
        ("16 February 2017 25:00", None),
        ("99/99/9999 99:99", None),
        ("", None),
    ],
)
def test_moments(said, iso):
    assert moment(said).iso() == iso


def test_elapsed_time_over_midnights():
    dated = [moment(words) for words in ("2020-02-28 12:00", "2020-03-01 12:00")]
    assert elapsed_s(dated) is not None
    assert list(elapsed_s(dated)) == [0, 2 * 86400]  # type: ignore[arg-type]
    assert elapsed_s([moment("12:00"), moment("noon")]) is None


def test_examine_needs_no_more_than_the_file(tmp_path):
    for name, seed in SEEDS.items():
        (tmp_path / "a").write_text(seed)
        assert len(read(tmp_path / "a")) == len(examine(tmp_path / "a").table.starts), name  # type: ignore[union-attr]
