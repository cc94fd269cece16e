"""The differentiable body: against the simulator's bodies, closed forms and finite differences."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from lying_parameters import parameters_of, shape_of

from matpose.recording import JOINT_NAMES
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body, light_body
from matpose.simulate.body_shape import MASS_KG, STATURE_M
from matpose.simulate.contact import contact
from matpose.simulate.labels import joints_m
from matpose.simulate.person import Person
from matpose.simulate.postures import draw_posture
from matpose.simulate.ragdoll import PARENT
from matpose.simulate.settle import Lying, settle
from matpose.zoo.body_model import PARENTS, SHAPE, BodyModel, BodyParameters, Skin, resting
from matpose.zoo.continuous_rotation import six_of, turn_of
from matpose.zoo.splat import splat

JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
PERSON, GIRTHS = Person(1.62, 88, "somebody", "female"), {"hip_width": 1.12, "belly": 1.2, "limbs": 0.9}
BARE = Bed(stiffness_kpa_m=60.0)


@pytest.fixture(scope="module", params=["supine", "left-foetal"])
def lying(request) -> Lying:
    return settle(light_body(PERSON, **GIRTHS), BARE, draw_posture(request.param, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def exact() -> BodyModel:
    """So abrupt a contact that it is the simulator's."""
    return BodyModel(soft_m=1e-6).double()


def drawn(count: int = 2, seed: int = 0) -> BodyParameters:
    """Bodies of all sorts, some turned about, half in the bed."""
    rng = np.random.default_rng(seed)
    turns = Rotation.random(16 * count, rng).as_matrix().reshape(count, 16, 3, 3)
    return BodyParameters(
        shape=torch.from_numpy(rng.normal(0, 0.1, (count, len(SHAPE)))),
        place_m=torch.from_numpy(rng.normal(0, 0.05, (count, 3))),
        turns=six_of(torch.from_numpy(turns)),
        girdle_m=torch.from_numpy(rng.uniform(0, 0.05, (count, 2, 2))),
        stiffness_kpa_m=torch.from_numpy(rng.uniform(20, 90, count)),
    )


def sparse(every: int) -> Body:
    """The template with a part of its skin."""
    body = light_body(Person(STATURE_M, MASS_KG, "sparse"))
    columns = ("skin_m", "normal", "area_m2", "segment", "part", "firmness", "narrow")
    return replace(body, **{name: getattr(body, name)[::every] for name in columns})


def as_double(parameters: BodyParameters) -> BodyParameters:
    return BodyParameters(*(value.double() for value in parameters))


