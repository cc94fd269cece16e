"""Regressing a body: nothing is lost at the truth, its pressure is the simulator's, and it learns and leaves torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from blob_joints import blob_people, error, errors_of_training, exported_difference, system_of
from blob_joints import seeded as _seeded  # noqa: F401

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from lying_parameters import parameters_of, shape_of

from matpose.mat import Mat
from matpose.nn.scaling import smoothed
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.bed import Bed
from matpose.simulate.body import light_body
from matpose.simulate.contact import Place, contact, pressure_kpa
from matpose.simulate.labels import joints_m
from matpose.simulate.person import Person
from matpose.simulate.postures import draw_posture
from matpose.simulate.settle import settle
from matpose.zoo.body_model import SHAPE, BodyParameters
from matpose.zoo.continuous_rotation import NO_TURN
from matpose.zoo.heads.body_parameters import MOST_SHAPE, BodyParametersHead, force_loss
from matpose.zoo.system import Seen, Truth

SIZE = (64, 32)
SQUARE = Mat(64, 32, 0.032, 0.032)
PLACE = Place(SQUARE, 0.512, 1.0)


def head_of(channels: int = 16, **more) -> BodyParametersHead:
    _, truth = blob_people(50)
    return BodyParametersHead(channels, truth.xy_norm, SIZE, **more)


def lie(head: BodyParametersHead, count: int = 2) -> BodyParameters:
    """Bodies of some shape in the bed, turned a little, in double precision."""
    draw = torch.Generator().manual_seed(5)

    def some(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=draw, dtype=torch.float64)

    turns = torch.tensor(NO_TURN, dtype=torch.float64) + 0.1 * some(count, len(SEGMENTS), 6)
    return BodyParameters(
        shape=0.05 * some(count, len(SHAPE)),
        place_m=head.hips_m + torch.tensor([0.02, 0.02, 0.0]) * some(count, 3) - torch.tensor([0.0, 0.0, 0.05]),
        turns=turns,
        girdle_m=0.01 * some(count, 2, 2),
        stiffness_kpa_m=40 + 5 * some(count),
    )


def truth_of(head: BodyParametersHead, body: BodyParameters) -> Truth:
    xy_norm, height = head.places(body)
    ones = torch.ones_like(height)
    return Truth(xy_norm, ones.bool(), ones, height=height, pressure=3.7 * head.force_n(body, SIZE))


class TestAtTheTruth:
    def test_nothing_is_lost_and_nothing_pulls(self):
        head = head_of().double()
        body = lie(head)
        truth = truth_of(head, body)
        parameters = BodyParameters(*(value.clone().requires_grad_() for value in body))
        parts = head.losses(parameters, truth)
        assert set(parts) == set(head.weights) == {"place", "height", "pressure"}
        for name, value in parts.items():
            assert value.item() < 1e-12, name
            gradients = torch.autograd.grad(value, parameters, allow_unused=True, retain_graph=True)
            for which, gradient in zip(BodyParameters._fields, gradients, strict=True):
                assert gradient is None or gradient.abs().max() < 1e-9, (name, which)

    def test_the_skin_is_where_it_is(self):
        """Per-vertex error: of the same parameters none, of a body moved by a centimetre a centimetre."""
        head = head_of().double()
        body = lie(head)
        there = head.body.skin(head.body.frames(body), body.shape).at_m
        aside = body._replace(place_m=body.place_m + torch.tensor([0.006, 0.0, 0.008]))
        moved = head.body.skin(head.body.frames(aside), aside.shape).at_m
        torch.testing.assert_close((moved - there).norm(dim=-1), torch.full_like(there[..., 0], 0.01))

    @pytest.mark.parametrize(("field", "part"), [
        ("place_m", "place"), ("turns", "place"), ("girdle_m", "place"), ("shape", "place"),
        ("place_m", "height"), ("turns", "height"),
        *((field, "pressure") for field in BodyParameters._fields),
    ])  # fmt: skip
    def test_whatever_is_wrong_costs(self, field, part):
        head = head_of().double()
        body = lie(head)
        wrong = getattr(body, field) * 1.1 + (0.01 if field != "stiffness_kpa_m" else 0)
        if field == "turns":
            wrong = getattr(body, field) + 0.05 * torch.randn(2, 16, 6, dtype=torch.float64)
        assert head.losses(body._replace(**{field: wrong}), truth_of(head, body))[part] > 1e-8

    def test_gradients_are_finite_differences(self):
        head = head_of().double()
        body = lie(head, 1)
        truth = truth_of(head, lie(head))
        truth = Truth(**{name: value[1:] for name, value in truth._asdict().items() if value is not None})

        def cost(along: torch.Tensor) -> torch.Tensor:
            at = BodyParameters(*(value + along[index] for index, value in enumerate(body)))
            return torch.stack(list(head.losses(at, truth).values()))

        zero = torch.zeros(5, dtype=torch.float64)
        found = torch.func.jacfwd(cost)(zero)
        step = 1e-6
        for index in range(5):
            up, down = zero.clone(), zero.clone()
            up[index], down[index] = step, -step
            torch.testing.assert_close(found[:, index], (cost(up) - cost(down)) / (2 * step), rtol=2e-3, atol=1e-5)


class TestTruthIsPartial:
    def test_what_is_not_known_costs_nothing(self):
        head = head_of().double()
        body, whole = lie(head), truth_of(head, lie(head))
        plain = Truth(*whole[:3])
        assert set(head.losses(body, plain)) == {"place"}
        weight = whole.weight.clone()
        weight[:, 3] = 0
        xy_norm, height = whole.xy_norm.clone(), whole.height.clone()  # pyright: ignore[reportOptionalMemberAccess]
        xy_norm[:, 3], height[:, 3] = 9, 9
        lost = head.losses(body, whole._replace(xy_norm=xy_norm, height=height, weight=weight))
        assert all(value < 1e-12 for value in lost.values())

    def test_maps_of_nothing_and_gains_do_not_count(self):
        force = torch.rand(2, 1, *SIZE)
        truth = 0.3 * force
        truth[1] = 0
        assert force_loss(force, truth) < 1e-10
        assert force_loss(force.flip(3), truth) > 0.01
        assert force_loss(force, 0 * truth) == 0


def test_the_bodys_pressure_is_the_simulators_map():
    """A simulated body's own parameters through the head: its joints, and the map that an ideal mat reads of it."""
    person = Person(1.70, 68, "somebody")
    bed = Bed(stiffness_kpa_m=40.0, spread_m=0.01, faint=0.0)
    lying = settle(light_body(person), bed, draw_posture("supine", np.random.default_rng(0)))
    kpa, _ = pressure_kpa(lying, contact(lying), PLACE)
    true_m = PLACE.to_mat(joints_m(lying))
    xy_norm = torch.from_numpy(2 * true_m[:, :2] / (SQUARE.width_m, SQUARE.height_m) - 1)[None]
    head = head_of().double()
    head.per_m.fill_(2 / SQUARE.height_m)
    middle = torch.tensor([PLACE.x_m - SQUARE.width_m / 2, SQUARE.height_m / 2 - PLACE.y_m, 0])
    body = parameters_of(lying, shape_of(person))
    body = body._replace(place_m=body.place_m + middle)
    said, height = head.places(body)
    off_m = torch.cat((said - xy_norm, height[..., None]), -1) * torch.tensor(
        [SQUARE.width_m, SQUARE.height_m, SQUARE.height_m]
    ) / 2 - torch.from_numpy(np.array([0, 0, 1]) * true_m)  # fmt: skip
    assert off_m.norm(dim=-1).max() < 1e-3, "MPJPE"
    force = head.force_n(body, SIZE)[0, 0]
    expected = torch.from_numpy(kpa).double() * 1000 * 0.032**2
    assert force.sum() / expected.sum() == pytest.approx(1, abs=0.03)
    assert force_loss(force[None, None], expected[None, None]) < 1e-3
    blurred = smoothed(force[None, None]).flatten(), smoothed(expected[None, None]).flatten()
    assert np.corrcoef(*blurred)[0, 1] > 0.999


