from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matpose.errors import MatposeError
from matpose.mat import Mat, preset
from matpose.monitor.body_parts import part_map
from matpose.monitor.body_size import stature_m
from matpose.monitor.part_pressure import read_parts
from matpose.pose import Keypoint, Pose
from matpose.recording import JOINT_NAMES, PART_NAMES
from matpose.simulate.scene import draw_sample

MAT = Mat(72, 36, 0.028, 0.028)
CODE = {name: code for code, name in enumerate(PART_NAMES)}
MIRRORED = np.array(
    [CODE[name.replace("left_", "_").replace("right_", "left_").replace("_", "right_", 1)
          if name.startswith("left_") else name.replace("right_", "left_")] for name in PART_NAMES]
)  # fmt: skip
# of somebody 1.75 m tall, from midway between the hips: to the left and towards the head, metres
SUPINE = {
    "head_top": (0.0, 0.82), "thorax": (0.0, 0.55), "left_shoulder": (0.18, 0.50), "left_elbow": (0.27, 0.20),
    "left_wrist": (0.30, -0.05), "left_hip": (0.09, 0.0), "left_knee": (0.11, -0.43), "left_ankle": (0.12, -0.86),
}  # fmt: skip
SIDE = {
    "head_top": (0.05, 0.82), "thorax": (0.0, 0.55), "left_shoulder": (0.02, 0.50), "left_elbow": (0.22, 0.34),
    "left_wrist": (0.44, 0.42), "left_hip": (0.01, 0.0), "left_knee": (0.30, -0.31), "left_ankle": (0.02, -0.62),
    "right_shoulder": (0.03, 0.50), "right_elbow": (0.10, 0.20), "right_wrist": (0.26, 0.02), "right_hip": (0.0, 0.0),
    "right_knee": (0.36, -0.22), "right_ankle": (0.12, -0.55),
}  # fmt: skip
LIFTED = {"right_shoulder", "right_elbow", "right_wrist", "right_hip", "right_knee", "right_ankle"}


def pose_of(posture, at_m=(0.50, 1.10), without=(), lifted=()):
    """A pose drawn by hand: on the back, on the front, or on a side."""
    if posture in ("supine", "prone"):
        places = dict(SUPINE)
        places |= {name.replace("left", "right"): (-x, y) for name, (x, y) in SUPINE.items() if "left" in name}
        lifted_too = set()
    else:
        places, lifted_too = SIDE, LIFTED
    keypoints = {
        name: None
        if name in without
        else Keypoint(
            (at_m[0] + (-x if posture == "prone" else x), at_m[1] - y),
            0.9,
            0.05 if name in lifted_too or name in lifted else 0.95,
        )
        for name, (x, y) in places.items()
    }
    keypoints = {name: keypoints[name] for name in JOINT_NAMES}
    pose = Pose(frame=0, time_s=0.0, keypoints=keypoints, posture="left" if posture == "right" else posture)
    return mirrored(pose, 2 * at_m[0]) if posture == "right" else pose


def mirrored(pose, width_m):
    """The same person in a mirror along the mat."""
    swapped = {}
    for name, joint in pose.keypoints.items():
        other = name.replace("left", "right") if "left" in name else name.replace("right", "left")
        swapped[other] = joint and replace(joint, xy_m=(width_m - joint.xy_m[0], joint.xy_m[1]))
    posture = {"left": "right", "right": "left"}.get(pose.posture, pose.posture)
    return replace(pose, keypoints={name: swapped[name] for name in JOINT_NAMES}, posture=posture)