class TestRotations:
    def test_a_matrix_comes_back_and_lengths_do_not_matter(self):
        turns = torch.from_numpy(Rotation.random(50, np.random.default_rng(0)).as_matrix())
        torch.testing.assert_close(turn_of(six_of(turns)), turns)
        stretched = six_of(turns) * torch.tensor([3.0, 3.0, 3.0, 0.2, 0.2, 0.2], dtype=torch.float64)
        torch.testing.assert_close(turn_of(stretched), turns)

    def test_any_six_numbers_are_a_proper_rotation(self):
        turns = turn_of(torch.randn(50, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
        torch.testing.assert_close(turns @ turns.mT, torch.eye(3, dtype=torch.float64).expand(50, 3, 3))
        torch.testing.assert_close(torch.linalg.det(turns), torch.ones(50, dtype=torch.float64))

    def test_half_a_turn_more_is_no_jump(self):
        angles = np.linspace(-2 * np.pi, 2 * np.pi, 2001)
        six = six_of(torch.from_numpy(Rotation.from_euler("y", angles[:, None]).as_matrix()))
        assert (six[1:] - six[:-1]).norm(dim=-1).max() < 0.01


class TestBody:
    def test_the_tree_is_the_engines(self):
        assert {SEGMENTS[i]: SEGMENTS[p] for i, p in enumerate(PARENTS) if p >= 0} == PARENT
        assert all(parent < index for index, parent in enumerate(PARENTS))

    def test_at_rest_it_is_the_simulators_body(self):
        body = light_body(PERSON, **GIRTHS)
        self._is_at_rest(BodyModel(), body, shape_of(PERSON, **GIRTHS))

    @pytest.mark.skipif(find_spec("anny") is None, reason="anny is not installed: pip install 'matpose[bodies]'")
    @pytest.mark.slow
    def test_a_realistic_body_is_a_template_too(self):
        from matpose.simulate.anny_body import anny_body

        body = anny_body(PERSON, np.random.default_rng(0))
        self._is_at_rest(BodyModel(body), body, torch.zeros(1, len(SHAPE)).double())

    @staticmethod
    def _is_at_rest(model: BodyModel, body: Body, shape: torch.Tensor) -> None:
        model = model.double()
        parameters = as_double(resting(1))._replace(shape=shape)
        frames = model.frames(parameters)
        origin_m = {"pelvis": body.joint_m["pelvis"]}
        for name, parent in PARENT.items():
            origin_m[name] = origin_m[parent] + body.joint_m[name]
        origins_m = np.stack([origin_m[name] for name in SEGMENTS])
        origins_m -= origins_m[0]
        still = Lying(body, BARE, origins_m, np.tile(np.eye(3), (16, 1, 1)))
        np.testing.assert_allclose(frames.origin_m[0], origins_m, atol=1e-6)
        np.testing.assert_allclose(model.joints_m(frames, shape)[0], joints_m(still), atol=1e-6)
        skin = model.skin(frames, shape)
        np.testing.assert_allclose(skin.at_m[0], still.skin_m(), atol=1e-6)
        np.testing.assert_allclose(skin.normal[0], body.normal, atol=1e-6)
        np.testing.assert_allclose(skin.area_m2[0], body.area_m2, rtol=1e-5)

    def test_a_simulated_body_comes_back_from_its_turns(self, lying, exact):
        """Joints within a millimetre, and the force on every patch of skin."""
        parameters = parameters_of(lying, shape_of(PERSON, **GIRTHS))
        frames = exact.frames(parameters)
        said_m = exact.joints_m(frames, parameters.shape)[0].numpy()
        assert np.linalg.norm(said_m - joints_m(lying), axis=1).max() < 1e-4
        skin = exact.skin(frames, parameters.shape)
        off_m = np.linalg.norm(skin.at_m[0].numpy() - lying.skin_m(), axis=1)
        assert off_m.max() < 1e-4
        found = contact(lying)
        facing = np.einsum("nj,nj->n", lying.turn[lying.body.segment, 2], lying.body.normal)
        expected = np.zeros(len(facing))
        expected[(lying.skin_m()[:, 2] < 0) & (facing < 0)] = found.force_n
        force = exact.force_n(skin, parameters.stiffness_kpa_m)[0].numpy()
        np.testing.assert_allclose(force, expected, atol=2e-3 * expected.max())
        assert force.sum() == pytest.approx(found.force_n.sum(), rel=2e-3)

    def test_the_force_is_pressure_over_covered_area(self, exact):
        down = torch.tensor([[[0.0, 0, -1]], [[0, 0.6, -0.8]], [[0, 0, 1]]], dtype=torch.float64)
        skin = Skin(torch.full((3, 1, 3), -0.02).double(), down, torch.full((3, 1), 1e-4).double())
        one = BodyModel(sparse(9999), soft_m=1e-6).double()
        assert one.segment.shape == (1,)
        one.firmness.fill_(2.0)
        one.narrow.fill_(1.5)
        series = 1 / (1 / (1.5 * 80) + 1 / (2 * 300))
        kpa = series * 0.02 * (1 + 5 * (0.02 / 0.13) ** 2)
        expected = 1000 * kpa * 1e-4 * torch.tensor([[1.0], [0.8], [0.0]], dtype=torch.float64)
        stiffness = torch.full((3,), 80.0).double()
        torch.testing.assert_close(one.force_n(skin, stiffness), expected, rtol=1e-6, atol=1e-12)
        up = torch.tensor([[kpa], [kpa], [0.0]], dtype=torch.float64)
        torch.testing.assert_close(one.pressure_kpa(skin, stiffness), up, rtol=1e-6, atol=1e-12)

    def test_a_template_knows_its_own_landmarks(self):
        there = np.array([0.01, 0.2, 0.05])
        model = BodyModel(replace(sparse(100), landmark_m={"head_top": ("head", there)}))
        still = resting(1)
        joints = model.joints_m(model.frames(still), still.shape)[0]
        np.testing.assert_allclose(joints[JOINT["head_top"]] - joints[JOINT["thorax"]], there, atol=1e-6)

    def test_turning_the_root_turns_everything_about_the_hips(self, exact):
        parameters = drawn()
        about = torch.from_numpy(Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix())
        root = six_of(about @ turn_of(parameters.turns[:, 0]))
        turned = parameters._replace(turns=torch.cat((root[:, None], parameters.turns[:, 1:]), 1))
        for points in (lambda p: exact.joints_m(exact.frames(p), p.shape),
                       lambda p: exact.skin(exact.frames(p), p.shape).at_m):  # fmt: skip
            hips = parameters.place_m[:, None]
            torch.testing.assert_close(points(turned) - hips, (points(parameters) - hips) @ about.mT)

    def test_a_bent_knee_moves_the_ankle_alone(self, exact):
        parameters = as_double(resting(1))
        straight = exact.joints_m(exact.frames(parameters), parameters.shape)[0]
        turns = parameters.turns.clone()
        quarter = torch.from_numpy(Rotation.from_euler("x", 90, degrees=True).as_matrix())
        turns[:, SEGMENTS.index("left_shank")] = six_of(quarter)
        bent = exact.joints_m(exact.frames(parameters._replace(turns=turns)), parameters.shape)[0]
        moved = (bent - straight).norm(dim=-1) > 1e-9
        assert moved.nonzero().flatten().tolist() == [JOINT["left_ankle"]]
        shank = straight[JOINT["left_ankle"]] - straight[JOINT["left_knee"]]
        torch.testing.assert_close(bent[JOINT["left_ankle"]] - bent[JOINT["left_knee"]], quarter @ shank)

    def test_gradients_are_finite_differences(self):
        """Of a force and a place on the map, to all parameters, through turns, skin, foundation and splatting."""
        model = BodyModel(sparse(150), soft_m=0.02).double()
        weight = torch.rand(2, 1, 16, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

        def felt(*values: torch.Tensor) -> torch.Tensor:
            parameters = BodyParameters(*values)
            skin = model.skin(model.frames(parameters), parameters.shape)
            maps = splat(skin.at_m[..., :2] * 0.8, model.force_n(skin, parameters.stiffness_kpa_m), (16, 8))
            joints = model.joints_m(model.frames(parameters), parameters.shape)
            return torch.stack(((maps * weight).sum(), joints.square().sum()))

        parameters = tuple(value.requires_grad_() for value in drawn(seed=3))
        gradients = torch.autograd.grad(felt(*parameters)[0], parameters)
        assert all((gradient != 0).any() for gradient in gradients)
        assert torch.autograd.gradcheck(felt, parameters, eps=1e-7, atol=1e-3, rtol=1e-3)

    def test_skin_just_above_the_bed_has_a_gradient(self):
        model = BodyModel(sparse(10)).double()
        above = as_double(resting(1))
        lowest = model.skin(model.frames(above), above.shape).at_m[..., 2].min()
        place_m = torch.tensor([[0, 0, 0.005]]).double() - lowest * torch.tensor([[0, 0, 1.0]]).double()
        place_m.requires_grad_()
        skin = model.skin(model.frames(above._replace(place_m=place_m)), above.shape)
        (gradient,) = torch.autograd.grad(model.force_n(skin, above.stiffness_kpa_m).sum(), place_m)
        assert gradient[0, 2] < -1


class TestSplat:
    def test_forces_on_the_map_are_kept_and_their_centre_too(self):
        draw = torch.Generator().manual_seed(0)
        xy_norm = 1.6 * torch.rand(3, 100, 2, generator=draw, dtype=torch.float64) - 0.8
        force = torch.rand(3, 100, generator=draw, dtype=torch.float64)
        maps = splat(xy_norm, force, (20, 12))
        torch.testing.assert_close(maps.sum((1, 2, 3)), force.sum(1))
        x = (torch.arange(12) + 0.5) / 6 - 1
        y = (torch.arange(20) + 0.5) / 10 - 1
        centre = torch.stack(((maps[:, 0] * x).sum((1, 2)), (maps[:, 0] * y[:, None]).sum((1, 2))), -1)
        torch.testing.assert_close(centre, (xy_norm * force[..., None]).sum(1))

    def test_a_force_is_a_square_of_one_cell(self):
        """By area: the overlaps of the square with the cells, from the definition."""
        draw = np.random.default_rng(0)
        for x, y in draw.uniform(-1.3, 1.3, (50, 2)):
            found = splat(torch.tensor([[[x, y]]]), torch.ones(1, 1).double(), (6, 4))[0, 0].numpy()
            middle = (np.array([x, y]) + 1) / 2 * (4, 6)
            across, down = (
                np.clip(np.minimum(np.arange(n) + 1, at + 0.5) - np.maximum(np.arange(n), at - 0.5), 0, None)
                for n, at in zip((4, 6), middle, strict=True)
            )
            np.testing.assert_allclose(found, np.outer(down, across), atol=1e-12)

    def test_what_is_no_number_is_told_by_the_sum(self):
        lost = splat(torch.tensor([[[float("nan"), 0.0]]]), torch.ones(1, 1), (4, 4))
        assert lost.sum().isnan()