class TestHead:
    def test_shapes_stay_human(self):
        head = head_of()
        for raw in (-1e4, 0.0, 1e4):
            body = head_with(head, raw)(Seen(torch.zeros(1, 16, 16, 8), ()))
            assert (body.shape.abs() <= torch.tensor(MOST_SHAPE) + 1e-6).all()
            assert 7 < body.stiffness_kpa_m < 130

    def test_zeros_say_the_template_in_the_middle_of_the_poses(self):
        head = head_with(head_of(), 0.0)
        found = head.answer(head(Seen(torch.zeros(1, 16, 16, 8), ()))).xy_norm[0]
        _, truth = blob_people(50)
        torch.testing.assert_close(found[2:4].mean(0), truth.xy_norm[:, 2:4].mean((0, 1)), atol=1e-3, rtol=0)
        stretch = torch.tensor([0.5, 1.0])
        knees = ((found[1] - found[2]) * stretch).norm() / ((truth.xy_norm[:, 1] - truth.xy_norm[:, 2]) * stretch).norm(
            dim=-1
        ).mean()
        assert 0.7 < knees < 1.4
        assert found[13, 1] < found[12, 1] < found[2, 1] < found[1, 1] < found[0, 1]
        assert found[0, 0] < found[5, 0], "the right ankle is left on the map, seen from above"

    def test_padding_and_size_change_only_units(self):
        _, truth = blob_people(50)
        wide = BodyParametersHead(16, truth.xy_norm * torch.tensor([0.5, 1.0]), (64, 64))
        near = head_of()
        torch.testing.assert_close(wide.per_m, near.per_m)
        torch.testing.assert_close(wide.hips_m, near.hips_m)

    def test_it_learns(self):
        before, after = errors_of_training(head_of(), steps=120)
        assert after < 0.4 * before

    def test_it_learns_heights_and_pressure(self):
        head = head_of()
        with torch.no_grad():
            truth = truth_of(head, BodyParameters(*(value.float() for value in lie(head))))
        assert truth.pressure is not None
        system = system_of(head)
        x = (truth.pressure / truth.pressure.amax((1, 2, 3), keepdim=True)).sqrt()
        adam = torch.optim.Adam(system.parameters(), 2e-3)
        lost = []
        for _ in range(25):
            parts = system.loss(x, truth)
            adam.zero_grad()
            parts["loss"].backward()
            adam.step()
            lost.append({name: float(value.detach()) for name, value in parts.items()})
        for name in ("place", "height", "pressure"):
            assert lost[-1][name] < 0.7 * lost[0][name], name

    @pytest.mark.slow
    def test_it_exports(self, tmp_path):
        pytest.importorskip("onnxscript")
        x, _ = blob_people(5)
        system = system_of(head_of())
        error(system, *blob_people())
        assert exported_difference(system, tmp_path / "it.onnx", x) < 1e-4


def head_with(head: BodyParametersHead, raw: float) -> BodyParametersHead:
    """A head whose regression says the same number for everything."""
    last = head.regression[-1]
    torch.nn.init.zeros_(last.weight)  # pyright: ignore[reportArgumentType]
    torch.nn.init.constant_(last.bias, raw)  # pyright: ignore[reportArgumentType]
    return head
