"""Blob people weigh what they weigh, lie the right way round, and know where their joints are."""

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import Mat, preset
from matpose.recording import JOINT_NAMES, Recording
from matpose.simulate.blobs import GRAVITY, POSTURES, blob_people, blob_recording
from matpose.simulate.person import Person
from matpose.simulate.skeletons import JOINT

MATS = ["pmatdata-i", "bt3510", "bpms", "tip", "hlppdat"]


def joints_xy_m(recording: Recording) -> np.ndarray:
    assert recording.joints_m is not None
    return recording.joints_m[..., :2]


def pressure_at(recording: Recording, xy_m: np.ndarray) -> np.ndarray:
    """Pressure at (T, 2) points, kPa."""
    pitch_y_m, pitch_x_m = recording.mat.pitch_m
    rows, cols = (xy_m[:, 1] / pitch_y_m).astype(int), (xy_m[:, 0] / pitch_x_m).astype(int)
    return recording.frames[np.arange(len(recording)), rows, cols]


@pytest.mark.parametrize("name", MATS)
@pytest.mark.parametrize("posture", POSTURES)
def test_force_is_weight(name, posture):
    mat = preset(name)
    for seed in range(4):
        recording = blob_recording(seed, mat=mat, posture=posture)
        force_n = recording.frames.sum((1, 2), dtype=float) * 1000 * mat.pitch_m[0] * mat.pitch_m[1]
        weight_n = float(recording.meta["mass_kg"]) * GRAVITY
        assert force_n / weight_n == pytest.approx(np.ones(8), abs=0.05)


@pytest.mark.parametrize("name", MATS)
@pytest.mark.parametrize("posture", POSTURES)
def test_joints_lie_on_the_mat(name, posture):
    mat = preset(name)
    for seed in range(12):
        xy_m = joints_xy_m(blob_recording(seed, mat=mat, posture=posture, frames=2))
        assert (xy_m > 0).all()
        assert (xy_m < (mat.width_m, mat.height_m)).all()


def test_sides_are_the_persons_own():
    for seed in range(20):
        supine, prone = (joints_xy_m(blob_recording(seed, posture=p, frames=1))[0] for p in ("supine", "prone"))
        for pair in ("hip", "shoulder"):
            left, right = JOINT[f"left_{pair}"], JOINT[f"right_{pair}"]
            assert supine[left, 0] > supine[right, 0]
            assert prone[left, 0] < prone[right, 0]


@pytest.mark.parametrize(("posture", "faces"), [("left", 1), ("right", -1)])
def test_side_sleepers_face_the_right_way(posture, faces):
    for seed in range(20):
        recording = blob_recording(seed, posture=posture, frames=1)
        xy_m = joints_xy_m(recording)[0]
        knee, hip, elbow, shoulder = (
            xy_m[JOINT[f"{posture}_{joint}"], 0] for joint in ("knee", "hip", "elbow", "shoulder")
        )
        assert faces * (knee - hip) > 0
        assert faces * (elbow - shoulder) > 0
        assert recording.joint_contact is not None
        below = recording.joint_contact[0, JOINT[f"{posture}_hip"]]
        other = "right" if posture == "left" else "left"
        assert below
        assert not recording.joint_contact[0, JOINT[f"{other}_hip"]]


def test_the_two_sides_differ_in_shape():
    """Maps of the two sides resemble each other mirrored, not as they are."""
    means = {p: np.mean([blob_recording(s, posture=p).frames.mean(0) for s in range(30)], 0) for p in ("left", "right")}
    straight = np.corrcoef(means["left"].ravel(), means["right"].ravel())[0, 1]
    mirrored = np.corrcoef(means["left"].ravel(), means["right"][:, ::-1].ravel())[0, 1]
    assert mirrored > straight + 0.1


def test_the_head_is_up():
    for posture in POSTURES:
        xy_m = joints_xy_m(blob_recording(4, posture=posture, frames=1))[0]
        assert xy_m[JOINT["head_top"], 1] == xy_m[:, 1].min() or posture in ("left", "right", "prone")
        assert xy_m[JOINT["head_top"], 1] < xy_m[JOINT["thorax"], 1] < xy_m[JOINT["left_hip"], 1]
        assert xy_m[JOINT["left_hip"], 1] < xy_m[JOINT["left_ankle"], 1] + 0.05


def test_parts_agree_with_pressure_and_joints():
    for seed in range(12):
        recording = blob_recording(seed)
        assert recording.parts is not None
        assert (recording.frames[recording.parts > 0] > 0.133).all()
        assert (recording.parts[recording.frames > 0.133] > 0).all()
        assert recording.parts.max() <= 21
        # the head's cells lie at the head, each part's cells around its own joints
        rows, cols = np.nonzero(recording.parts[0] == 1)
        head = joints_xy_m(recording)[0, JOINT["head_top"]]
        pitch_y_m, pitch_x_m = recording.mat.pitch_m
        middle = np.array([(cols.mean() + 0.5) * pitch_x_m, (rows.mean() + 0.5) * pitch_y_m])
        assert np.linalg.norm(middle - head) < 0.16


