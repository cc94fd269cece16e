"""SLP: calibration, labels and joints of a fake tree with a projective homography and known answers."""

import numpy as np
import pytest
from fake_trees import slp_cell, write_slp

from matpose.datasets import load
from matpose.errors import DatasetError
from matpose.recording import JOINT_NAMES

pytest.importorskip("scipy", reason="reading SLP's joints needs the extra 'train'")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_slp(tmp_path_factory.mktemp("slp"), 91)


def test_names_pressure_and_subjects(tree):
    recordings = list(load(f"slp:{tree}"))
    assert len(recordings) == 135
    assert (recordings[0].name, recordings[-1].name) == ("00091/uncover/01", "00091/cover2/45")
    one = recordings[45 + 7]  # cover1, pose 8
    assert one.name == "00091/cover1/08"
    assert one.subject == "slp/91"
    assert one.meta == {"cover": "cover1"}
    assert one.unit == "kPa"
    assert one.frames.shape == (1, 192, 84)
    assert one.frames[0, 100, 30] == pytest.approx((20 + 7) * 0.01 * (45 + 8), rel=1e-6)


def test_joints_lie_at_the_centres_of_their_cells(tree):
    for pose, recording in enumerate(load(f"slp:{tree}", covers=("cover2",))):
        assert recording.joints_m is not None
        want = np.array([slp_cell(joint, pose) for joint in range(len(JOINT_NAMES))])
        assert recording.joints_m[0, :, :2] == pytest.approx((want + 0.5) * 0.01016, abs=1e-6)
        assert np.isnan(recording.joints_m[..., 2]).all()
        assert recording.joint_contact is None


def test_pitch_is_an_option(tree):
    recording = next(iter(load(f"slp:{tree / 'danaLab'}", pitch_mm="10x12")))
    assert recording.mat.pitch_m == (0.010, 0.012)
    assert recording.joints_m is not None
    assert recording.joints_m[0, 3, :2] == pytest.approx(((20 + 9 + 0.5) * 0.012, (30 + 3 + 0.5) * 0.01), abs=1e-6)


@pytest.mark.parametrize(("labels", "left", "right"), [("fixed", 16, 31), ("paper", 15, 30)])
def test_label_rules(tree, labels, left, right):
    got = [r.posture[0] for r in load(f"slp:{tree}", covers=("uncover",), labels=labels) if r.posture is not None]
    assert [pose for pose in range(1, 46) if got[pose - 1] == "left"] == list(range(left, right))
    assert got[: left - 1] == ["supine"] * (left - 1)
    assert got[right - 1 :] == ["right"] * (46 - right)


def test_broken_trees(tmp_path):
    with pytest.raises(DatasetError, match="holds no SLP"):
        list(load(f"slp:{tmp_path}"))
    tree = write_slp(tmp_path, 3)
    with pytest.raises(DatasetError, match="unknown label rule"):
        list(load(f"slp:{tree}", labels="mine"))
    with pytest.raises(DatasetError, match="unknown covers"):
        list(load(f"slp:{tree}", covers=("blanket",)))
    with pytest.raises(DatasetError, match="no subject 4"):
        list(load(f"slp:{tree}", subjects="3-4"))
    folder = tree / "danaLab/00003"
    np.save(folder / "PMcali.npy", np.ones((45, 3)))
    with pytest.raises(DatasetError, match=r"PMcali\.npy.*shape \(45, 3\)"):
        list(load(f"slp:{tree}"))
    np.save(folder / "PMcali.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(DatasetError, match=r"PMcali\.npy"):
        list(load(f"slp:{tree}"))
    (folder / "joints_gt_RGB.mat").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="joints cannot be read"):
        list(load(f"slp:{tree}"))
