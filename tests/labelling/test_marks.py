"""The file of marks: there and back, and what it refuses."""

from __future__ import annotations

import re

import pytest

from matpose.errors import MatposeError
from matpose.labelling.marks import COLUMNS, POINT_NAMES, Mark, read_marks, write_marks

HEADER = ",".join(COLUMNS)
LINE = "i/S3/14,90,anna,left_hip,0.4800,0.9300,2"


def _marks() -> list[Mark]:
    return [
        Mark('na"me, odd/1', 3, "Ännà", name, (0.1 + 0.01 * index, -0.05), index % 3)
        for index, name in enumerate(POINT_NAMES)
    ]


def test_every_point_comes_back(tmp_path):
    write_marks(tmp_path / "m.csv", _marks())
    found = read_marks(tmp_path / "m.csv")
    assert [mark.key for mark in found] == [mark.key for mark in _marks()]
    assert [mark.visibility for mark in found] == [mark.visibility for mark in _marks()]
    for one, other in zip(found, _marks(), strict=True):
        assert one.xy_m == pytest.approx(other.xy_m, abs=5e-5)
    write_marks(tmp_path / "again.csv", found)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "m.csv").read_bytes()


def test_the_file_is_as_documented_and_sorted(tmp_path):
    later = Mark("i/S3/14", 91, "anna", "left_hip", (0, 0), 0)
    write_marks(tmp_path / "m.csv", [later, Mark("i/S3/14", 90, "anna", "left_hip", (0.48, 0.93), 2)])
    assert (tmp_path / "m.csv").read_text() == f"{HEADER}\n{LINE}\ni/S3/14,91,anna,left_hip,0.0000,0.0000,0\n"


def test_the_contract_names_the_points():
    assert len(POINT_NAMES) == len(set(POINT_NAMES)) == 26
    assert {"head_top", "right_ankle", "contact:sacrum", "contact:left_elbow", "left_elbow"} < set(POINT_NAMES)


def test_spreadsheets_marks_are_read(tmp_path):
    (tmp_path / "m.csv").write_bytes(f"\ufeff{HEADER}\r\n{LINE}\r\n\r\n".encode())
    assert read_marks(tmp_path / "m.csv")[0].xy_m == (0.48, 0.93)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("i/S3/14,90,anna,left_hip,0.48,0.93", "6 values"),
        ("i/S3/14,90,anna,left_hip,0,48,0,93,2", "9 values"),
        ("i/S3/14,ninety,anna,left_hip,0.48,0.93,2", "no number"),
        ("i/S3/14,90,anna,left_hip,x,0.93,2", "no number"),
        ("i/S3/14,90,anna,left_hip,nan,0.93,2", "finite"),
        ("i/S3/14,90,anna,left_hip,48.0,93.0,2", "metres"),
        ("i/S3/14,90,anna,left_hip,0.48,0.93,3", "visibility 3"),
        ("i/S3/14,-1,anna,left_hip,0.48,0.93,2", "from 0"),
        ("i/S3/14,90,anna,hip,0.48,0.93,2", "'hip'"),
        ("i/S3/14,90,anna,occiput,0.48,0.93,2", "contact:occiput"),
        ("i/S3/14,90,,left_hip,0.48,0.93,2", "annotator"),
        (",90,anna,left_hip,0.48,0.93,2", "recording"),
        ("i/S3/14,90,anna,left_hip,0.50,0.93,1", "line 2 already"),
        ('"i/S3/14,90,anna', "CSV"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, wrong, said):
    path = tmp_path / "m.csv"
    path.write_text(f"{HEADER}\n{LINE}\n{wrong}\n")
    with pytest.raises(MatposeError, match=re.escape(said)) as caught:
        read_marks(path)
    assert caught.value.place == "line 3"
    assert caught.value.path == str(path)
    assert caught.value.mend


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"0 0 0 4 3\n", b"recording,frame\n"])
def test_what_is_no_file_of_marks_is_refused(tmp_path, data):
    (tmp_path / "m.csv").write_bytes(data)
    with pytest.raises(MatposeError, match="Mend"):
        read_marks(tmp_path / "m.csv")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(MatposeError, match="cannot be read"):
            read_marks(path)


def test_a_failed_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.csv"
    write_marks(path, _marks())
    before = path.read_bytes()
    with pytest.raises(MatposeError, match="twice"):
        write_marks(path, [*_marks(), _marks()[0]])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
