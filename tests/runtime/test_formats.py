"""Result files hold every pose, at its place, without NaN, and appear whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.pose import Keypoint, Point, Pose
from matpose.recording import JOINT_NAMES, POSTURES, Flag, Recording
from matpose.runtime.coco import Coco
from matpose.runtime.formats import joints_csv, write_results

MAT = Mat(64, 32, 0.03, 0.02)
FILES = {"poses.jsonl", "coco.json", "points.csv", "joints.csv", "posture.csv"}


def recording(mat: Mat = MAT) -> Recording:
    frames = np.zeros((3, mat.rows, mat.cols), np.float32)
    return Recording(frames, mat, "kPa", np.arange(3.0), np.zeros(3, np.uint16), source="/home/me/night.csv")


def poses() -> list[Pose]:
    return [
        Pose(
            frame=0,
            time_s=0.0,
            points=[Point((0.4, 1.2), 0.05), None, Point((0.2, 0.6), 0.03)],
            posture="supine",
            probabilities={"supine": 0.9, "left": 0.1},
            source="night.csv",
        ),
        Pose(frame=1, time_s=1.0, points=[None] * 3, flags=Flag.EMPTY_BED | Flag.NAN, posture="empty"),
        Pose(frame=2, time_s=28800.123456, points=[Point((0.1, 0.3), 0.01)] * 3, person=1),
    ]


def strict(text: str) -> dict:
    def refuse(name: str):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    assert write_results(tmp_path / "out", iter(poses()), recording()) == 3
    return tmp_path / "out"


def test_exactly_the_promised_files_appear(folder):
    assert {path.name for path in folder.iterdir()} == FILES


def test_jsonl_holds_one_pose_a_line(folder):
    lines = (folder / "poses.jsonl").read_text().splitlines()
    assert [strict(line) for line in lines] == [pose.to_dict() for pose in poses()]


def test_points_csv_holds_metres_and_leaves_untrusted_points_empty(folder):
    table = rows(folder / "points.csv")
    assert list(table[0]) == ["frame", "time_s", "person", "point", "x_m", "y_m", "spread_m"]
    assert len(table) == 9
    assert [float(table[2][key]) for key in ("x_m", "y_m", "spread_m")] == [0.2, 0.6, 0.03]
    assert table[1] == dict(zip(table[0], ["0", "0.0", "0", "p01", "", "", ""], strict=True))
    assert table[8]["time_s"] == "28800.123456"


def test_posture_csv_has_a_column_for_every_posture(folder):
    table = rows(folder / "posture.csv")
    assert list(table[0]) == ["frame", "time_s", "person", "posture", *(f"p_{name}" for name in POSTURES)]
    assert (table[0]["posture"], table[0]["p_supine"], table[0]["p_prone"]) == ("supine", "0.90000", "")
    assert [row["person"] for row in table] == ["0", "0", "1"]


def test_coco_coordinates_are_cells_and_metres_are_cells_times_pitch(folder):
    document = strict((folder / "coco.json").read_text())
    first = document["annotations"][0]
    assert first["keypoints"] == [20.0, 40.0, 2, 0, 0, 0, 10.0, 20.0, 2]
    assert first["num_keypoints"] == 2
    assert first["bbox"] == [10.0, 20.0, 10.0, 20.0]
    assert first["area"] == 200.0
    x_m = first["keypoints"][0] * document["info"]["pitch_x_m"]
    y_m = first["keypoints"][1] * document["info"]["pitch_y_m"]
    assert (x_m, y_m) == pytest.approx((0.4, 1.2))


def test_coco_lists_every_frame_but_annotates_only_where_somebody_is(folder):
    document = strict((folder / "coco.json").read_text())
    assert [image["id"] for image in document["images"]] == [0, 1, 2]
    assert [note["image_id"] for note in document["annotations"]] == [0, 2]
    assert document["images"][1]["flags"] == ["nan", "empty_bed"]
    assert "/home" not in json.dumps(document)


def test_coco_obeys_its_own_grammar(folder):
    document = strict((folder / "coco.json").read_text())
    (category,) = document["categories"]
    assert category["keypoints"] == ["p00", "p01", "p02"]
    assert category["name"] == "points"
    images = {image["id"]: image for image in document["images"]}
    assert len({note["id"] for note in document["annotations"]}) == len(document["annotations"])
    for note in document["annotations"]:
        image = images[note["image_id"]]
        x, y, seen = np.reshape(note["keypoints"], (-1, 3)).T
        assert note["category_id"] == category["id"]
        assert len(x) == len(category["keypoints"])
        assert note["num_keypoints"] == (seen > 0).sum()
        assert ((x >= 0) & (x <= image["width"]) & (y >= 0) & (y <= image["height"])).all()


def test_two_people_in_one_frame_are_two_annotations_of_one_image():
    document = Coco(recording())
    for person in (0, 1):
        document.add(Pose(frame=7, time_s=0.0, points=[Point((0.1, 0.1 * person), 0.01)], person=person))
    written = document.to_dict()
    assert len(written["images"]) == 1
    assert [note["person"] for note in written["annotations"]] == [0, 1]


def test_named_joints_take_the_place_of_points_in_their_standard_order():
    joints = {name: Keypoint((0.02 * index, 0.3), 0.9, 0.5) for index, name in enumerate(JOINT_NAMES)}
    shuffled = dict(reversed(joints.items())) | {"left_hip": None}
    document = Coco(recording())
    document.add(Pose(frame=0, time_s=0.0, points=[Point((0.1, 0.1), 0.1)], keypoints=shuffled))
    written = document.to_dict()
    (category,) = written["categories"]
    assert category["keypoints"] == list(JOINT_NAMES)
    x = written["annotations"][0]["keypoints"][::3]
    left_hip = JOINT_NAMES.index("left_hip")
    assert x == [0 if index == left_hip else float(index) for index in range(14)]


def _other_side(name: str) -> str:
    return name.replace("left_", "?").replace("right_", "left_").replace("?", "right_")


def test_the_skeleton_is_one_body_and_the_same_on_both_sides():
    document = Coco(recording())
    document.add(Pose(frame=0, time_s=0.0, keypoints=dict.fromkeys(JOINT_NAMES)))
    (category,) = document.to_dict()["categories"]
    bones = {frozenset((JOINT_NAMES[a - 1], JOINT_NAMES[b - 1])) for a, b in category["skeleton"]}
    mirrored = {frozenset(map(_other_side, bone)) for bone in bones}
    assert mirrored == bones
    assert [bone for bone in bones if len({name.split("_")[0] for name in bone} & {"left", "right"}) == 2] == [
        frozenset(("left_hip", "right_hip"))
    ]
    reached = {"head_top"}
    for _ in JOINT_NAMES:
        reached |= {name for bone in bones if bone & reached for name in bone}
    assert reached == set(JOINT_NAMES)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_a_number_is_written_as_not_trusted(tmp_path, bad):
    broken = Pose(
        frame=0,
        time_s=0.0,
        points=[Point((bad, 1.0), 0.1), Point((0.1, 1.0), bad), Point((0.1, 0.2), 0.3)],
        probabilities={"supine": bad},
        keypoints={"left_hip": Keypoint((0.1, 0.2), bad, 0.1)},
    )
    write_results(tmp_path, [broken], recording())
    written = strict((tmp_path / "poses.jsonl").read_text())
    assert written["points"] == [None, None, {"x_m": 0.1, "y_m": 0.2, "spread_m": 0.3}]
    assert written["keypoints"][0]["x_m"] is None
    strict((tmp_path / "coco.json").read_text())
    for name in FILES:
        assert not {"nan", "inf"} & set((tmp_path / name).read_text().lower().replace(",", " ").split())


def test_an_impossible_time_is_refused(tmp_path):
    with pytest.raises(MatposeError, match="frame 4"):
        write_results(tmp_path, [Pose(frame=4, time_s=np.nan)], recording())


def test_a_mat_without_pitch_is_refused(tmp_path):
    with pytest.raises(MatposeError, match="pitch"):
        write_results(tmp_path, poses(), recording(Mat(64, 32, None, None)))
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_breaks_off_leaves_older_results_whole(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def broken() -> Iterator[Pose]:
        yield poses()[0]
        raise MatposeError("the cable came out", mend="plug it in")

    with pytest.raises(MatposeError, match="cable"):
        write_results(folder, broken(), recording())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_no_poses_still_give_valid_files(tmp_path):
    assert write_results(tmp_path, [], recording()) == 0
    assert (tmp_path / "poses.jsonl").read_text() == ""
    assert rows(tmp_path / "points.csv") == []
    assert strict((tmp_path / "coco.json").read_text())["annotations"] == []


def test_poses_are_written_as_they_come_not_gathered_first(tmp_path):
    alive = 0

    def counted() -> Iterator[Pose]:
        nonlocal alive
        for index in range(2000):
            alive = index
            yield Pose(frame=index, time_s=float(index), points=[Point((0.1, 0.1), 0.1)] * 24)
            if index == 1000:
                (unfinished,) = tmp_path.glob(".*.jsonl")
                assert unfinished.stat().st_size > 100_000

    write_results(tmp_path, counted(), recording())
    assert alive == 1999


def test_joints_csv_names_joints_and_leaves_untrusted_ones_empty(tmp_path):
    keypoints = {
        "left_hip": Keypoint((0.5, 0.9), 0.8, 0.25),
        "right_hip": None,
        "thorax": Keypoint((float("nan"), 0.3), 0.9, 0.1),
    }
    with joints_csv(tmp_path / "joints.csv") as put:
        put(Pose(frame=3, time_s=1.5, keypoints=keypoints))
    table = rows(tmp_path / "joints.csv")
    assert [row["joint"] for row in table] == ["left_hip", "right_hip", "thorax"]
    assert list(table[0].values()) == ["3", "1.5", "0", "left_hip", "0.50000", "0.90000", "0.80000", "0.25000"]
    assert all(list(row.values())[4:] == ["", "", "", ""] for row in table[1:])
