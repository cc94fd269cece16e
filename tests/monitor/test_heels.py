import numpy as np

from matpose.mat import Mat
from matpose.monitor.heels import HEEL, Heels
from matpose.pose import Keypoint, Pose

MAT = Mat(64, 32, 0.03, 0.03)
PARTS = np.zeros((64, 32), np.uint8)
PARTS[10:40, 10:20] = 5
PARTS[58:60, 18:20], PARTS[58:60, 10:12] = HEEL["left"], HEEL["right"]
LOAD = np.where(PARTS > 0, 3, 0).astype(np.float32)
ANKLES = {"left_ankle": Keypoint((0.57, 1.75), 0.9, 0.9), "right_ankle": Keypoint((0.33, 1.75), 0.9, 0.9)}
LIES = Pose(0, 0.0, keypoints=ANKLES, posture="supine")


def without(side: str) -> np.ndarray:
    return np.where(HEEL[side] == PARTS, 0, LOAD)


def run(heels: Heels, load: np.ndarray | None, from_s: int, lasts_s: int, pose: Pose = LIES):
    return [one for now_s in range(from_s, from_s + lasts_s) for one in heels.update(load, PARTS, pose, float(now_s))]


def test_a_heel_that_bears_nothing_for_a_while_is_off_and_on_again():
    heels = Heels(MAT)
    assert run(heels, LOAD, 0, 60) == []
    assert heels.off == {"left": False, "right": False}
    assert run(heels, without("left"), 60, 60) == [("heel_off", "left", 60.0)]
    assert heels.off == {"left": True, "right": False}
    assert run(heels, LOAD, 120, 60) == [("heel_on", "left", 120.0)]


def test_a_moment_is_not_a_while():
    heels = Heels(MAT)
    run(heels, LOAD, 0, 60)
    for start in range(60, 660, 60):
        assert run(heels, without("right"), start, 29) == []
        assert run(heels, LOAD, start + 29, 31) == []


def test_none_where_it_cannot_be_told():
    for pose in (
        Pose(0, 0.0, keypoints=ANKLES, posture="sitting"),
        Pose(0, 0.0, keypoints={**ANKLES, "left_ankle": None}, posture="supine"),
        Pose(0, 0.0, keypoints={**ANKLES, "left_ankle": Keypoint((0.57, 1.75), 0.1, 0.1)}, posture="supine"),
        Pose(0, 0.0, keypoints={**ANKLES, "left_ankle": Keypoint((0.57, 1.95), 0.9, 0.1)}, posture="supine"),
    ):
        heels = Heels(MAT)
        run(heels, without("left"), 0, 60, pose)
        assert heels.off["left"] is None
    heels = Heels(MAT)
    run(heels, LOAD, 0, 60)
    run(heels, None, 60, 60)
    assert heels.off == {"left": None, "right": None}


def test_what_is_first_seen_has_not_happened():
    heels = Heels(MAT)
    assert run(heels, without("left"), 0, 60) == []
    assert heels.off["left"] is True
