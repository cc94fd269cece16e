"""How systems look: crops brought back, several scales averaged, and joints that nobody knows or asks for."""

from __future__ import annotations

import pytest
import torch

from matpose.canvas import Canvas
from matpose.compare.couples import couple_canvas
from matpose.compare.fit import Budget, SystemModule
from matpose.compare.look import Look, answered
from matpose.nn.heatmap import soft_argmax
from matpose.training.joint_maps import JointMaps
from matpose.zoo.heads.grouping import GroupingHead
from matpose.zoo.padding import padded
from matpose.zoo.system import Answer, Backbone, Head, Seen, System, Truth
from matpose.zoo.systems import OURS, TECHNIQUES, build_system

CANVAS = Canvas()
CELLS = torch.tensor((16.0, 32.0))  # of half a map


def with_technique(name: str) -> str:
    """The system that it is told by: on our backbone, but for the one that joins several heatmaps."""
    return f"{'shglass' if name == 'multi_scale' else 'native'}+{name}"


class Glass(Backbone):
    """Shows what is there, and notes the sizes that it saw."""

    channels, stride, sides, heatmaps = 1, 1, 8, 0

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> Seen:
        self.sizes.append(tuple(x.shape))
        return Seen(x, ())


class Middle(Head):
    """One joint: the centre of what is seen."""

    def forward(self, seen: Seen) -> torch.Tensor:
        return seen.features

    def answer(self, output: torch.Tensor) -> Answer:
        return Answer(soft_argmax(output), torch.ones(len(output), 1))

    def losses(self, output: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
        return {}


def bodies(count: int = 3) -> torch.Tensor:
    """Maps of blocks, each somewhere else; heavier at the head side."""
    x = torch.zeros(count, 1, 64, 32)
    for number in range(count):
        x[number, 0, 5 + number : 25 + number, 6 + number : 16 + number] = 4.0
        x[number, 0, 25 + number : 50 + number, 8 + number : 14 + number] = 1.0
    return x


def maps_of(pressure: torch.Tensor, xy_norm: torch.Tensor) -> JointMaps:
    count = len(pressure)
    return JointMaps(
        pressure.half(), xy_norm, torch.ones(count, 14, dtype=torch.bool), torch.zeros(count, dtype=torch.int64),
        torch.full((count,), 0.26), torch.arange(count), torch.zeros(count, dtype=torch.int64),
    )  # fmt: skip


def test_what_a_crop_shows_is_brought_back():
    x = bodies()
    whole = answered(System(Glass(), Middle()), x).xy_norm
    full = answered(System(Glass(), Middle()), x, Look("full")).xy_norm
    assert float(((full - whole) * CELLS).norm(dim=-1).max()) < 0.5
    upper = answered(System(Glass(), Middle()), x, Look("upper")).xy_norm
    assert float(((upper - whole) * CELLS)[..., 1].max()) < -3, "only the head side is seen"
    shown = Look("full").seen(x)
    assert shown.shape == x.shape
    assert (shown > 0).float().mean() > 1.1 * (x > 0).float().mean(), "who is looked at closer fills more of it"


def test_places_on_crops_are_where_the_pressure_is():
    x = torch.zeros(2, 1, 64, 32)
    x[0, 0, 40:44, 20:24] = 1.0
    x[1, 0, 10:14, 4:8] = 1.0
    there = torch.tensor([[[22 / 16 - 1, 42 / 32 - 1]], [[6 / 16 - 1, 12 / 32 - 1]]])
    shown, places = Look("full").closer(x, there)
    torch.testing.assert_close(soft_argmax(shown), places, atol=0.02, rtol=0)
    assert Look().closer(x, there)[1] is there


def test_of_the_upper_body_only_joints_on_the_crop_are_asked_for():
    maps = maps_of(
        bodies(), torch.stack((torch.linspace(-0.5, 0.2, 14), torch.linspace(-0.8, 0.9, 14)), -1).repeat(3, 1, 1)
    )
    assert Look("full").asked(maps) is maps
    asked = Look("upper").asked(maps).xy_norm
    known = asked.isfinite().all(-1)
    assert known[:, 0].all()
    assert not known[:, -1].any()
    _, near = Look("upper").closer(maps.pressure.float(), maps.xy_norm)
    assert torch.equal(known, (near.abs() <= 1).all(-1))
    assert torch.equal(asked[known], maps.xy_norm[known])


def test_several_scales_look_several_times_and_are_averaged():
    system = System(Glass(), Middle())
    x = bodies()
    plain = answered(system, x).xy_norm
    again = answered(system, x, Look(scales=(0.9, 1.0, 1.1))).xy_norm
    assert len(system.backbone.sizes) == 1 + 3  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(again, plain, atol=0.02, rtol=0)
    assert not torch.equal(again, plain)
    assert torch.equal(answered(system, x, Look(scales=(1.0,))).xy_norm, plain)


@pytest.mark.parametrize("crop", ["none", "full", "upper"])
def test_training_sees_what_tests_see_and_learns_nothing_from_unknown_joints(crop):
    torch.manual_seed(0)
    xy_norm = torch.rand(4, 14, 2) - 0.5
    xy_norm[:, 12:] = torch.nan
    maps = maps_of(bodies(4), xy_norm)
    module = SystemModule(
        build_system(OURS, 64, 32, torch.rand(8, 14, 2)), maps, maps, CANVAS, Budget(), 1e-3, Look(crop)
    )
    seen, truth = module._varied(maps, torch.Generator().manual_seed(0))
    assert seen.shape == (4, 1, 64, 32)
    assert (truth.xy_norm[:, 12:] > 2).all(), "nowhere on a map"
    assert (truth.weight[:, 12:] == 0).all()
    assert truth.weight[:, :12].sum() > 0
    assert ((truth.xy_norm.abs() <= 1).all(-1) | (truth.weight == 0)).all()
    if crop == "full":
        assert (seen.amax((2, 3)) > 0).all()
        assert (seen > 0).float().mean() > (maps.pressure > 0).float().mean()


@pytest.mark.parametrize("name", [OURS, *(with_technique(name) for name in TECHNIQUES)])
def test_no_system_learns_from_a_joint_without_weight(name):
    torch.manual_seed(0)
    poses = torch.rand(16, 14, 2) - 0.5
    system = build_system(name, 64, 32, poses).eval()
    with torch.no_grad():
        for parameter in system.parameters():
            parameter += 0.02 * torch.randn_like(parameter)  # fresh ones may be indifferent
    x, weight = padded(torch.rand(2, 1, 64, 32), system.backbone), torch.ones(2, 14)
    weight[:, [2, 13]] = 0
    lost = []
    for place in (1.6, 3.0):  # no map shows it
        xy_norm = poses[:2].clone()
        xy_norm[:, [2, 13]] = place
        contact = torch.ones(2, 14, dtype=torch.bool)
        contact[:, [2, 13]] = place > 2
        with torch.no_grad():
            lost.append(float(system.loss(x, Truth(xy_norm, contact, weight))["loss"]))
    assert lost[0] == pytest.approx(lost[1], rel=1e-5)
    assert lost[0] != 0


def test_a_system_that_groups_learns_every_other_batch_from_pairs(monkeypatch):
    torch.manual_seed(0)
    maps = maps_of(bodies(4), torch.rand(4, 14, 2) - 0.5)

    def widths(look: Look, head: Head) -> list[int]:
        module = SystemModule(System(Glass(), head), maps, maps, CANVAS, Budget(), 1e-3, look)
        monkeypatch.setattr(type(module), "current_epoch", 0)
        monkeypatch.setattr(module, "log", lambda *given, **more: None)
        for batch in range(4):
            loss = module.training_step(torch.arange(4), batch)
            assert loss.isfinite()
        return [size[3] for size in module.model.backbone.sizes]  # pyright: ignore

    wide = couple_canvas(CANVAS).cols
    assert widths(Look(), GroupingHead(1, 4)) == [32, wide, 32, wide]
    assert widths(Look("full"), GroupingHead(1, 4)) == [32] * 4
