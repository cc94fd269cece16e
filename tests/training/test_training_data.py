"""The maps of a training, and their augmentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import tiny_recipe

from matpose.canvas import NATIVE
from matpose.errors import DatasetError
from matpose.mat import Mat, preset
from matpose.recording import Flag, Recording
from matpose.simulate.blobs import blob_people, blob_recording
from matpose.training.augmentation import augment
from matpose.training.crwt import fit_efd
from matpose.training.data import batches, canvas_maps, collect_maps
from matpose.training.recipe import Recipe


def _flagged(recording: Recording, *frames: int, flag: Flag = Flag.CORRUPTED) -> Recording:
    flags = recording.flags.copy()
    flags[list(frames)] |= np.uint16(flag)
    return replace(recording, flags=flags)


@pytest.mark.parametrize("flag", [Flag.CORRUPTED, Flag.WRONG_SIZE, Flag.EMPTY_BED])
def test_unfit_frames_are_left_out(flag):
    recording = _flagged(blob_recording(0, frames=6), 0, 3, flag=flag)
    maps, frames, _ = canvas_maps(recording, NATIVE)
    assert frames.tolist() == [1, 2, 4, 5]
    sound, _, _ = canvas_maps(recording.select(np.array([1, 2, 4, 5])), NATIVE)
    np.testing.assert_array_equal(maps, sound)


def test_frames_are_evenly_spaced_over_the_sound_ones():
    recording = _flagged(blob_recording(0, frames=12), 0, 11)
    _, frames, _ = canvas_maps(recording, NATIVE, 3)
    assert frames.tolist() == [1, 5, 10]


def test_collected_maps_know_their_origin_and_keep_the_force():
    recordings = list(blob_people(2, 2))
    maps = collect_maps(recordings, NATIVE, frames_per_recording=4)
    assert len(maps) == 16
    assert maps.subjects == ["blobs/1", "blobs/2"]
    for index in (0, 7, 15):
        recording = recordings[index // 4]
        assert (maps.recording[index], maps.subject[index]) == (recording.name, recording.subject)
        assert recording.posture is not None
        assert maps.posture[index] == recording.posture[0]
    force = recordings[0].frames[0].sum() * 0.0278**2
    assert maps.pressure[0].sum().item() * NATIVE.cell_m**2 == pytest.approx(force, rel=1e-4)


def test_people_are_kept_apart():
    maps = collect_maps(blob_people(3, 2), NATIVE, frames_per_recording=2)
    one = maps.of_subjects(["blobs/2"])
    assert one.subjects == ["blobs/2"]
    assert len(one) == 4
    assert set(one.recording.tolist()) == {"blobs/2/1", "blobs/2/2"}
    assert torch.equal(one.pressure, maps.pressure[4:8])


def test_a_larger_mat_is_cropped_around_the_person():
    wide = Mat(64, 96, 0.032, 0.032)
    frames = np.zeros((2, 64, 96), np.float32)
    frames[:, 20:30, 80:88] = 3.0  # at the far right
    recording = Recording(frames, wide, "kPa", np.arange(2.0), np.zeros(2, np.uint16), subject="a")
    maps = collect_maps([recording], NATIVE, frames_per_recording=2)
    assert maps.pressure.sum().item() == pytest.approx(frames.sum(), rel=1e-5)
    assert maps.coverage.min() == 1


def test_two_mats_in_one_training(tmp_path):
    recordings = [*blob_people([1], 2), *blob_people([2, 3], 2, mat=preset("bt3510"))]
    recipe = tiny_recipe("epochs=1", "presence_epochs=1")
    maps = collect_maps(recordings, recipe.canvas, frames_per_recording=2)
    assert len(maps.coverage) == 2
    on_mat = maps.on_mat()
    assert maps.mat.tolist() == [0] * 4 + [1] * 8
    assert on_mat[0].sum() != on_mat[-1].sum()
    _, rows = fit_efd(
        maps.of_subjects(["blobs/1", "blobs/2"]), maps.of_subjects(["blobs/3"]), recipe, tmp_path, progress=False
    )
    assert [row["stage"] for row in rows] == ["presence", "reconstruction"]


def test_cells_beside_the_mat_are_known():
    maps = collect_maps([blob_recording(0, mat=preset("bt3510"))], NATIVE, frames_per_recording=1)
    rows, cols = np.nonzero(maps.on_mat()[0, 0].numpy())
    assert np.ptp(rows) + 1 == round(64 * 0.0286 / 0.032)
    assert abs(np.ptp(cols) + 1 - 27 * 0.0275 / 0.032) < 1.5
    assert not maps.pressure[~(maps.coverage[maps.mat] > 0)].any()


def test_presence_threshold_is_one_mmhg_or_relative_where_the_unit_is_unknown():
    recording = blob_recording(0, frames=2)
    raw = replace(recording, frames=recording.frames * 100, unit="raw")
    maps = collect_maps([recording, raw], NATIVE, frames_per_recording=2)
    assert maps.threshold[:2].tolist() == pytest.approx([0.133322] * 2)
    pressure = maps.pressure[2, 0]
    assert maps.threshold[2].item() == pytest.approx(((pressure**2).sum() / pressure.sum() / 20).item(), rel=1e-4)
    agree = (maps.present()[0] == maps.present()[2]).float().mean()
    assert agree > 0.95


def test_no_usable_frame_is_an_error():
    recording = blob_recording(0, frames=2)
    with pytest.raises(DatasetError, match="not one usable frame"):
        collect_maps([_flagged(recording, 0, 1, flag=Flag.EMPTY_BED)], NATIVE, frames_per_recording=2)
    with pytest.raises(DatasetError, match="not one usable frame"):
        collect_maps([], NATIVE, frames_per_recording=2)


@pytest.mark.parametrize("count", [1, 3, 10, 100])
def test_an_epoch_is_so_many_full_batches_that_use_all_maps_alike(count):
    order = batches(count, 4, 6, seed=1, epoch=2)
    assert [len(batch) for batch in order] == [4] * 6
    used = np.bincount(np.concatenate(order), minlength=count)
    assert np.ptp(used) <= 1
    again = batches(count, 4, 6, seed=1, epoch=2)
    assert all(np.array_equal(a, b) for a, b in zip(order, again, strict=True))
    if count > 4:
        other = batches(count, 4, 6, seed=1, epoch=3)
        assert not all(np.array_equal(a, b) for a, b in zip(order, other, strict=True))


STILL = {"turn_deg": 0, "scale": 0, "shift": 0, "bend": 0, "gamma": 0, "drop_lines": 0}


def _recipe(**ranges: float) -> Recipe:
    return tiny_recipe(*(f"{name}={value}" for name, value in (STILL | ranges).items()))


def _body(count: int) -> torch.Tensor:
    maps = torch.zeros(count, 1, 32, 16)
    maps[:, :, 12:20, 6:10] = 2.0
    return maps


def _chance() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_no_ranges_no_change():
    seen, target = augment(_body(4), _recipe(), _chance())
    torch.testing.assert_close(seen, _body(4), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(target, seen)


def test_augmentation_depends_on_the_generator_alone():
    recipe = _recipe(turn_deg=12, scale=0.1, shift=0.1, bend=0.03, gamma=0.2, drop_lines=0.5)
    torch.manual_seed(1)
    first = augment(_body(4), recipe, _chance())
    torch.manual_seed(2)
    assert all(torch.equal(a, b) for a, b in zip(augment(_body(4), recipe, _chance()), first, strict=True))


def test_shift_stays_within_its_range():
    _, target = augment(_body(200), _recipe(shift=0.25), _chance())
    rows = (target.sum((1, 3)) * torch.arange(32)).sum(1) / target.sum((1, 2, 3)) - 15.5
    cols = (target.sum((1, 2)) * torch.arange(16)).sum(1) / target.sum((1, 2, 3)) - 7.5
    for moved in (rows, cols):  # 0.25 half-heights of 32 cells
        assert 3.6 < moved.abs().max() <= 4.01
        assert abs(moved.mean()) < 0.6


def test_gamma_keeps_peak_and_zero():
    body = _body(50)
    body[:, :, 14:18, 7:9] = 8.0
    _, target = augment(body, _recipe(gamma=0.2), _chance())
    torch.testing.assert_close(target.amax((1, 2, 3)), torch.full((50,), 8.0))
    ratio = target[:, 0, 12, 6] / 8
    assert (ratio >= 0.25**1.2 - 1e-4).all()
    assert (ratio <= 0.25**0.8 + 1e-4).all()
    assert ratio.std() > 0.02
    assert not target[:, 0, :10].any()


def test_lost_lines_are_seen_but_not_asked_for():
    body = torch.ones(400, 1, 32, 16)
    seen, target = augment(body, _recipe(drop_lines=0.4), _chance())
    torch.testing.assert_close(target, body, rtol=0, atol=1e-3)
    lost_rows = (seen.amax(3) == 0).sum((1, 2))
    lost_cols = (seen.amax(2) == 0).sum((1, 2))
    assert lost_rows.max() == lost_cols.max() == 1
    for lost in (lost_rows, lost_cols):
        assert lost.float().mean().item() == pytest.approx(0.2, abs=0.06)
    whole = (lost_rows + lost_cols) == 0
    torch.testing.assert_close(seen[whole], body[whole], rtol=0, atol=1e-3)
