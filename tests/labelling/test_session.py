"""One annotator's work: kept at once, carried on, blind to others, and never at their cost."""

from __future__ import annotations

import pytest
from made_maps import made_map, session

from matpose.errors import MatposeError
from matpose.labelling.marks import Mark, read_marks, write_marks
from matpose.labelling.session import LabelSession, WrongChange

HIP = {"x_m": 0.48, "y_m": 0.93, "visibility": 2}


def test_a_change_is_in_the_file_at_once_and_carried_on(tmp_path):
    work = session(tmp_path)
    assert read_marks(tmp_path / "m.csv") == []
    work.change(1, {"left_hip": HIP, "thorax": HIP | {"visibility": 0}})
    work.change(1, {"thorax": None, "left_hip": HIP | {"x_m": 0.5}})
    assert read_marks(tmp_path / "m.csv") == [Mark("i/S3/15", 7, "anna", "left_hip", (0.5, 0.93), 2)]
    again = session(tmp_path)
    assert again.marks_on(0) == {}
    assert list(again.marks_on(1)) == ["left_hip"]
    assert again.summary() == {
        "marks": str(tmp_path / "m.csv"), "annotator": "anna", "maps": 2, "complete": 0, "begun": 1, "points": 1,
    }  # fmt: skip


def test_a_second_annotator_sees_nothing_of_the_first_and_loses_nothing_of_it(tmp_path):
    session(tmp_path).change(0, {"left_hip": HIP})
    ben = session(tmp_path, "ben")
    assert ben.marks_on(0) == {}
    assert ben.progress()[0]["points"] == 0
    ben.change(0, {"left_hip": HIP | {"x_m": 0.3}})
    ben.change(0, {"left_hip": None})
    assert [mark.annotator for mark in read_marks(tmp_path / "m.csv")] == ["anna"]


def test_two_at_once_keep_each_others_marks(tmp_path):
    anna, ben = session(tmp_path), session(tmp_path, "ben")
    for name in ("left_hip", "right_hip"):
        anna.change(0, {name: HIP})
        ben.change(0, {name: HIP})
    assert len(read_marks(tmp_path / "m.csv")) == 4


def test_marks_of_other_maps_stay(tmp_path):
    other = Mark("elsewhere", 0, "anna", "left_hip", (0.1, 0.1), 1)
    write_marks(tmp_path / "m.csv", [other])
    session(tmp_path).change(0, {"left_hip": HIP})
    assert other in read_marks(tmp_path / "m.csv")


@pytest.mark.parametrize(
    "changes",
    [
        [], {}, None, 3, "left_hip", {"hip": HIP}, {"left_hip": []}, {"left_hip": {"x_m": 1, "y_m": 1}},
        {"left_hip": HIP | {"z_m": 0}}, {"left_hip": HIP | {"x_m": "0.4"}}, {"left_hip": HIP | {"x_m": True}},
        {"left_hip": HIP | {"x_m": float("nan")}}, {"left_hip": HIP | {"y_m": float("inf")}},
        {"left_hip": HIP | {"y_m": None}}, {"left_hip": HIP | {"visibility": 3}},
        {"left_hip": HIP | {"visibility": 1.0}},
        {"left_hip": HIP | {"visibility": True}}, {"left_hip": HIP | {"x_m": 1.05}}, {"left_hip": HIP | {"y_m": -0.16}},
        {"thorax": HIP, "left_hip": HIP | {"x_m": 10**400}},
    ],
)  # fmt: skip
def test_a_wrong_change_changes_nothing(tmp_path, changes):
    work = session(tmp_path)
    work.change(0, {"head_top": HIP})
    before = (tmp_path / "m.csv").read_bytes()
    with pytest.raises(WrongChange, match="Mend"):
        work.change(0, changes)
    assert (tmp_path / "m.csv").read_bytes() == before
    assert list(work.marks_on(0)) == ["head_top"]


def test_a_joint_may_lie_beside_the_mat(tmp_path):
    work = session(tmp_path)
    work.change(0, {"left_wrist": {"x_m": 1.03, "y_m": -0.14, "visibility": 0}})
    assert work.marks_on(0)["left_wrist"].xy_m == (1.03, -0.14)


def test_a_file_that_is_spoilt_or_gone_is_said_and_left(tmp_path):
    work, path = session(tmp_path), tmp_path / "m.csv"
    path.write_text("precious notes\n")
    with pytest.raises(MatposeError, match="headed"):
        work.change(0, {"left_hip": HIP})
    assert path.read_text() == "precious notes\n"
    with pytest.raises(MatposeError, match="headed"):
        session(tmp_path)
    path.unlink()
    with pytest.raises(MatposeError, match="is gone"):
        work.change(0, {"left_hip": HIP})


@pytest.mark.parametrize("name", ["", "  ", "a\nb"])
def test_an_annotator_has_a_name(tmp_path, name):
    with pytest.raises(MatposeError, match="annotator"):
        LabelSession([made_map()], tmp_path / "m.csv", name)
    assert not (tmp_path / "m.csv").exists()
