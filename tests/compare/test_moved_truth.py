"""Body parts, heights and pressure: kept when asked for, and where they are after a map has been moved."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from matpose.canvas import NATIVE
from matpose.compare.fit import Budget, SystemModule
from matpose.compare.look import Look
from matpose.compare.moved_truth import moved_truth, padded_truth
from matpose.compare.space_figures import space_score
from matpose.errors import DatasetError
from matpose.mat import preset
from matpose.nn.warp import Warp, random_warp
from matpose.training.checkpoint import read_tensors
from matpose.training.joint_maps import JointMaps, rows_of_body, simulated_joint_maps, stacked
from matpose.zoo.crops import contact_box
from matpose.zoo.heads.body_parameters import BodyParametersHead
from matpose.zoo.padding import padded
from matpose.zoo.part_labels import BESIDE
from matpose.zoo.system import Answer, Backbone, Seen, System, Truth
from matpose.zoo.systems import DETAILED, TECHNIQUES, build_system

ASKED = {"mats": ("bpms", "pmatdata-i"), "readings": 2, "seed": 7}
HALF_M = NATIVE.height_m / 2
MIDDLE_M = torch.tensor([NATIVE.width_m / 2, HALF_M, 0.0])


@pytest.fixture(scope="module")
def maps() -> JointMaps:
    """Two people, read three times each, once on a mat that is larger than the canvas."""
    on = [preset("bpms"), preset("pmatdata-i"), preset("carpet")]
    rows = [row for index in range(2) for row in rows_of_body(index, on, [0, 1, 2], NATIVE, seed=7, detail=True)]
    return stacked(rows)


def bare(maps: JointMaps) -> JointMaps:
    """The same without details."""
    return JointMaps(*(getattr(maps, field.name) for field in fields(maps)[:7]))


class Moved(NamedTuple):
    """A truth of which all is known."""

    xy_norm: torch.Tensor
    height: torch.Tensor
    parts: torch.Tensor
    pressure: torch.Tensor


def known(truth: Truth) -> Moved:
    assert truth.height is not None
    assert truth.parts is not None
    assert truth.pressure is not None
    return Moved(truth.xy_norm, truth.height, truth.parts, truth.pressure)


def still(count: int) -> Warp:
    draw = torch.Generator().manual_seed(0)
    return random_warp(count, 0.5, draw, turn_deg=0, scale=0, shift=0, bend=0)


def turned(count: int) -> Warp:
    """Turned, scaled and shifted, as a rigid body may be."""
    draw = torch.Generator().manual_seed(1)
    return random_warp(count, 0.5, draw, turn_deg=15, scale=0.2, shift=0.1, bend=0)


def space_m(xy_norm: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """Joints in half-heights: (B, 14, 3)."""
    return torch.cat((xy_norm * torch.tensor([0.5, 1.0]), height[..., None]), -1)


class TestDetail:
    @pytest.mark.slow
    def test_what_there_was_is_as_before(self, tmp_path):
        files = {detail: tmp_path / f"{detail}.safetensors" for detail in (False, True)}
        light, full = (simulated_joint_maps(file, 2, NATIVE, detail=detail, **ASKED) for detail, file in files.items())
        assert light.joints_xyz_m is None
        assert light.parts is None
        assert light.digest() == bare(full).digest() != full.digest()
        assert "detail" not in read_tensors(files[False])[1]["asked"], "files of earlier versions are read"
        for detail, file in files.items():
            kept = simulated_joint_maps(file, 2, NATIVE, detail=detail, **ASKED)
            assert kept.digest() == (full if detail else light).digest()
            with pytest.raises(DatasetError, match="other maps"):
                simulated_joint_maps(file, 2, NATIVE, detail=not detail, **ASKED)

    def test_joints_in_space_are_those_on_the_map(self, maps):
        xy_m = (maps.xy_norm + 1) / 2 * torch.tensor([NATIVE.width_m, NATIVE.height_m])
        torch.testing.assert_close(maps.joints_xyz_m[..., :2], xy_m, atol=1e-5, rtol=0)
        z_m = maps.joints_xyz_m[..., 2]
        assert ((z_m > -0.1) & (z_m < 0.8)).all()
        assert z_m[maps.contact].mean() < z_m[~maps.contact].mean()
        head_m = (maps.joints_xyz_m[:, 13] - maps.joints_xyz_m[:, 12]).norm(dim=-1)
        torch.testing.assert_close(head_m, maps.head_norm * HALF_M, atol=1e-4, rtol=0)

    def test_parts_are_where_the_load_is(self, maps):
        assert maps.parts.dtype == torch.int8
        load = maps.pressure[:, 0].float()
        pressed = load * (load > 1)  # what a sensor reads beside a body is less
        on_parts = (pressed * (maps.parts > 0)).sum((1, 2))
        assert (on_parts > 0.8 * pressed.sum((1, 2))).all()
        assert 0.03 < (maps.parts > 0).float().mean() < 0.5

    def test_they_are_chosen_and_joined_with_the_rest(self, maps):
        again = maps.select(torch.tensor([True, False] * (len(maps) // 2)))
        assert torch.equal(again.parts, maps.parts[::2])
        both = again.joined(maps)
        assert torch.equal(both.joints_xyz_m, torch.cat((again.joints_xyz_m, maps.joints_xyz_m)))
        assert bare(maps).joined(maps).parts is maps.joined(bare(maps)).parts is None


class TestMoved:
    def test_standing_still_changes_nothing(self, maps):
        truth = known(moved_truth(maps, maps.contact, still(len(maps)), NATIVE))
        assert torch.equal(truth.parts, maps.parts)
        torch.testing.assert_close(truth.pressure, maps.pressure.float(), atol=2e-3, rtol=0)
        torch.testing.assert_close(truth.height, maps.joints_xyz_m[..., 2] / HALF_M)

    def test_parts_move_by_whole_cells_with_the_pressure(self, maps):
        shift = torch.tensor([0.0, 5 * NATIVE.cell_m / HALF_M])
        down = replace(still(len(maps)), shift=shift.repeat(len(maps), 1))
        truth = known(moved_truth(maps, maps.contact, down, NATIVE))
        assert torch.equal(truth.parts[:, 5:], maps.parts[:, :-5])
        assert (truth.parts[:, :5] == BESIDE).all()
        torch.testing.assert_close(truth.pressure[:, :, 5:], maps.pressure[:, :, :-5].float(), atol=5e-3, rtol=0)

    def test_parts_come_from_the_cell_that_the_warp_names(self, maps):
        """Of a bent and stretched map too; cell by cell."""
        draw = torch.Generator().manual_seed(2)
        bent = random_warp(len(maps), 0.5, draw, turn_deg=18, scale=0.1, shift=0.1, bend=0.02, oblong=0.1)
        truth = known(moved_truth(maps, maps.contact, bent, NATIVE))
        checked = 0
        for row, col in np.random.default_rng(0).integers(0, (64, 32), (60, 2)):
            at = torch.tensor([[[(col + 0.5) / 16 - 1, (row + 0.5) / 32 - 1]]]).float()
            place = (bent.source(at)[:, 0] + 1) * torch.tensor([16.0, 32.0])
            cell = place.floor().long()
            clear = ((place - place.round()).abs() > 1e-3).all(-1)
            for one in torch.nonzero(clear).flatten().tolist():
                x, y = cell[one].tolist()
                there = 0 <= x < 32 and 0 <= y < 64
                expected = maps.parts[one, y, x].item() if there else BESIDE
                assert truth.parts[one, row, col].item() == expected
                checked += 1
        assert checked > 300

    def test_a_body_that_is_turned_and_scaled_keeps_its_form(self, maps):
        warp = turned(len(maps))
        truth = known(moved_truth(maps, maps.contact, warp, NATIVE))
        before = space_m(maps.xy_norm, maps.joints_xyz_m[..., 2] / HALF_M)
        after = space_m(truth.xy_norm, truth.height)
        lengths = [torch.cdist(points.double(), points.double()) for points in (before, after)]
        torch.testing.assert_close(lengths[1], lengths[0] * warp.scale[:, None, None], atol=5e-3, rtol=0)

    def test_left_stays_left(self, maps):
        truth = known(moved_truth(maps, maps.contact, turned(len(maps)), NATIVE))
        for left, right in ((9, 10), (13, 14), (17, 18)):
            count = [((parts == left).sum(), (parts == right).sum()) for parts in (maps.parts, truth.parts)]
            for before, after in zip(*count, strict=True):
                assert abs(after - before) < 0.5 * before + 10

    def test_crops_show_the_same_body(self, maps):
        warp = turned(len(maps))
        pressure = warp.maps(maps.pressure.float())
        box = contact_box(pressure, 0.5)
        whole = known(moved_truth(maps, maps.contact, warp, NATIVE))
        near = known(moved_truth(maps, maps.contact, warp, NATIVE, box))
        lengths = [torch.cdist(points, points) for points in (
            space_m(whole.xy_norm, whole.height), space_m(near.xy_norm, near.height)
        )]  # fmt: skip
        larger = 1 / box.half[:, 1]
        torch.testing.assert_close(lengths[1], lengths[0] * larger[:, None, None], atol=1e-4, rtol=1e-4)
        share = (near.parts > 0).float().mean((1, 2)) / (whole.parts > 0).float().mean((1, 2))
        torch.testing.assert_close(share, larger**2, atol=0, rtol=0.12)
        force = near.pressure.mean((1, 2, 3)) / whole.pressure.mean((1, 2, 3))
        torch.testing.assert_close(force, larger**2, atol=0, rtol=0.02)

    def test_without_details_nothing_is_known_of_them(self, maps):
        truth = moved_truth(bare(maps), maps.contact, turned(len(maps)), NATIVE)
        assert truth.height is truth.parts is truth.pressure is None
        full = moved_truth(maps, maps.contact, turned(len(maps)), NATIVE)
        assert all(torch.equal(a, b) for a, b in zip(truth[:3], full[:3], strict=True))


class Wide(Backbone):
    channels, stride, sides, heatmaps = 1, 1, 128, 0

    def forward(self, x):
        return Seen(x, ())


def test_padding_moves_everything_alike(maps):
    truth = moved_truth(maps, maps.contact, still(len(maps)), NATIVE)
    there, wide = known(truth), known(padded_truth(truth, (64, 32), (128, 64)))
    assert torch.equal(wide.pressure, F.pad(there.pressure, (16, 16, 0, 64)))
    assert torch.equal(wide.parts[:, :64, 16:48], maps.parts)
    assert (wide.parts > BESIDE).sum() == (maps.parts > BESIDE).sum()
    torch.testing.assert_close(wide.height * 64 * NATIVE.cell_m, maps.joints_xyz_m[..., 2])
    tall = truth._replace(pressure=there.pressure[:, :, :60, :30], parts=there.parts[:, :60, :30])
    assert torch.equal(
        known(padded_truth(tall, (60, 30), (128, 128))).pressure, padded(there.pressure[:, :, :60, :30], Wide())
    )


class Oracle(BodyParametersHead):
    """Knows the truth about the maps that it is shown, in their order, and is wrong by as much as asked."""

    def __init__(self, maps: JointMaps, look: Look, off_m: tuple[float, float, float]) -> None:
        super().__init__(1, torch.rand(4, 14, 2), (128, 128))
        box = look.box(maps.pressure.float())
        truth = moved_truth(maps, maps.contact, still(len(maps)), NATIVE, box)
        self.known = known(padded_truth(truth, (64, 32), (128, 128)))
        self.larger = torch.ones(len(maps), 1) if box is None else 1 / box.half[:, 1:]
        self.off = torch.tensor(off_m) / (128 * NATIVE.cell_m / 2)

    def forward(self, seen):  # pyright: ignore[reportIncompatibleMethodOverride]
        return seen

    def places(self, output):
        off = self.off * self.larger[..., None]
        return self.known.xy_norm + off[..., :2], self.known.height + off[..., 2]

    def answer(self, output):
        return Answer(*self.places(output))


@pytest.mark.parametrize("crop", ["none", "full"])
def test_errors_in_space_are_centimetres(maps, crop):
    look = Look(crop)
    for off_m, expected in (((0.0, 0.0, 0.0), 0.0), ((0.03, 0.0, 0.04), 5.0), ((0.0, 0.05, 0.12), 13.0)):
        system = System(Wide(), Oracle(maps, look, off_m)).eval()
        assert space_score(system, maps, NATIVE, look)["mpjpe_cm"] == pytest.approx(expected, abs=0.02)
    assert space_score(build_system("native+dark", 64, 32, maps.xy_norm), maps, NATIVE, look) == {}
    assert space_score(system, bare(maps), NATIVE, look) == {}


@pytest.mark.parametrize(("technique", "parts"), [("parts", {"part"}), ("body", {"height", "pressure"}), ("dark", {})])
def test_a_step_learns_from_the_details(maps, technique, parts, monkeypatch):
    torch.manual_seed(0)
    assert set(DETAILED) < set(TECHNIQUES)
    system = build_system(f"native+{technique}", 64, 32, maps.xy_norm)
    module = SystemModule(system, maps, maps, NATIVE, Budget(samples=320, batch=4), 1e-3, Look())
    said: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(module, "log", lambda name, value, **more: said.update({name: value.detach()}))
    loss = module.training_step(torch.arange(4), 0)
    loss.backward()
    assert {f"train_{name}" for name in parts} < set(said)
    assert all(torch.isfinite(value) for value in said.values())
    module.labelled = bare(maps)
    said.clear()
    module.training_step(torch.arange(4), 0)
    assert not {f"train_{name}" for name in parts} & set(said)