@cache
def frame_under(posture):
    """A frame that presses wherever a bone of the pose is near: (rows, cols), read-only."""
    xy = {name: np.array(joint.xy_m) for name, joint in pose_of(posture).keypoints.items() if joint}
    ends = [("thorax", "head_top"), ("left_hip", "thorax"), ("right_hip", "thorax")]
    ends += [
        (f"{side}_{a}", f"{side}_{b}")
        for side in ("left", "right")
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    ]
    places = np.concatenate([xy[a] + np.linspace(0, 1.1, 12)[:, None] * (xy[b] - xy[a]) for a, b in ends])
    row, col = np.mgrid[: MAT.rows, : MAT.cols]
    cells = np.stack([(col + 0.5) * MAT.pitch_m[1], (row + 0.5) * MAT.pitch_m[0]], -1)
    near = (np.linalg.norm(cells[:, :, None] - places, axis=-1) < 0.14).any(-1)
    frame = np.where(near, np.random.default_rng(0).uniform(2, 6, near.shape), 0).astype(np.float32)
    frame.flags.writeable = False
    return frame


def part_at(parts, right_m, up_m, at_m=(0.50, 1.10)):
    row, col = int((at_m[1] - up_m) / MAT.pitch_m[0]), int((at_m[0] + right_m) / MAT.pitch_m[1])
    return PART_NAMES[parts[row, col]]


def test_parts_on_the_back_are_where_the_anatomy_has_them():
    pose = pose_of("supine")
    parts = part_map(pose, frame_under(pose.posture), MAT)
    for (x, y), name in {
        (0.0, 0.76): "head", (0.0, 0.42): "upper_back", (0.0, 0.22): "lower_back", (0.0, 0.04): "sacrum",
        (0.14, 0.03): "left_hip", (0.17, 0.49): "left_shoulder", (0.26, 0.26): "left_upper_arm",
        (0.29, 0.06): "left_forearm_hand", (0.31, -0.12): "left_forearm_hand", (0.10, -0.25): "left_thigh",
        (0.11, -0.43): "left_knee", (0.115, -0.62): "left_calf", (0.12, -0.90): "left_heel_foot",
    }.items():  # fmt: skip
        assert part_at(parts, x, y) == name
        assert part_at(parts, -x - 0.001, y) == name.replace("left", "right")


def test_on_the_front_the_trunk_bears_on_chest_and_belly():
    pose = pose_of("prone")
    parts = part_map(pose, frame_under(pose.posture), MAT)
    backs = [CODE[name] for name in ("upper_back", "lower_back", "sacrum")]
    assert not np.isin(parts, backs).any()
    assert (parts == CODE["chest_belly"]).sum() > 100
    assert part_at(parts, -0.11, -0.25) == "left_thigh"  # the left of somebody prone is at smaller x


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_on_a_side_the_parts_below_bear(side, other):
    pose = pose_of(side)
    frame = frame_under(pose.posture)
    found = np.bincount(part_map(pose, frame, MAT).ravel(), minlength=22)
    for name in ("hip", "shoulder", "thigh", "knee"):
        assert found[CODE[f"{side}_{name}"]] > 4
    assert found[CODE[f"{other}_hip"]] == 0
    assert found[CODE[f"{other}_shoulder"]] == 0
    assert found[CODE["sacrum"]] < found[CODE[f"{side}_hip"]]


@pytest.mark.parametrize("posture", ["supine", "prone", "left", "right"])
def test_a_mirrored_person_has_mirrored_parts(posture):
    pose = pose_of(posture)
    frame = frame_under(pose.posture)
    there = part_map(pose, frame, MAT)
    back = part_map(mirrored(pose, MAT.width_m), frame[:, ::-1], MAT)[:, ::-1]
    assert (MIRRORED[there] == back).mean() > 0.998  # a cell on a border may go either way


@pytest.mark.parametrize("posture", ["supine", "left"])
def test_a_moved_person_has_moved_parts(posture):
    down, right = -3, -2  # so that nobody falls off the mat
    pose = pose_of(posture)
    moved = pose_of(posture, at_m=(0.50 + right * MAT.pitch_m[1], 1.10 + down * MAT.pitch_m[0]))
    frame = frame_under(pose.posture)
    there = np.roll(part_map(pose, frame, MAT), (down, right), (0, 1))
    assert (part_map(moved, np.roll(frame, (down, right), (0, 1)), MAT) == there).mean() > 0.998


