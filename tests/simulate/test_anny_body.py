"""Realistic bodies are as tall and as heavy as said, the right way round, whole, and rest with their weight."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from lying import MIDDLE, WIDE

from matpose.errors import MatposeError
from matpose.mat import preset
from matpose.recording import JOINT_NAMES
from matpose.simulate.anny_body import anny_body
from matpose.simulate.anny_mesh import DENSITY_KG_M3, Mesh, anny_mesh
from matpose.simulate.anny_rig import load_rig
from matpose.simulate.anny_skin import anny_patches
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body
from matpose.simulate.contact import contact, pressure_kpa
from matpose.simulate.labels import joints_m, landmarks_m
from matpose.simulate.limbs import mirrored
from matpose.simulate.person import Person
from matpose.simulate.postures import draw_posture
from matpose.simulate.ragdoll import PARENT
from matpose.simulate.scene import draw_body, draw_sample
from matpose.simulate.settle import GRAVITY, settle

JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
PEOPLE = [
    Person(1.76, 75, "him"), Person(1.63, 60, "her", "female"), Person(1.92, 125, "large"),
    Person(1.50, 41, "small", "female"), Person(1.66, 112, "heavy", "female"),
]  # fmt: skip
realistic = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("anny") is None, reason="anny is not installed: pip install 'matpose[bodies]'"),
]


def body_of(person: Person = PEOPLE[0], seed: int = 0) -> Body:
    return anny_body(person, np.random.default_rng(seed))


def mesh_of(person: Person = PEOPLE[0]) -> Mesh:
    return anny_mesh(person, np.random.default_rng(0))


def whole(body: Body) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A body at rest: its skin (N, 3), and segment to joint, from the hips."""
    joint: dict[str, np.ndarray] = {}
    for name in SEGMENTS:  # a parent comes before its children
        joint[name] = body.joint_m[name] + joint.get(PARENT.get(name, ""), np.zeros(3))
    return body.skin_m + np.stack([joint[name] for name in SEGMENTS])[body.segment], joint


def winding(mesh: Mesh, at: np.ndarray) -> float:
    """How often the surface goes round a point: 1 inside, 0 outside (van Oosterom and Strackee 1983)."""
    a, b, c = (mesh.vertex_m[mesh.rig.faces[:, corner]] - at for corner in range(3))
    la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
    over = np.einsum("fi,fi->f", a, np.cross(b, c))
    under = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
    return float(2 * np.arctan2(over, under).sum() / (4 * np.pi))


def other_side(name: str) -> str:
    swap = {"left": "right", "right": "left"}
    side, dash, bare = name.partition("_")
    return swap[side] + dash + bare if side in swap else name


