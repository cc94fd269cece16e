from __future__ import annotations

import math

import pytest

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.pose import Keypoint, Pose
from matpose.recording import JOINT_NAMES
from matpose.runtime.deeplabcut import write_deeplabcut

MAT = Mat(64, 32, 0.03, 0.025)


def pose(frame: int, **changes) -> Pose:
    joints = {name: Keypoint((0.01 * index, 0.1 * index), 0.5, 0.9) for index, name in enumerate(JOINT_NAMES)}
    return Pose(frame, float(frame), keypoints=joints | changes)


def test_pandas_reads_it_as_deeplabcut_writes_it(tmp_path):
    pandas = pytest.importorskip("pandas")
    poses = [pose(0), pose(1, left_hip=None), pose(5, left_hip=Keypoint((math.nan, 1.0), 0.5, 0.5))]
    path = write_deeplabcut(tmp_path / "a.csv", poses, MAT, scorer="me")
    table = pandas.read_csv(path, header=[0, 1, 2], index_col=0)
    assert list(table.columns.names) == ["scorer", "bodyparts", "coords"]
    assert list(table.index) == [0, 1, 5]
    assert list(dict.fromkeys(table.columns.get_level_values("bodyparts"))) == list(JOINT_NAMES)
    assert set(table.columns.get_level_values("scorer")) == {"me-mm"}
    hip = table["me-mm"]["left_hip"]
    assert list(hip.columns) == ["x", "y", "likelihood"]
    number = JOINT_NAMES.index("left_hip")
    assert hip.loc[0].tolist() == pytest.approx([10.0 * number, 100.0 * number, 0.5])
    for frame in (1, 5):
        assert hip.loc[frame, ["x", "y"]].isna().all()
        assert hip.loc[frame, "likelihood"] == 0
    assert {dtype.kind for dtype in table.dtypes} <= {"f", "i"}


def test_pixels_have_a_stated_size(tmp_path):
    lines = write_deeplabcut(tmp_path / "a.csv", [pose(0)], MAT, pixel_mm=5).read_text("utf-8").splitlines()
    assert lines[0].split(",")[1].endswith("-5mm-pixels")
    assert lines[3].split(",")[4:7] == ["2.000", "20.000", "0.50000"]  # 10 mm, 100 mm


def test_a_second_person_has_no_row(tmp_path):
    second = Pose(0, 0.0, keypoints=pose(0).keypoints, person=1)
    lines = write_deeplabcut(tmp_path / "a.csv", [pose(0), second], MAT).read_text("utf-8").splitlines()
    assert len(lines) == 4


def test_joints_that_were_not_looked_for_are_empty(tmp_path):
    lines = write_deeplabcut(tmp_path / "a.csv", [Pose(0, 0.0)], MAT).read_text("utf-8").splitlines()
    assert lines[3] == "0" + ",,,0" * len(JOINT_NAMES)


def test_without_a_pitch_there_are_no_millimetres(tmp_path):
    with pytest.raises(MatposeError, match="pitch"):
        write_deeplabcut(tmp_path / "a.csv", [], Mat(4, 3, None, None))
    assert [*tmp_path.iterdir()] == []
