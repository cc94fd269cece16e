import numpy as np
import pytest

from matpose.mat import Mat
from matpose.monitor.sliding import Sliding
from matpose.pose import Keypoint, Pose

MAT = Mat(64, 32, 0.03, 0.03)
LOAD = np.ones((64, 32), np.float32)


def pose(y_m: float) -> Pose:
    """A trunk whose joints' mean is there; its knees are anywhere."""
    rng = np.random.default_rng(round(1000 * y_m))
    trunk = {"left_hip": 0.25, "right_hip": 0.25, "left_shoulder": -0.25, "right_shoulder": -0.25}
    joints = {name: Keypoint((0.5, y_m + off_m), 0.9, 0.9) for name, off_m in trunk.items()}
    return Pose(0, 0.0, keypoints={**joints, "left_knee": Keypoint((0.5, rng.uniform(0, 2)), 0.9, 0.9)})


def run(sliding: Sliding, *stretches: tuple[float, int]):
    """Where the trunk is, and for how many seconds; (when told, since when, how far)."""
    told, now_s = [], 0.0
    for y_m, lasts_s in stretches:
        for _ in range(lasts_s):
            slide = sliding.update(LOAD, pose(y_m), now_s, 1.0)
            told += [] if slide is None else [(now_s, *slide)]
            now_s += 1
    return told


def test_told_once_when_it_has_lasted():
    assert run(Sliding(MAT), (0.8, 300), (0.95, 600)) == [(330.0, 300.0, pytest.approx(0.15))]


def test_slowly_adds_up_and_then_again():
    creep = [(0.8 + 0.001 * number, 20) for number in range(230)]
    told = run(Sliding(MAT), *creep)
    assert [metres for *_, metres in told] == pytest.approx([0.10] * 2, abs=0.01)


@pytest.mark.parametrize("stretches", [
    [(0.8, 300), (0.89, 600)],  # too little
    [(0.8, 300), (1.0, 25), (0.8, 300)],  # one pose that errs
    [(0.8, 300), (0.6, 600)],  # up
])  # fmt: skip
def test_not_told(stretches):
    assert run(Sliding(MAT), *stretches) == []


def test_pulled_up_again_they_lie_there_from_then_on():
    told = run(Sliding(MAT), (0.8, 300), (0.6, 300), (0.75, 300))
    assert [metres for *_, metres in told] == [pytest.approx(0.15)]


def test_another_bout_begins_where_they_lie():
    sliding = Sliding(MAT)
    run(sliding, (0.8, 300))
    sliding.begin()
    assert run(sliding, (1.0, 300)) == []


def test_a_trunk_that_is_not_seen_tells_nothing():
    sliding = Sliding(MAT)
    run(sliding, (0.8, 300))
    lost = Pose(0, 0.0, keypoints=dict.fromkeys(pose(1.0).keypoints))
    assert [sliding.update(LOAD, lost, 300.0 + second, 1.0) for second in range(100)] == [None] * 100


def test_without_joints_it_is_the_centre_of_pressure():
    sliding, load = Sliding(MAT), np.zeros((64, 32), np.float32)
    load[20:40] = 1
    told = []
    for second in range(300):
        told.append(sliding.update(load if second < 150 else np.roll(load, 5, 0), Pose(0, 0.0), float(second), 1.0))
    assert [slide for slide in told if slide] == [(150.0, pytest.approx(0.15))]
