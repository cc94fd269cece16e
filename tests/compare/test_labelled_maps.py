"""Recordings with joints as maps: places, splits, what nobody knows, and what is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from matpose.canvas import Canvas
from matpose.compare.labelled_maps import (
    FRAMES,
    HEAD_M,
    contact_by_pressure,
    labelled_joint_maps,
    rows_of_recording,
    split_by_subject,
)
from matpose.errors import DatasetError
from matpose.evaluation.joint_score import joint_score
from matpose.mat import preset
from matpose.readers.hdf5_write import write_recording
from matpose.recording import Flag, Recording
from matpose.training.joint_maps import HEAD_TOP, POSTURES, THORAX

sys.path.append(str(Path(__file__).parent.parent / "datasets"))
from fake_trees import slp_cell, write_hlppdat, write_slp  # pyright: ignore[reportMissingImports]

CANVAS = Canvas()


def recording(frames: int = 4, **known) -> Recording:
    """Somebody on a whole mat, every joint in the middle of a loaded patch."""
    mat = preset("pmatdata-i")
    pressure = np.zeros((frames, mat.rows, mat.cols), np.float32)
    pressure[:, 10:50, 8:24] = 3.0
    joints_m = np.random.default_rng(0).uniform((0.3, 0.4, 0.05), (0.6, 1.3, 0.2), (frames, 14, 3)).astype(np.float32)
    given = {"joints_m": joints_m, "posture": np.full(frames, "supine"), "subject": "somebody"} | known
    return Recording(pressure, mat, "kPa", np.arange(frames, dtype=float), np.zeros(frames, np.uint16), **given)


def test_slp_comes_in_its_own_shares_with_joints_where_they_are(tmp_path):
    for number in (1, 81, 91):
        write_slp(tmp_path, number, covers=("uncover", "cover1", "cover2"))
    maps = labelled_joint_maps(tmp_path / "kept", f"slp:{tmp_path}", CANVAS)
    assert [len(maps[part]) for part in ("training", "validation", "seen")] == [132] * 3, (
        "three are too faint for a body"
    )
    assert not set(maps["training"].body.tolist()) & set(maps["seen"].body.tolist())
    train, mat = maps["training"], preset("slp")
    assert len(set(train.body.tolist())) == 132, "every map is its own pose"
    train = train.select(torch.arange(132 - 45, 132))  # under the last cover
    origin_m = CANVAS.origin_m(mat)
    for pose in (0, 20, 44):
        cells = np.array([slp_cell(joint, pose) for joint in range(14)])
        expected_m = (cells + 0.5) * 0.01016 - origin_m
        found_m = (train.xy_norm[pose].numpy() + 1) / 2 * (CANVAS.width_m, CANVAS.height_m)
        np.testing.assert_allclose(found_m, expected_m, atol=1e-4)
    head = np.hypot(*(np.array(slp_cell(HEAD_TOP, 0)) - slp_cell(THORAX, 0))) * 0.01016
    assert float(train.head_norm[0]) * CANVAS.height_m / 2 == pytest.approx(head, rel=1e-3), "in the plane: no heights"
    assert [POSTURES[code] for code in train.posture[[0, 15, 44]]] == ["supine", "left", "right"]
    force = train.pressure[0].float().sum() * CANVAS.cell_m**2
    assert float(force) == pytest.approx(30 * 0.91 * 130 * 40 * 0.01016**2, rel=0.01)


def test_what_was_read_is_not_read_again_and_another_dataset_is_refused(tmp_path):
    for number in (80, 90, 102):
        write_slp(tmp_path / "data", number)
    spec = f"slp:{tmp_path / 'data'}"
    first = labelled_joint_maps(tmp_path / "kept", spec, CANVAS)
    (tmp_path / "data").rename(tmp_path / "away")
    again = labelled_joint_maps(tmp_path / "kept", spec, CANVAS)
    assert all(first[part].digest() == again[part].digest() for part in first)
    with pytest.raises(DatasetError, match="other maps"):
        labelled_joint_maps(tmp_path / "kept", f"slp:{tmp_path / 'away'}", CANVAS)


def test_a_part_without_people_and_a_dataset_without_joints_are_told(tmp_path):
    for number in (1, 2, 91):
        write_slp(tmp_path / "slp", number, covers=("uncover", "cover1", "cover2"))
    with pytest.raises(DatasetError, match="nobody for validation"):
        labelled_joint_maps(tmp_path / "kept", f"slp:{tmp_path / 'slp'}", CANVAS)
    assert not (tmp_path / "kept" / "training.safetensors").exists()
    with pytest.raises(DatasetError, match="no joints"):
        labelled_joint_maps(tmp_path / "kept", f"hlppdat:{write_hlppdat(tmp_path / 'hlppdat')}", CANVAS)
    with pytest.raises(DatasetError, match="three or more"):
        split_by_subject(["a", "b", "a"])


def test_slp_is_split_by_its_numbers_and_others_in_its_shares():
    parts = split_by_subject(f"slp/{number}" for number in range(102, 0, -1))
    assert [[number for number in range(1, 103) if parts[f"slp/{number}"] == part] for part in range(3)] == [
        list(range(1, 81)), list(range(81, 91)), list(range(91, 103))
    ]  # fmt: skip
    others = list(split_by_subject(f"tip/{number}" for number in range(1, 103)).values())
    assert [others.count(part) for part in range(3)] == [80, 10, 12]
    assert others == sorted(others)
    assert list(split_by_subject(["a", "b", "c"]).values()) == [0, 1, 2]


def test_simulated_files_of_several_people_serve(tmp_path):
    one = recording(12)
    moved = one.frames * np.linspace(1, 2, 12, dtype=np.float32)[:, None, None]
    write_recording(tmp_path / "people.h5", replace(one, frames=moved, person=np.arange(12, dtype=np.uint32)))
    maps = labelled_joint_maps(tmp_path / "kept", str(tmp_path / "people.h5"), CANVAS)
    assert [len(maps[part]) for part in maps] == [10, 1, 1]
    assert one.joints_m is not None
    found_m = (maps["seen"].xy_norm[0].numpy() + 1) / 2 * (CANVAS.width_m, CANVAS.height_m)
    np.testing.assert_allclose(found_m, one.joints_m[11, :, :2] - CANVAS.origin_m(one.mat), atol=1e-4)
    head_m = np.linalg.norm(one.joints_m[11, HEAD_TOP] - one.joints_m[11, THORAX])
    assert float(maps["seen"].head_norm[0]) * CANVAS.height_m / 2 == pytest.approx(head_m, rel=1e-3), "in space"


def test_what_nobody_knows_stays_unknown():
    one = recording(3)
    assert one.joints_m is not None
    joints_m = one.joints_m.copy()
    joints_m[:, [THORAX, HEAD_TOP]] = np.nan
    joints_m[1, 2, 1] = np.nan
    joints_m[2] = np.nan
    rows = rows_of_recording(
        replace(one, joints_m=joints_m, posture=np.array(["supine", "sitting", "left"])), 7, CANVAS
    )
    assert len(rows) == 2, "a frame without any joint teaches nothing"
    assert np.isnan(rows[1]["xy_norm"]).any(1).tolist() == [joint in (2, THORAX, HEAD_TOP) for joint in range(14)]
    assert not np.asarray(rows[1]["contact"])[[2, THORAX]].any()
    assert float(rows[0]["head_norm"]) * CANVAS.height_m / 2 == pytest.approx(HEAD_M, rel=1e-3)
    assert [int(row["posture"]) for row in rows] == [POSTURES.index("supine"), -1]
    assert int(rows[0]["body"]) == 7


def test_couples_and_unfit_frames_are_left_out_and_films_are_thinned():
    one = recording(200)
    flags = one.flags.copy()
    flags[:50] = Flag.EMPTY_BED
    assert len(rows_of_recording(replace(one, flags=flags), 0, CANVAS)) == FRAMES
    partner = np.where(np.arange(200) < 190, "left", "empty")
    assert len(rows_of_recording(replace(one, partner_posture=partner), 0, CANVAS)) == 10
    assert rows_of_recording(replace(one, joints_m=None), 0, CANVAS) == []


def test_contact_is_the_datasets_own_or_read_off_the_map():
    one = recording(2)
    known = np.arange(28).reshape(2, 14) % 3 == 0
    rows = rows_of_recording(replace(one, joint_contact=known), 0, CANVAS)
    assert np.array_equal(np.stack([row["contact"] for row in rows]), known)
    x = torch.zeros(1, 1, 64, 32)
    x[..., 10:20, 10:20] = 4.0
    x[..., 40:50, 10:20] = 0.1  # a fortieth of what is typical
    places = torch.tensor([[[15.0, 15.0], [15.0, 45.0], [15.0, 60.0]]]) / torch.tensor((16.0, 32.0)) - 1
    assert contact_by_pressure(x, places).tolist() == [[True, False, False]]
    assert contact_by_pressure(x * 1000, places).tolist() == [[True, False, False]], "whatever the unit"


def test_raw_counts_of_any_size_fit():
    one = recording(2)
    rows = rows_of_recording(replace(one, unit="raw", frames=one.frames * 1e6), 0, CANVAS)
    assert np.isfinite(rows[0]["pressure"]).all()
    assert np.max(rows[0]["pressure"]) == pytest.approx(100, rel=0.01)


def test_joints_that_nobody_knows_do_not_count():
    rng = np.random.default_rng(1)
    truth, found = rng.random((6, 14, 2)), rng.random((6, 14, 2)) * 0.2
    found += truth
    contact, head_m = rng.random((6, 14)) > 0.5, np.full(6, 0.3)
    some = truth.copy()
    some[:, [3, 9]] = np.nan
    kept = [joint for joint in range(14) if joint not in (3, 9)]
    scored = joint_score(found, some, contact, head_m)
    error_m = np.linalg.norm(found - truth, axis=-1)[:, kept]
    assert scored["mean_cm"] == pytest.approx(100 * error_m.mean())
    assert scored["contact_median_cm"] == pytest.approx(100 * np.median(error_m[contact[:, kept]]))
    assert scored["pckh20"] == pytest.approx((error_m < 0.06).mean())
    assert scored["pckh50"] == pytest.approx((error_m < 0.15).mean())
