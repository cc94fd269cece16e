"""The detector: physical units, trust, and the invariances that the conventions promise."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from nets import POSTURES, TINY_CANVAS

from matpose.canvas import NATIVE
from matpose.errors import MatposeError, ModelError
from matpose.intake import intake
from matpose.mat import Mat
from matpose.pose import Pose
from matpose.quality import assess, clean
from matpose.readers import read
from matpose.recording import JOINT_NAMES, Flag, Recording
from matpose.runtime import Detector
from matpose.simulate.blobs import blob_recording
from matpose.training.build import build_efd
from matpose.training.model_file import FILE_NAME, TrainedModel, load_model, save_model
from matpose.training.recipe import load_recipe

HALF_A_CELL_M = NATIVE.cell_m / 2


@pytest.fixture(scope="module", params=["torch", "onnx"])
def source(request, trained_run, exported) -> Path:
    """One model, as the run's folder and as the exported file."""
    return trained_run if request.param == "torch" else exported.path


@pytest.fixture(scope="module")
def detector(source) -> Detector:
    return Detector(source)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return blob_recording(3, posture="supine", frames=4)


def _xy_m(poses) -> np.ndarray:
    """(T, K, 2)."""
    return np.array([[point.xy_m for point in pose.points] for pose in poses])


def test_points_lie_on_the_canvas_in_metres(detector, recording):
    poses = list(detector(recording))
    assert [pose.frame for pose in poses] == [0, 1, 2, 3]
    assert [pose.time_s for pose in poses] == recording.time_s.tolist()
    found = _xy_m(poses)
    assert found.shape == (4, 32, 2)
    left = (recording.mat.width_m - NATIVE.width_m) / 2
    assert (found >= [left, 0]).all()
    assert (found <= [left + NATIVE.width_m, NATIVE.height_m]).all()
    for pose in poses:
        assert pose.keypoints == {}
        assert all(0 <= point.spread_m < 1.2 for point in pose.points if point)
        assert sum(pose.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert pose.posture == max(pose.probabilities, key=lambda name: pose.probabilities[name])


def test_the_points_differ_with_the_body(detector):
    """Else the invariances below would prove nothing."""
    one, other = (_xy_m(detector(blob_recording(seed, frames=1))) for seed in (3, 4))
    assert np.median(np.linalg.norm(one - other, axis=-1)) > HALF_A_CELL_M


def _halved(recording: Recording) -> Recording:
    """The same pressure on a mat with cells half as wide."""
    mat = recording.mat
    finer = Mat(2 * mat.rows, 2 * mat.cols, mat.pitch_m[0] / 2, mat.pitch_m[1] / 2)
    frames = recording.frames.repeat(2, 1).repeat(2, 2)
    return Recording(frames, finer, recording.unit, recording.time_s, recording.flags)


def test_half_the_pitch_gives_the_same_points(detector, recording):
    np.testing.assert_allclose(_xy_m(detector(_halved(recording))), _xy_m(detector(recording)), atol=1e-4)


@pytest.mark.parametrize(("rotate", "mirror"), [(0, True), (90, False), (180, False), (180, True), (270, True)])
def test_turned_and_mirrored_and_declared_so_gives_the_same_points(detector, recording, rotate, mirror):
    mat = recording.mat.with_changes(rotate=rotate, mirror=mirror, counts=None)
    stored = mat.stored(recording.frames)
    again = intake(stored, mat, unit="kPa", time_s=recording.time_s)
    np.testing.assert_allclose(_xy_m(detector(again)), _xy_m(detector(recording)), atol=1e-5)


def test_undeclared_turns_do_not_give_the_same_points(detector, recording):
    turned = replace(recording, frames=np.ascontiguousarray(recording.frames[:, ::-1, ::-1]))
    assert np.linalg.norm(_xy_m(detector(turned)) - _xy_m(detector(recording)), axis=-1).max() > 2 * HALF_A_CELL_M


def test_real_recordings_keep_the_invariances(detector, real_data):
    recording = read(real_data / "pmatdata" / "experiment-i" / "S1" / "1.txt").select(slice(20, 24))
    mat = recording.mat.with_changes(rotate=180, mirror=True, counts=None)
    turned = intake(mat.stored(recording.frames), mat, unit="kPa", time_s=recording.time_s)
    before = _xy_m(detector(recording))
    np.testing.assert_allclose(_xy_m(detector(turned)), before, atol=1e-5)
    cleaned, _ = clean(recording)  # a hot cell is no longer a single one once it is halved
    np.testing.assert_allclose(_xy_m(detector(_halved(cleaned))), before, atol=1e-4)


def test_one_frame_alone_is_the_frame_in_a_batch(source):
    long = blob_recording(5, frames=20)
    together = list(Detector(source, batch=64)(long))
    alone = list(Detector(source, batch=1)(long))
    assert [pose.frame for pose in alone] == [pose.frame for pose in together] == list(range(20))
    np.testing.assert_allclose(_xy_m(together), _xy_m(alone), atol=1e-5)
    for a, b in zip(together, alone, strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-5)


def test_raw_counts_and_kpa_give_the_same_points(detector, recording):
    counts = recording.frames / np.float32(0.0133322)
    raw = replace(recording, frames=counts, unit="raw")
    np.testing.assert_allclose(_xy_m(detector(raw)), _xy_m(detector(recording)), atol=1e-5)


def test_the_posture_head_gets_the_points_it_was_trained_on(detector, trained_run, recording):
    """Coordinates in half-heights: the training's `encode` and the runtime must agree."""
    from matpose.training.encode import encode

    maps = torch.from_numpy(NATIVE.resample(recording.frames, recording.mat))[:, None]
    trained = load_model(trained_run)
    xy, features = encode(trained.efd, maps, NATIVE)
    assert trained.posture is not None
    with torch.no_grad():
        expected = trained.posture(torch.from_numpy(xy), torch.from_numpy(features)).softmax(-1).numpy()
    found = np.array([[pose.probabilities[name] for name in POSTURES] for pose in detector(recording)])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def _only(poses) -> Pose:
    (pose,) = poses
    return pose


def test_an_empty_bed_has_a_posture_but_no_points(detector, recording):
    empty = assess(replace(recording, frames=np.zeros_like(recording.frames), flags=np.zeros(4, np.uint16)).select([0]))
    pose = _only(detector(empty))
    assert pose.posture == "empty"
    assert pose.points == [None] * 32
    assert pose.probabilities == {}
    assert "empty_bed" in pose.flags.names
    assert "outside" not in pose.flags.names


@pytest.mark.parametrize("flag", [Flag.CORRUPTED, Flag.WRONG_SIZE, Flag.CORRUPTED | Flag.EMPTY_BED])
def test_frames_not_to_be_trusted_have_no_points(detector, recording, flag):
    flags = recording.flags.copy()
    flags[1] |= np.uint16(flag)
    poses = list(detector(replace(recording, flags=flags)))
    assert poses[1].points == [None] * 32
    assert poses[1].posture == "unknown"
    assert all(None not in pose.points for index, pose in enumerate(poses) if index != 1)


def test_a_frame_with_many_cells_missing_has_no_points(detector, recording):
    frames = recording.frames.copy()
    frames[0, 20:40] = np.nan
    frames[1, 5, 5] = np.nan
    poses = list(detector(assess(replace(recording, frames=frames, flags=np.zeros(4, np.uint16)))))
    assert poses[0].points == [None] * 32
    assert poses[0].posture == "unknown"
    assert None not in poses[1].points
    assert np.isfinite(_xy_m(poses[1:2])).all()


def test_all_nan_frames_never_give_nan(detector, recording):
    frames = np.full_like(recording.frames, np.nan)
    flags = np.full(4, int(Flag.WRONG_SIZE), np.uint16)
    for pose in detector(replace(recording, frames=frames, flags=flags)):
        assert pose.points == [None] * 32


def _wide(recording: Recording, at_col: int) -> Recording:
    """The same person on a mat three times as wide."""
    mat = recording.mat
    frames = np.zeros((len(recording), mat.rows, 3 * mat.cols), np.float32)
    frames[:, :, at_col : at_col + mat.cols] = recording.frames
    wide = Mat(mat.rows, 3 * mat.cols, *mat.pitch_m)
    return Recording(frames, wide, "kPa", recording.time_s, recording.flags)


def test_on_a_larger_mat_the_points_follow_the_person(detector, recording):
    one, other = (_xy_m(detector(_wide(recording, col))) for col in (20, 40))
    moved = other - one
    np.testing.assert_allclose(moved[..., 0], 20 * recording.mat.pitch_m[1], atol=HALF_A_CELL_M)
    np.testing.assert_allclose(moved[..., 1], 0, atol=HALF_A_CELL_M)


def test_a_garbled_frame_does_not_move_the_canvas(detector, recording):
    wide = _wide(recording, 40)
    frames, flags = wide.frames.copy(), wide.flags.copy()
    frames[3] = 0
    frames[3, :, :5] = 1e4
    flags[3] |= np.uint16(Flag.CORRUPTED)
    garbled = _xy_m(list(detector(replace(wide, frames=frames, flags=flags)))[:3])
    np.testing.assert_allclose(garbled, _xy_m(detector(wide.select(slice(0, 3)))), atol=1e-5)


def test_force_beside_the_canvas_is_flagged(detector):
    mat = Mat(100, 32, 0.03, 0.03)  # three metres long
    frames = np.zeros((1, 100, 32), np.float32)
    frames[0, 5:15, 10:20] = frames[0, 85:95, 10:20] = 3.0
    pose = _only(detector(Recording(frames, mat, "kPa", np.zeros(1), np.zeros(1, np.uint16))))
    assert "outside" in pose.flags.names


def test_a_mat_of_unknown_pitch_is_an_error(detector, recording):
    unknown = replace(recording, mat=recording.mat.with_changes(pitch_y_m=None, pitch_x_m=None))
    with pytest.raises(MatposeError, match="--pitch-mm"):
        list(detector(unknown))


def test_no_frames_no_poses(detector, recording):
    assert list(detector(recording.select(slice(0, 0)))) == []


def test_without_a_posture_head_the_posture_is_unknown(tmp_path, recording):
    recipe = load_recipe("native")
    save_model(tmp_path / FILE_NAME, TrainedModel(build_efd(recipe).eval(), recipe))
    pose = next(Detector(tmp_path)(recording))
    assert pose.posture == "unknown"
    assert pose.probabilities == {}


def test_an_absent_model_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="matpose train"):
        Detector(tmp_path)