def test_parts_keep_left_and_right_apart():
    recording = blob_recording(2, posture="supine")
    assert recording.parts is not None
    across = {code: np.nonzero(recording.parts[0] == code)[1].mean() for code in (13, 14, 17, 18)}
    assert across[13] > across[14]
    assert across[17] > across[18]


def test_contact_means_pressure():
    pressed, lifted = [], []
    for seed in range(60):
        recording = blob_recording(seed, posture="supine", frames=1)
        assert recording.joint_contact is not None
        for name in ("hip", "elbow", "ankle"):
            for joint in (JOINT[f"left_{name}"], JOINT[f"right_{name}"]):
                here = float(pressure_at(recording, joints_xy_m(recording)[:, joint])[0])
                touching = bool(recording.joint_contact[0, joint])
                assert here > 0.2 or not touching, (seed, name)
                if name == "ankle":
                    (pressed if touching else lifted).append(here)
    assert len(lifted) > 5
    assert np.mean(pressed) > 4 * np.mean(lifted)


def test_the_same_seed_gives_the_same_recording():
    one, same, other = blob_recording(5), blob_recording(5), blob_recording(6)
    assert (one.frames == same.frames).all()
    assert (joints_xy_m(one) == joints_xy_m(same)).all()
    assert not np.array_equal(one.frames, other.frames)


def test_people_breathe_but_stay():
    recording = blob_recording(1, frames=30)
    xy_m = joints_xy_m(recording)
    assert 0 < np.ptp(xy_m, axis=0).max() < 0.015
    still = np.corrcoef(recording.frames[0].ravel(), recording.frames[-1].ravel())[0, 1]
    assert 0.97 < still < 1


def test_people_keep_their_size_and_change_their_place():
    people = list(blob_people(3, 4, seed=2))
    assert [r.name for r in people][:5] == ["blobs/1/1", "blobs/1/2", "blobs/1/3", "blobs/1/4", "blobs/2/1"]
    assert [r.posture[0] for r in people[:4] if r.posture is not None] == list(POSTURES)
    assert len({(r.meta["stature_m"], r.meta["mass_kg"]) for r in people}) == 3
    assert len({joints_xy_m(r)[0, 0, 0].item() for r in people}) == 12
    alone = next(iter(blob_people([2], 1, seed=2)))
    assert (alone.frames == people[4].frames).all()


def test_bones_have_their_lengths():
    person = Person(1.7, 70, "somebody")
    for posture in ("left", "right", "prone"):
        xy_m = joints_xy_m(blob_recording(3, posture=posture, frames=1, subject=person, mat=preset("bpms")))[0]
        for end, start, share in (
            ("knee", "hip", 0.245),
            ("ankle", "knee", 0.246),
            ("elbow", "shoulder", 0.186),
        ):
            bone = np.linalg.norm(xy_m[JOINT[f"left_{end}"]] - xy_m[JOINT[f"left_{start}"]])
            assert bone == pytest.approx(share * 1.7, abs=0.012)


def test_tall_people_are_made_to_fit():
    giant = Person(2.0, 110, "giant")
    recording = blob_recording(0, subject=giant)
    assert float(recording.meta["stature_m"]) < 1.8
    assert float(blob_recording(0, subject=giant, mat=Mat(96, 48, 0.025, 0.025)).meta["stature_m"]) == 2.0


def test_wrong_calls():
    with pytest.raises(MatposeError, match="sitting"):
        blob_recording(0, posture="sitting")
    with pytest.raises(MatposeError, match="pitch"):
        blob_recording(0, mat=Mat(64, 32, None, None))
    with pytest.raises(MatposeError, match="nobody fits"):
        blob_recording(0, mat=Mat(64, 4, 0.03, 0.03))


def test_maps_look_like_people():
    """Area and mean pressure at 1 mmHg and above as in PmatData, experiment i, S1-S6."""
    for posture, area_m2, mean_mmhg in (("supine", 0.65, 7.3), ("left", 0.5, 11.5)):
        maps = np.stack([blob_recording(seed, posture=posture).frames[0] for seed in range(40)]) / 0.133322
        touched = maps >= 1
        assert np.median(touched.sum((1, 2))) * 0.0278**2 == pytest.approx(area_m2, rel=0.2)
        assert maps[touched].mean() == pytest.approx(mean_mmhg, rel=0.2)


def test_joint_order_is_the_recordings():
    assert list(JOINT) == list(JOINT_NAMES)