def test_every_loaded_cell_of_a_body_has_a_part_and_no_other_cell():
    pose = pose_of("supine")
    frame = frame_under(pose.posture)
    assert ((part_map(pose, frame, MAT) > 0) == (frame > 0)).all()


def test_a_lifted_arm_leaves_the_trunk_its_cells():
    pose = pose_of("supine")
    on_belly = {
        "left_elbow": Keypoint((0.74, 0.86), 0.9, 0.9),
        "left_wrist": Keypoint((0.50, 0.90), 0.9, 0.0),
    }
    frame = frame_under(pose.posture)
    parts = part_map(replace(pose, keypoints={**pose.keypoints, **on_belly}), frame, MAT)
    assert part_at(parts, 0.0, 0.22) == "lower_back"


@pytest.mark.parametrize(("below", "above"), [("left", "right"), ("right", "left")])
def test_of_two_calves_one_over_the_other_the_one_that_presses_bears(below, above):
    pose = pose_of("supine")
    joints = dict(pose.keypoints)
    for name in ("knee", "ankle"):
        place = joints[f"left_{name}"]
        assert place is not None
        joints[f"{below}_{name}"] = replace(place, xy_m=(place.xy_m[0] + 0.005, place.xy_m[1]))
        joints[f"{above}_{name}"] = replace(place, contact=0.1)
    parts = part_map(replace(pose, keypoints=joints), frame_under("supine"), MAT)
    found = np.bincount(parts.ravel(), minlength=22)
    assert found[CODE[f"{below}_calf"]] > 10
    assert found[CODE[f"{above}_calf"]] == 0


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_of_two_legs_one_over_the_other_the_lower_sides_bears(side, other):
    pose = pose_of(side)
    joints = dict(pose.keypoints)
    for name in ("hip", "knee", "ankle"):
        place = joints[f"{side}_{name}"]
        assert place is not None
        joints[f"{side}_{name}"] = replace(place, contact=0.5)
        joints[f"{other}_{name}"] = replace(place, contact=0.5)
    found = np.bincount(part_map(replace(pose, keypoints=joints), frame_under(side), MAT).ravel(), minlength=22)
    for name in ("thigh", "knee", "calf"):
        assert found[CODE[f"{side}_{name}"]] > 4
        assert found[CODE[f"{other}_{name}"]] == 0


def test_what_lies_far_from_the_body_is_no_part_of_it():
    pose = pose_of("supine")
    frame = frame_under("supine").copy()
    frame[-1, 0] = frame[0, -1] = 5.0
    parts = part_map(pose, frame, MAT)
    assert parts[-1, 0] == 0
    assert parts[0, -1] == 0


def test_any_unit_gives_the_same_map():
    pose = pose_of("left")
    frame = frame_under(pose.posture)
    there = part_map(pose, frame, MAT)
    assert (part_map(pose, frame * 40 + 44, MAT) == there).all()
    assert (part_map(pose, frame * 1e-3, MAT) == there).all()


def test_cells_without_a_reading_have_no_part():
    pose = pose_of("supine")
    frame = frame_under("supine").copy()
    frame[30:33] = np.nan
    parts = part_map(pose, frame, MAT)
    assert not parts[30:33].any()
    assert parts[29].any()


def test_nobody_has_no_parts():
    frame = frame_under("supine")
    nobody = Pose(frame=0, time_s=0.0, keypoints=dict.fromkeys(JOINT_NAMES), posture="empty")
    assert not part_map(nobody, frame, MAT).any()
    assert not part_map(Pose(frame=0, time_s=0.0), frame, MAT).any()
    assert not part_map(pose_of("supine"), np.zeros_like(frame), MAT).any()
    assert not part_map(pose_of("supine"), np.full_like(frame, np.nan), MAT).any()