class TestRealistic:
    pytestmark = realistic

    @pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
    def test_stature_and_mass_by_annys_own_measure(self, person):
        import torch
        from anny import Anthropometry

        mesh = mesh_of(person)
        standing = torch.from_numpy(mesh.vertex_m[None, :, [0, 2, 1]] * [1, -1, 1])
        measure = Anthropometry(mesh.rig.model)
        assert float(measure.height(standing)) == pytest.approx(person.stature_m, abs=1e-6)
        assert float(measure.mass(standing)) == pytest.approx(person.mass_kg, rel=1e-6)

    @pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
    def test_patches_are_a_closed_surface_of_the_same_size(self, person):
        body = body_of(person)
        at, _ = whole(body)
        area = body.normal * body.area_m2[:, None]
        assert np.abs(area.sum(0)).max() < 1e-9
        inside_m3 = (at * area).sum() / 3
        assert inside_m3 * DENSITY_KG_M3 == pytest.approx(person.mass_kg, rel=0.015)
        assert np.ptp(at[:, 1]) == pytest.approx(person.stature_m, abs=0.01)
        # Du Bois and Du Bois 1916
        assert body.area_m2.sum() == pytest.approx(
            0.007184 * (100 * person.stature_m) ** 0.725 * person.mass_kg**0.425, rel=0.1
        )
        assert sum(body.mass_kg.values()) == pytest.approx(person.mass_kg)
        assert np.quantile(body.area_m2, 0.99) < 0.0014

    def test_weight_is_solved_and_little_is_left_to_girth(self):
        """Bones do not widen with mass: shoulders go with stature alone."""
        for index in (19, 23, 27, 32):
            shoulders = mesh_of(Person(1.7, index * 1.7**2, "a")).joints["left_upper_arm"][0]
            assert shoulders == pytest.approx(0.109 * 1.7, rel=0.05)

    @pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
    def test_joints_lie_inside_the_surface(self, person):
        mesh = mesh_of(person)
        assert winding(mesh, np.array([0.0, 3, 0])) == pytest.approx(0, abs=1e-6)
        for name, at in mesh.joints.items():
            rounds = winding(mesh, at)  # twice where the arms of the broad hang through their flanks
            assert round(rounds) in ((1, 2) if name.endswith(("forearm", "hand")) else (1,)), name
            assert rounds == pytest.approx(round(rounds), abs=1e-3)

    def test_limbs_are_straight_and_bones_keep_their_lengths(self):
        mesh = mesh_of()
        joint = mesh.joints
        for side, sign in (("left", 1), ("right", -1)):
            for upper, lower in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shank"), ("shank", "foot")):
                bone = joint[f"{side}_{lower}"] - joint[f"{side}_{upper}"]
                assert bone[1] < -0.2
                assert bone[[0, 2]] == pytest.approx([0, 0], abs=1e-9)
            assert joint[f"{side}_thigh"] == pytest.approx([sign * 0.05 * 1.76, 0, 0], abs=0.003)
        rig = load_rig()
        vertex_m, head_m = rig.standing({"gender": 0.05, "age": 0.8, "height": 0.37})
        arm = [rig.joint(head_m, f"left_{name}") for name in ("upper_arm", "forearm", "hand")]
        rest = np.linalg.norm(np.diff(arm, axis=0), axis=1) / np.ptp(vertex_m[:, 1])
        bent = [joint[f"left_{name}"] for name in ("upper_arm", "forearm", "hand")]
        np.testing.assert_allclose(np.linalg.norm(np.diff(bent, axis=0), axis=1) / 1.76, rest, rtol=0.03)

    def test_the_front_is_the_front_and_the_left_is_left(self):
        body = body_of()
        at, joint = whole(body)
        for name in SEGMENTS:
            middle = at[body.segment == SEGMENTS.index(name)].mean(0)
            if "_" in name:
                assert (middle[0] > 0.03) == name.startswith("left") != (middle[0] < -0.03)
                mirror = joint[other_side(name)] * [-1, 1, 1]
                assert joint[name] == pytest.approx(mirror, abs=1e-3)
        toes = at[body.segment == SEGMENTS.index("left_foot")][:, 2]
        assert toes.max() > 0.12
        assert toes.min() > -0.09
        nose = at[body.segment == SEGMENTS.index("head")][:, 2].max()
        assert nose > joint["head"][2] + 0.1
        for left, right in ((7, 8), (9, 10), (11, 12), (13, 14), (15, 16), (17, 18), (19, 20)):
            assert at[body.part == left][:, 0].mean() > 0.05
            areas = [body.area_m2[body.part == code].sum() for code in (left, right)]
            assert areas[0] == pytest.approx(areas[1], rel=0.08)
        for name, knee in (("left_shank", 15), ("right_shank", 16)):
            up = at[body.part == knee][:, 1] - joint[name][1]
            assert -0.08 < up.min() < -0.03 < 0.03 < up.max() < 0.08
        assert at[body.part == 21][:, 2].mean() > 0.08 > -0.04 > at[body.part == 4][:, 2].mean()

    def test_landmarks_are_mirrored_and_bone_is_firm(self):
        body = body_of()
        at, joint = whole(body)
        places = {name: joint[segment] + offset for name, (segment, offset) in body.landmark_m.items()}
        assert len(places) == 13
        for name, place in places.items():
            assert place == pytest.approx(places[other_side(name)] * [-1, 1, 1], abs=0.004)
            nearest = np.linalg.norm(at - place, axis=1).argmin()
            assert np.linalg.norm(at[nearest] - place) < 0.02
            assert name == "head_top" or (body.firmness[nearest] > 1) == (name != "sacrum"), name
        assert places["head_top"][1] == pytest.approx(at[:, 1].max(), abs=0.01)
        assert body.firmness[body.segment == SEGMENTS.index("left_hand")].max() == 1  # though it hangs by the hip

    def test_the_same_seed_gives_the_same_body(self):
        first, again, other = body_of(seed=4), body_of(seed=4), body_of(seed=5)
        np.testing.assert_array_equal(first.skin_m, again.skin_m)
        assert np.abs(first.skin_m - other.skin_m).max() > 0.003
        np.testing.assert_array_equal(first.part, other.part)  # a patch is the same place on everybody
        assert anny_patches() is anny_patches()

    @pytest.mark.parametrize("person", PEOPLE[:2], ids=lambda person: person.name)
    @pytest.mark.parametrize("style", ["supine", "left-side", "right-foetal", "prone", "knees-up"])
    def test_the_bed_bears_the_weight(self, style, person):
        here = settle(body_of(person), Bed(), draw_posture(style, np.random.default_rng(0)))
        found = contact(here)
        assert found.force_n.sum() == pytest.approx(person.mass_kg * GRAVITY, rel=0.01)
        at = MIDDLE.to_mat(joints_m(here))
        if style in ("supine", "prone"):
            sign = 1 if style == "supine" else -1
            assert sign * (at[JOINT["left_hip"], 0] - at[JOINT["right_hip"], 0]) > 0.05
        away = np.linalg.norm(here.skin_m()[None] - landmarks_m(here)[:, None], axis=-1).min(1)
        assert away.max() < 0.02
        _, parts = pressure_kpa(here, found, MIDDLE)
        if style == "supine":
            columns = np.broadcast_to(np.arange(WIDE.cols), parts.shape)
            for left, right in ((13, 14), (17, 18), (19, 20)):
                assert columns[parts == left].mean() > columns[parts == right].mean()

    def test_a_mirrored_posture_leaves_a_mirrored_map(self):
        body, posture = body_of(), draw_posture("left-side", np.random.default_rng(1))
        maps = []
        for held in (posture, mirrored(posture)):
            here = settle(body, Bed(), held)
            maps.append(pressure_kpa(here, contact(here), MIDDLE)[0])
        assert np.corrcoef(maps[0].ravel(), maps[1][:, ::-1].ravel())[0, 1] > 0.95
        assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] < 0.9

    def test_the_same_people_as_light_ones(self):
        light, real = (draw_sample(3, seed=1, mat=preset("pmatdata-i"), bodies=bodies) for bodies in ("light", "anny"))
        for name in ("stature_m", "mass_kg", "sex", "style"):
            assert light.facts[name] == real.facts[name]
        assert not np.array_equal(light.pressure_kpa, real.pressure_kpa)
        assert np.isfinite(real.joints_m).all()


def test_without_anny_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anny", None)
    load_rig.cache_clear()
    with pytest.raises(MatposeError, match=r"matpose\[bodies\]"):
        draw_body(np.random.default_rng(0), "a", "anny")


def test_bodies_that_there_are_not():
    with pytest.raises(MatposeError, match="light or anny"):
        draw_body(np.random.default_rng(0), "a", "robot")
