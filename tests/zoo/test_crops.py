"""Crops around contact: force kept, places brought back, answers that hang on contact alone unchanged."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matpose.canvas import Canvas
from matpose.mat import preset
from matpose.nn.heatmap import soft_argmax
from matpose.nn.scaling import scale_free
from matpose.recording import JOINT_NAMES
from matpose.simulate.scene import draw_sample
from matpose.zoo.crops import Box, contact_box, contact_cells, crop, on_crop, to_crop, to_map
from matpose.zoo.system import Answer

MAT = preset("bpms")
CANVAS = Canvas(80, 48, 0.032)
CELLS = torch.tensor((48.0, 80.0))  # across and along
SIZE = (64, 32)


@pytest.fixture(scope="module")
def people():
    """Maps of simulated people (6, 1, 80, 48), kPa, and their joints (6, 14, 2)."""
    samples = [draw_sample(index, seed=8, mat=MAT, sensor=False) for index in range(6)]
    maps = CANVAS.resample(np.stack([one.pressure_kpa for one in samples]), MAT)
    xy_m = np.stack([one.joints_m[:, :2] for one in samples]) - np.array(CANVAS.origin_m(MAT))
    xy_norm = 2 * xy_m / (CANVAS.width_m, CANVAS.height_m) - 1
    return torch.from_numpy(maps)[:, None], torch.from_numpy(xy_norm).float()


def probes(x: torch.Tensor) -> Answer:
    """Centres of contact by the root of pressure, by pressure and by a power more: functions of the contact alone.

    Still higher powers weigh single peaks, which hang on the grid that they are seen on.
    """
    found = [soft_argmax(x**power) for power in (1, 2, 3)]
    return Answer(torch.cat(found, 1), torch.ones(len(x), len(found)))


def off_cells(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float(((found - expected) * CELLS / 2).norm(dim=-1).max())


def test_what_hangs_on_contact_alone_is_the_same_on_a_crop(people):
    maps, _ = people
    found = on_crop(probes, maps, SIZE)
    box = contact_box(maps, 0.5)
    assert (box.half < 0.999).all()  # else nothing would have been cropped
    expected = probes(scale_free(maps))
    assert off_cells(found.xy_norm, expected.xy_norm) < 0.5
    assert off_cells(probes(scale_free(crop(maps, box, SIZE))).xy_norm, expected.xy_norm) > 1  # not brought back


def test_so_is_what_hangs_on_the_upper_body_alone(people):
    maps, _ = people
    box, full = contact_box(maps, 0.5, share=0.5), contact_box(maps, 0.5)
    assert (box.half.prod(1) < 0.95 * full.half.prod(1)).all()
    shares = []  # of each cell of the map within the box
    for axis, cells in ((1, 80), (0, 48)):
        edge = torch.arange(cells + 1) * (2 / cells) - 1
        low, high = (box.centre + sign * box.half for sign in (-1, 1))
        within = torch.minimum(edge[1:], high[:, axis, None]) - torch.maximum(edge[:-1], low[:, axis, None])
        shares.append(within.clamp_min(0) * cells / 2)
    upper = maps * shares[0][:, None, :, None] * shares[1][:, None, None]
    found = on_crop(probes, maps, SIZE, share=0.5)
    assert off_cells(found.xy_norm, probes(scale_free(upper)).xy_norm) < 0.5
    assert off_cells(found.xy_norm, probes(scale_free(maps)).xy_norm) > 3  # whose legs count too


def test_a_crop_that_only_shifts_is_a_shift_and_a_box_of_whole_cells_is_a_slice(people):
    maps, _ = people
    box = Box(torch.tensor([[-0.5, 0.25]]).expand(6, 2), torch.tensor([[0.25, 0.25]]).expand(6, 2))
    torch.testing.assert_close(crop(maps, box, (20, 12)), maps[:, :, 40:60, 6:18])
    beyond = Box(torch.tensor([[1.0, 0.0]]).expand(6, 2), torch.ones(6, 2))
    found = crop(maps, beyond, (80, 48))
    torch.testing.assert_close(found[..., :24], maps[..., 24:])
    assert (found[..., 24:] == 0).all()


@pytest.mark.parametrize("size", [(128, 64), (23, 11), (64, 32)])
def test_force_within_a_crop_is_kept(people, size):
    maps, _ = people
    box = contact_box(maps, size[1] / size[0])
    cell = (box.half * CELLS).prod(1) / (size[0] * size[1])  # area of a crop's cell, in map cells
    inside = maps.sum((1, 2, 3))
    found = crop(maps, box, size).sum((1, 2, 3)) * cell
    assert (found / inside > 0.97).all()
    assert (found <= inside * 1.0001).all()


def test_places_go_there_and_back(people):
    maps, xy_norm = people
    box = contact_box(maps, 0.5)
    torch.testing.assert_close(to_map(to_crop(xy_norm, box), box), xy_norm)
    pressed = torch.zeros(1, 1, 64, 32)
    pressed[..., 20:40, 10:14] = 1
    one = contact_box(pressed, 0.5, margin=0.0)
    assert torch.allclose(
        to_crop(torch.tensor([[[-1 + 2 * 12 / 32, -1 + 2 * 20 / 64]]]), one), torch.tensor([0.0, -1.0])
    )


def test_the_box_holds_the_body_with_its_margin_and_aspect(people):
    maps, xy_norm = people
    for aspect in (0.5, 1.0):
        box = contact_box(maps, aspect, margin=0.05)
        width, height = (box.half * CELLS).unbind(1)
        torch.testing.assert_close(width / height, torch.full((6,), aspect))
        assert (to_crop(xy_norm, box).abs() < 1.1).float().mean() > 0.95
        for one, centre, half in zip(maps[:, 0].numpy(), box.centre.tolist(), box.half.tolist(), strict=True):
            y, x = np.nonzero(contact_cells(one))
            left, right = (centre[0] - half[0] + 1) * 24, (centre[0] + half[0] + 1) * 24
            top, bottom = (centre[1] - half[1] + 1) * 40, (centre[1] + half[1] + 1) * 40
            spare = [x.min() - left, right - x.max() - 1, y.min() - top, bottom - y.max() - 1]
            margin = 0.05 * max(x.max() + 1 - x.min(), y.max() + 1 - y.min())
            assert min(spare) == pytest.approx(margin, abs=1e-4)  # on the side that binds
            assert spare[0] == pytest.approx(spare[1], abs=1e-4)
            assert spare[2] == pytest.approx(spare[3], abs=1e-4)


def test_the_upper_box_is_the_head_sides(people):
    maps, xy_norm = people
    full = contact_box(maps, 100.0, margin=0.0)  # height is what binds
    upper = contact_box(maps, 100.0, share=0.5, margin=0.0)
    contact_top = []
    for one in maps[:, 0].numpy():
        y, _ = np.nonzero(contact_cells(one))
        contact_top.append((y.min(), y.max() + 1))
    top, bottom = torch.tensor(contact_top).float().T
    for box, share in ((full, 1.0), (upper, 0.5)):
        torch.testing.assert_close((box.centre[:, 1] + 1) * 40, top + share * (bottom - top) / 2)
        torch.testing.assert_close(box.half[:, 1] * 80, share * (bottom - top))
    head, ankle = JOINT_NAMES.index("head_top"), JOINT_NAMES.index("left_ankle")
    placed = to_crop(xy_norm, contact_box(maps, 0.7, share=0.5))[..., 1]
    assert (placed[:, head].abs() < 1.2).all()
    assert (placed[:, ankle] > 1).all()


def test_a_hot_cell_far_away_and_the_unit_change_nothing(people):
    maps, _ = people
    expected = contact_box(maps, 0.5)
    hot = maps.clone()
    hot[:, :, -1, -1] = 2.0  # bears some tenths of a percent of the force
    assert all(torch.equal(a, b) for a, b in zip(contact_box(hot, 0.5), expected, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(contact_box(maps * 64, 0.5), expected, strict=True))
    strong = maps.clone()
    strong[:, :, -4:, -4:] = 5.0
    assert not torch.equal(contact_box(strong, 0.5).half, expected.half)


def test_of_an_empty_map_the_box_is_all_of_it():
    box = contact_box(torch.zeros(2, 1, 64, 32), 0.5, margin=0.0)
    assert torch.equal(box.centre, torch.zeros(2, 2))
    assert torch.equal(box.half, torch.ones(2, 2))
