"""Warps: one definition for maps and points, opposite directions, rigid in metres."""

from __future__ import annotations

import math

import pytest
import torch

from matpose.nn.heatmap import soft_argmax
from matpose.nn.warp import Warp, _controls, published_warps, random_warp

ASPECT = 0.5


def _warp(
    count: int = 1,
    turn_deg: float = 0,
    scale: float = 1,
    shift: tuple[float, float] = (0, 0),
    bend: torch.Tensor | None = None,
) -> Warp:
    return Warp(
        torch.full((count,), math.radians(turn_deg)),
        torch.full((count,), scale),
        torch.tensor(shift, dtype=torch.float32).expand(count, 2),
        torch.zeros(count, 25, 2) if bend is None else bend,
        ASPECT,
    )


def _blob(x: float, y: float, height: int = 128, width: int = 64) -> torch.Tensor:
    """A bell of one cell and a half, centred at (x, y) in [-1, 1]."""
    col, row = (x + 1) / 2 * width - 0.5, (y + 1) / 2 * height - 0.5
    rows, cols = torch.arange(height)[:, None], torch.arange(width)
    return torch.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * 1.5**2))[None, None]


def test_the_identity_leaves_maps_and_points():
    maps = torch.rand(2, 1, 64, 32)
    torch.testing.assert_close(_warp(2).maps(maps), maps, rtol=0, atol=1e-4)
    points = 2 * torch.rand(2, 9, 2) - 1
    torch.testing.assert_close(_warp(2).source(points), points, rtol=0, atol=1e-5)


def test_a_shift_moves_the_map_that_way_and_points_come_back():
    warp = _warp(shift=(0.25, -0.5))  # half-heights: x by a half of the half-width
    moved = soft_argmax(warp.maps(_blob(0, 0.25)))
    torch.testing.assert_close(moved, torch.tensor([[[0.5, -0.25]]]), rtol=0, atol=1e-3)
    torch.testing.assert_close(warp.source(moved), torch.tensor([[[0.0, 0.25]]]), rtol=0, atol=1e-3)


def test_a_scale_above_one_enlarges():
    warp = _warp(scale=1.2)
    moved = soft_argmax(warp.maps(_blob(0.5, -0.5)))
    torch.testing.assert_close(moved, torch.tensor([[[0.6, -0.6]]]), rtol=0, atol=1e-3)


def test_a_turn_is_rigid_in_metres():
    """A point half a half-height below the centre, turned by 30 degrees, keeps its distance despite the aspect."""
    warp = _warp(turn_deg=30)
    moved = soft_argmax(warp.maps(_blob(0, 0.5)))[0, 0] * torch.tensor([ASPECT, 1.0])
    assert moved.norm().item() == pytest.approx(0.5, abs=2e-3)
    assert math.degrees(math.atan2(moved[0], moved[1])) == pytest.approx(30, abs=0.3)  # its foot end towards +x
    points = 2 * torch.rand(1, 12, 2) - 1
    stretch = torch.tensor([ASPECT, 1.0])
    before, after = points * stretch, warp.source(points) * stretch
    torch.testing.assert_close(torch.cdist(after, after), torch.cdist(before, before), rtol=0, atol=1e-4)


def test_a_warped_blob_lies_where_source_says_it_came_from():
    """source(p') = p for random warps with bending: the check on direction that the losses rest on."""
    generator = torch.Generator().manual_seed(5)
    count = 12
    warp = random_warp(count, ASPECT, generator, turn_deg=15, scale=0.1, shift=0.1, bend=0.03)
    at = 0.8 * (torch.rand(count, 2, generator=generator) - 0.5)
    maps = torch.cat([_blob(float(x), float(y)) for x, y in at])
    moved = soft_argmax(warp.maps(maps))
    assert ((moved[:, 0] - at).norm(dim=-1) > 0.02).all()  # it did move
    torch.testing.assert_close(warp.source(moved)[:, 0], at, rtol=0, atol=0.02)  # two thirds of a cell


def test_bending_passes_through_its_control_displacements():
    generator = torch.Generator().manual_seed(0)
    bend = 0.05 * torch.randn(1, 25, 2, generator=generator)
    points, _ = _controls(ASPECT)
    stretch = torch.tensor([ASPECT, 1.0])
    controls = (points.float() / stretch)[None]
    moved = (_warp(bend=bend).source(controls) - controls) * stretch
    # `source` adds the bend's values: a spline through all 25 displacements, and (x, y) itself is not among them
    torch.testing.assert_close(moved, bend, rtol=0, atol=1e-4)