@pytest.mark.filterwarnings("error")
@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(JOINT_NAMES)), st.sampled_from(["supine", "prone", "left", "right", "unknown"]))
def test_unknown_joints_take_nothing_but_their_own_parts_along(without, posture):
    pose = pose_of("supine" if posture == "unknown" else posture)
    joints = {name: None if name in without else joint for name, joint in pose.keypoints.items()}
    parts = part_map(replace(pose, keypoints=joints, posture=posture), frame_under("supine"), MAT)
    assert parts.shape == (MAT.rows, MAT.cols)
    assert parts.max() < 22
    if {"left_knee", "left_ankle"} <= without:
        assert not np.isin(parts, [CODE["left_calf"], CODE["left_heel_foot"]]).any()


def test_without_one_wrist_the_rest_is_as_before():
    pose, frame = pose_of("supine"), frame_under("supine")
    whole = part_map(pose, frame, MAT)
    parts = part_map(pose_of("supine", without=("left_wrist",)), frame, MAT)
    assert not (parts == CODE["left_forearm_hand"]).any()
    other = whole != CODE["left_forearm_hand"]
    assert (parts == whole)[other].mean() > 0.99


def test_a_limb_beside_the_mat_changes_nothing_on_it():
    pose, frame = pose_of("supine"), frame_under("supine")
    beside = {"left_elbow": Keypoint((1.3, 0.7), 0.9, 0.9), "left_wrist": Keypoint((1.6, 0.9), 0.9, 0.9)}
    whole = part_map(pose, frame, MAT)
    parts = part_map(replace(pose, keypoints={**pose.keypoints, **beside}), frame, MAT)
    arm = np.isin(whole, [CODE["left_upper_arm"], CODE["left_forearm_hand"], CODE["left_shoulder"]])
    assert (parts == whole)[~arm].mean() > 0.97


def test_a_mat_without_pitch_is_refused():
    with pytest.raises(MatposeError, match="pitch"):
        part_map(pose_of("supine"), frame_under("supine"), Mat(72, 36, None, None))


def test_stature_is_read_from_bones_of_which_some_point_up():
    joints = np.array([joint.xy_m for joint in pose_of("supine").keypoints.values() if joint])
    assert stature_m(joints) == pytest.approx(1.75, abs=0.05)
    knee_up = joints.copy()
    knee_up[[JOINT_NAMES.index("left_knee"), JOINT_NAMES.index("left_ankle")]] -= (0.0, 0.25)
    assert stature_m(knee_up) == pytest.approx(1.75, abs=0.09)
    assert stature_m(joints * 1.1) > stature_m(joints) + 0.08


@pytest.fixture(scope="module")
def people():
    """A simulated person in each posture, as an ideal mat sees them."""
    mat = preset("pmatdata-i")
    return mat, [
        draw_sample(0, seed=43_000, mat=mat, posture=posture, sensor=False)
        for posture in ("supine", "prone", "left", "right")
    ]


def test_the_map_agrees_with_the_simulators_true_masks(people):
    mat, samples = people
    agreement, peaks = [], []
    for sample in samples:
        joints: dict[str, Keypoint | None] = {
            name: Keypoint((float(x), float(y)), 1.0, float(presses))
            for name, (x, y, _), presses in zip(JOINT_NAMES, sample.joints_m, sample.joint_contact, strict=True)
        }
        pose = Pose(frame=0, time_s=0.0, keypoints=joints, posture=sample.posture)
        parts = part_map(pose, sample.pressure_kpa, mat)
        force = sample.pressure_kpa * (sample.parts > 0)
        agreement.append(float((force * (parts == sample.parts)).sum() / force.sum()))
        found, true = (read_parts(sample.pressure_kpa, mine, mat).peak_mmhg for mine in (parts, sample.parts))
        bears = true > 0.25 * true.max()
        peaks.append(np.median(np.abs(found - true)[bears] / true[bears]))
    assert min(agreement) > 0.7
    assert np.mean(agreement) > 0.8
    assert np.mean(peaks) < 0.1
