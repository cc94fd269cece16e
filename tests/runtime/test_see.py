"""One frame of a stream gets the pose that it has in a recording, from every backend, and fast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matpose.canvas import Canvas
from matpose.errors import MatposeError, ModelError
from matpose.mat import Mat
from matpose.pose import Pose
from matpose.quality import clean
from matpose.readers import read
from matpose.recording import Flag, Recording
from matpose.runtime import Detector
from matpose.runtime.frame_check import FrameCheck
from matpose.runtime.recording_report import sample_night
from matpose.simulate.blobs import blob_recording


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def night() -> Recording:
    return read(sample_night()).select(slice(0, 240, 12))


def same(one: Pose, other: Pose, atol: float = 1e-5) -> None:
    assert (one.frame, one.time_s, one.posture, one.flags) == (other.frame, other.time_s, other.posture, other.flags)
    assert one.probabilities == pytest.approx(other.probabilities, abs=atol)
    assert list(one.keypoints) == list(other.keypoints)
    numbers = []
    for pose in (one, other):
        points = [[*point.xy_m, point.spread_m] for point in pose.points if point]
        joints = [[*joint.xy_m, joint.confidence, joint.contact] for joint in pose.keypoints.values() if joint]
        numbers.append(np.concatenate((np.ravel(points), np.ravel(joints))))
    np.testing.assert_allclose(*numbers, atol=atol)


def test_a_frame_of_a_stream_is_the_frame_of_the_recording(detector, night):
    cleaned, _ = clean(night)
    expected = list(detector(night))
    assert any(pose.posture == "empty" for pose in expected)
    for index, pose in enumerate(expected):
        flags = Flag(int(night.flags[index]))
        seen = detector.see(
            cleaned.frames[index], night.mat, flags=flags, time_s=float(night.time_s[index]), frame_index=index
        )
        same(seen, replace(pose, source=None))


def test_checked_frames_have_the_poses_of_the_recording(detector, night):
    check = FrameCheck(night.mat, night.unit)
    for index, pose in enumerate(detector(night)):
        frame, flags = check.check(night.frames[index], float(night.time_s[index]))
        same(detector.see(frame, night.mat, flags=flags, time_s=pose.time_s, frame_index=index), pose)


def test_on_a_larger_mat_it_looks_where_the_person_is_or_where_it_is_told(detector):
    recording = blob_recording(3, frames=1)
    mat = recording.mat
    frames = np.zeros((1, mat.rows, 3 * mat.cols), np.float32)
    frames[:, :, 50 : 50 + mat.cols] = recording.frames
    wide = Recording(frames, Mat(mat.rows, 3 * mat.cols, *mat.pitch_m), "kPa", np.zeros(1), np.zeros(1, np.uint16))
    (expected,) = detector(wide)
    same(detector.see(frames[0], wide.mat, flags=Flag(0), time_s=0.0), expected)
    origin_m = detector.backend.canvas.origin_over(wide)
    same(detector.see(frames[0], wide.mat, flags=Flag(0), time_s=0.0, origin_m=origin_m), expected)
    elsewhere = detector.see(frames[0], wide.mat, flags=Flag(0), time_s=0.0, origin_m=(0.0, 0.0))
    assert Flag.OUTSIDE in elsewhere.flags


class Counting:
    """A backend that counts how many maps it was given."""

    canvas, points, joint_names, postures, mats = Canvas(), 3, ("head_top",), (), []

    def __init__(self) -> None:
        self.maps = 0

    def __call__(self, maps):
        self.maps += len(maps)
        raise AssertionError("computed")


@pytest.mark.parametrize(
    ("flags", "posture"),
    [
        (Flag.EMPTY_BED, "empty"),
        (Flag.CORRUPTED, "unknown"),
        (Flag.CORRUPTED | Flag.EMPTY_BED, "unknown"),
        (Flag.WRONG_SIZE | Flag.EMPTY_BED, "unknown"),
    ],
)
def test_what_is_not_to_be_trusted_is_not_computed(detector, monkeypatch, flags, posture):
    monkeypatch.setattr(detector, "backend", Counting())
    mat = Mat(64, 32, 0.028, 0.028)
    pose = detector.see(np.ones((64, 32), np.float32), mat, flags=flags, time_s=0.0)
    assert (pose.posture, pose.points, pose.keypoints) == (posture, [None] * 3, {"head_top": None})


def test_a_mat_that_is_not_read_says_of_nobody_that_they_left(detector):
    mat = Mat(64, 32, 0.028, 0.028)
    frame, flags = FrameCheck(mat, "kPa").check(np.full((64, 32), np.nan, np.float32))
    assert Flag.EMPTY_BED in flags  # as in a recording
    assert detector.see(frame, mat, flags=flags, time_s=0.0).posture == "unknown"


def test_many_cells_missing(detector):
    mat, frame = Mat(64, 32, 0.028, 0.028), np.ones((64, 32), np.float32)
    frame[:10] = np.nan
    pose = detector.see(frame, mat, flags=Flag.NAN, time_s=0.0)
    assert pose.posture == "unknown"
    assert not any(pose.points)


def test_a_frame_of_another_grid_is_an_error(detector):
    with pytest.raises(MatposeError, match="32 x 64 cells from a mat of 64 x 32"):
        detector.see(np.ones((32, 64), np.float32), Mat(64, 32, 0.028, 0.028), flags=Flag(0), time_s=0.0)


def test_backends_say_what_they_take(tmp_path, tiny_onnx):
    with pytest.raises(ModelError, match=r"no backend 'tensorrt'.*onnxruntime, openvino, torch"):
        Detector(tiny_onnx, backend="tensorrt")
    with pytest.raises(ModelError, match=r"torch does not run exported files.*run's folder"):
        Detector(tiny_onnx, backend="torch")
    for backend in ("onnxruntime", "openvino"):
        with pytest.raises(ModelError, match=rf"{backend} runs exported files only.*matpose export"):
            Detector(tmp_path, backend=backend)


def test_a_run_by_torch_sees_what_its_export_sees(trained_run, exported, night):
    cleaned, _ = clean(night)
    torch, onnx = Detector(trained_run, backend="torch"), Detector(exported.path, backend="onnxruntime")
    for frame in cleaned.frames[2:4]:
        one, other = (some.see(frame, night.mat, flags=Flag(0), time_s=0.0) for some in (torch, onnx))
        same(one, other, atol=2e-4)