def test_a_recording_read_with_another_turn_than_in_training_is_remarked(detector, recording):
    assert detector.remarks(recording) == []  # of the mat that the model's facts name
    turned = replace(recording, mat=recording.mat.with_changes(rotate=180, mirror=False))
    (remark,) = detector.remarks(turned)
    assert "--rotate 0 --mirror" in remark


def test_joints_have_metres_confidence_and_contact(tiny_onnx, recording):
    detector = Detector(tiny_onnx)
    maps = TINY_CANVAS.resample(recording.frames, recording.mat)
    found = detector.backend(maps)
    for index, pose in enumerate(detector(recording)):
        assert list(pose.keypoints) == list(JOINT_NAMES)
        for number, joint in enumerate(pose.keypoints.values()):
            assert joint is not None
            x, y = TINY_CANVAS.xy_m(found.joints_xy_norm[index, number], recording.mat)
            assert joint.xy_m == pytest.approx((x, y), abs=1e-5)
            assert joint.confidence == pytest.approx(float(found.joints_confidence[index, number]), abs=1e-6)
            assert joint.contact == pytest.approx(float(found.joints_contact[index, number]), abs=1e-6)
        assert set(pose.probabilities) == {"supine", "left"}


def test_frames_not_to_be_trusted_have_no_joints(tiny_onnx, recording):
    flags = recording.flags.copy()
    flags[2] |= np.uint16(Flag.CORRUPTED)
    poses = list(Detector(tiny_onnx)(replace(recording, flags=flags)))
    assert poses[2].keypoints == dict.fromkeys(JOINT_NAMES)
    assert all(joint["confidence"] == 0 and joint["x_m"] is None for joint in poses[2].to_dict()["keypoints"])
    assert None not in poses[1].keypoints.values()


def test_without_a_model_the_shipped_one_is_taken_or_its_lack_told(monkeypatch, tiny_onnx, tmp_path, recording):
    monkeypatch.setattr("matpose.runtime.detector.SHIPPED", tiny_onnx)
    assert next(Detector()(recording)).keypoints
    monkeypatch.setattr("matpose.runtime.detector.SHIPPED", tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="matpose train"):
        Detector()


def test_a_run_without_torch_is_an_error_that_names_the_extra(monkeypatch, trained_run):
    monkeypatch.delitem(sys.modules, "matpose.runtime.torch_backend", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"'torch'.*matpose\[train\].*matpose export"):
        Detector(trained_run)
