"""TIP: counts, saturation and joints of a fake tree with known answers; archives that are bombs or lies."""

import io
import zipfile

import numpy as np
import pytest
from fake_trees import tip_cell, write_tip

from matpose.datasets import load
from matpose.datasets.tip import COCO17
from matpose.errors import DatasetError
from matpose.mat import PRESETS
from matpose.recording import JOINT_NAMES, Flag


@pytest.fixture
def tree(tmp_path):
    write_tip(tmp_path, 2, 1)
    write_tip(tmp_path, 10, 1)
    return write_tip(tmp_path, 2, 10)


def test_names_counts_and_flags(tree):
    recordings = list(load(f"tip:{tree}"))
    assert [recording.name for recording in recordings] == ["2/1", "2/10", "10/1"]
    one = recordings[0]
    assert (one.subject, one.unit, one.mat) == ("tip/2", "raw", PRESETS["tip"])
    assert one.meta == {"weight": "55.5", "height": "166.0", "gender": "female"}
    assert one.frames[1, 20, 20] == 600  # flagged, not clipped
    assert [bool(flag & Flag.SATURATED) for flag in one.flags] == [False, True, False]
    assert one.posture is None
    assert [recording.subject for recording in load(f"tip:{tree}", subjects="10")] == ["tip/10"]
    assert next(iter(load(f"tip:{tree}", rate_hz=10))).time_s.tolist() == [0, 0.1, 0.2]


def test_joints_lie_at_the_centres_of_their_cells(tree):
    one = next(iter(load(f"tip:{tree}")))
    assert one.joints_m is not None
    for index, name in enumerate(JOINT_NAMES):
        for frame in range(3):
            if name in COCO17:
                col, row = tip_cell(COCO17.index(name), frame)
                assert one.joints_m[frame, index, :2] == pytest.approx(((col + 0.5) * 0.0195, (row + 0.5) * 0.0311))
            else:
                assert name in ("thorax", "head_top")
                assert np.isnan(one.joints_m[frame, index]).all()
    assert np.isnan(one.joints_m[..., 2]).all()


def test_without_sensor_positions_or_labels_there_are_no_joints(tree):
    (tree / "2/1/camera_params.npz").unlink()
    (tree / "2/10/labels.npz").unlink()
    recordings = list(load(f"tip:{tree}", subjects="2"))
    assert [recording.joints_m for recording in recordings] == [None, None]
    assert (recordings[0].meta["height"], recordings[1].meta) == ("166.0", {})


def npy_header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": shape, "fortran_order": False, "descr": "<f8"})
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("pressure_correct.npy", b"nothing", "cannot be read"),
        ("labels.npz", b"nothing", "gender cannot be read"),
        ("labels.npz", {"keypoints_meter": npy_header((10**12, 17, 2)) + b"0"}, "keypoints_meter cannot be read"),
        ("labels.npz", {"keypoints_meter": bytes(100 << 20)}, "unpacks to 100 MiB"),
        ("labels.npz", {"keypoints_meter": np.zeros((2, 17, 2))}, r"shape \(2, 17, 2\)"),
        ("camera_params.npz", {"infer_sensor_position": np.zeros((3, 2))}, r"shape \(3, 2\)"),
    ],
)
def test_broken_trees(tree, name, content, problem):
    file = tree / "2/1" / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, value in content.items():
                if isinstance(value, np.ndarray):
                    memory = io.BytesIO()
                    np.save(memory, value)
                    value = memory.getvalue()
                archive.writestr(f"{member}.npy", value)
    with pytest.raises(DatasetError, match=problem) as caught:
        list(load(f"tip:{tree}"))
    assert caught.value.mend


def test_no_tree(tmp_path):
    with pytest.raises(DatasetError, match="holds no TIP"):
        list(load(f"tip:{tmp_path}"))
    with pytest.raises(DatasetError, match="no subject 3"):
        list(load(f"tip:{write_tip(tmp_path, 2, 1)}", subjects="3"))


def test_nothing_is_unpickled(tree):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    np.savez(
        tree / "2/1/labels.npz", height=np.array(Bomb(), dtype=object), posture_index=np.array(Bomb(), dtype=object)
    )
    np.save(tree / "2/10/pressure_correct.npy", np.array(Bomb(), dtype=object))
    recordings = load(f"tip:{tree}", subjects="2")
    assert next(recordings).meta == {}
    with pytest.raises(DatasetError, match="pressure_correct"):
        next(recordings)