def test_an_affine_bend_is_reproduced_everywhere():
    """Thin plates do not bend for an affine displacement: the spline's kernel part must vanish."""
    points, _ = _controls(ASPECT)
    affine = torch.tensor([[0.02, -0.01], [0.03, 0.04]], dtype=torch.float64)
    bend = (points @ affine + torch.tensor([0.01, -0.02], dtype=torch.float64)).float()[None]
    places = 2 * torch.rand(1, 40, 2, generator=torch.Generator().manual_seed(0)) - 1
    stretch = torch.tensor([ASPECT, 1.0])
    moved = (_warp(bend=bend).source(places) - places) * stretch
    expected = (places * stretch) @ affine.float() + torch.tensor([0.01, -0.02])
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-4)


def test_what_comes_from_outside_is_zero():
    warped = _warp(shift=(0, 0.5)).maps(torch.ones(1, 1, 64, 32))
    assert not warped[0, 0, :15].any()
    assert (warped[0, 0, 17:] > 0.99).all()


def test_the_published_warps_are_fixed_and_leave_the_global_state_alone():
    first = published_warps(ASPECT)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    again = published_warps(ASPECT)
    assert torch.equal(torch.get_rng_state(), state)
    for name in ("turn_rad", "scale", "shift", "bend"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert len(first.scale) == 20
    sums = [getattr(first, name).double().abs().sum().item() for name in ("turn_rad", "scale", "shift", "bend")]
    assert sums == pytest.approx(PUBLISHED, rel=1e-6)
    assert first.turn_rad.abs().max() <= math.radians(15)
    assert ((first.scale - 1).abs() <= 0.1 + 1e-6).all()
    assert first.shift.abs().max() <= 0.2
    assert first.bend.std().item() == pytest.approx(0.05, rel=0.1)


PUBLISHED = [3.0734253, 20.1597910, 4.2554292, 37.6951381]


def test_random_warps_keep_their_ranges():
    warp = random_warp(500, ASPECT, torch.Generator().manual_seed(0), turn_deg=12, scale=0.1, shift=0.3, bend=0.02)
    for value, most in ((warp.turn_rad, math.radians(12)), (warp.scale - 1, 0.1), (warp.shift, 0.3)):
        assert 0.95 * most < value.abs().max() <= most + 1e-6
        assert abs(value.mean()) < 0.1 * most
    assert warp.bend.std().item() == pytest.approx(0.02, rel=0.05)


def test_warps_follow_their_maps_to_another_device():
    """Warps are drawn on the CPU; "meta" stands for an accelerator here."""
    assert published_warps(ASPECT).maps(torch.zeros(20, 1, 16, 8, device="meta")).device.type == "meta"


def test_a_stretch_of_the_proportions_is_linear_and_changes_nothing_else():
    ranges = {"turn_deg": 12, "scale": 0.1, "shift": 0.1, "bend": 0.0}
    plain, oblong = (
        random_warp(4, ASPECT, torch.Generator().manual_seed(2), **ranges, oblong=value) for value in (0.0, 0.2)
    )
    assert torch.equal(plain.turn_rad, oblong.turn_rad)
    assert torch.equal(plain.shift, oblong.shift)
    warped = 2 * torch.rand(4, 9, 2) - 1
    stretch = torch.tensor([ASPECT, 1.0])
    more = (oblong.source(warped) - plain.source(warped)) * stretch / (warped * stretch)
    assert more.abs().max() <= 0.2 + 1e-3
    assert more.abs().amax((1, 2)).min() > 0.01
    torch.testing.assert_close(more, more[:, :1].expand_as(more), rtol=0, atol=2e-3)  # of one factor along each axis


def test_places_arrive_where_the_warp_takes_them_from():
    warp = random_warp(
        16, ASPECT, torch.Generator().manual_seed(5), turn_deg=20, scale=0.15, shift=0.2, bend=0.02, oblong=0.12
    )
    places = 2 * torch.rand(16, 20, 2, generator=torch.Generator().manual_seed(6)) - 1
    torch.testing.assert_close(warp.source(warp.arrives(places)), places, rtol=0, atol=1e-3)
    blob = _blob(0.2, -0.3)
    seen = soft_argmax(warp.maps(blob.expand(16, 1, 128, 64)))
    torch.testing.assert_close(warp.arrives(torch.tensor([[[0.2, -0.3]]]).expand(16, 1, 2)), seen, rtol=0, atol=0.02)
