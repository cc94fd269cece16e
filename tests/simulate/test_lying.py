"""Settled bodies weigh what they weigh, lie the right way round, and stay within their joints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lying import MIDDLE, WIDE, lying

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.recording import JOINT_NAMES
from matpose.simulate import anthropometry as table
from matpose.simulate.bed import Bed, Block
from matpose.simulate.body import light_body
from matpose.simulate.contact import Place, contact, pressure_kpa
from matpose.simulate.labels import joint_contact, joints_m, landmarks_m
from matpose.simulate.limbs import mirrored
from matpose.simulate.person import Person
from matpose.simulate.postures import STYLES, draw_posture
from matpose.simulate.ragdoll import engine, ragdoll
from matpose.simulate.settle import GRAVITY, Sinking, settle

JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
SOME = ["supine", "left-side", "right-foetal", "prone", "knees-up", "left-roll-30"]


@pytest.mark.parametrize("style", SOME)
def test_the_bed_bears_the_weight(style):
    assert contact(lying(style)).force_n.sum() == pytest.approx(75 * GRAVITY, rel=0.01)


def test_a_raised_bed_loads_the_seat_and_eases_the_trunk():
    body, posture = light_body(Person(1.75, 75, "somebody")), draw_posture("supine", np.random.default_rng(0))
    flat, raised = (contact(settle(body, Bed(raised_deg=angle), posture)) for angle in (0.0, 45.0))
    trunk, seat = (4, 5), (6, 7, 8)

    def load(found, parts):
        return found.force_n[np.isin(found.part, parts)].sum()

    assert load(raised, trunk) < 0.85 * load(flat, trunk)
    assert load(raised, seat) > 1.1 * load(flat, seat)


@pytest.mark.parametrize(("style", "sign"), [("supine", 1), ("prone", -1)])
def test_left_is_where_it_should_be(style, sign):
    at = MIDDLE.to_mat(joints_m(lying(style)))
    for name in ("hip", "shoulder", "knee"):
        assert sign * (at[JOINT[f"left_{name}"], 0] - at[JOINT[f"right_{name}"], 0]) > 0.05
    assert at[JOINT["head_top"], 1] < at[JOINT["left_hip"], 1] < at[JOINT["left_ankle"], 1]  # head at row 0


@pytest.mark.parametrize(("style", "sign"), [("left-foetal", 1), ("right-foetal", -1)])
def test_who_lies_on_the_left_side_faces_x(style, sign):
    at = MIDDLE.to_mat(joints_m(lying(style)))
    knees, hips = at[[JOINT["left_knee"], JOINT["right_knee"]], 0], at[[JOINT["left_hip"], JOINT["right_hip"]], 0]
    assert (sign * (knees.mean() - hips.mean())) > 0.15
    lower, upper = ("left", "right") if sign > 0 else ("right", "left")
    assert at[JOINT[f"{lower}_hip"], 2] < at[JOINT[f"{upper}_hip"], 2]


@pytest.mark.parametrize("style", SOME)
def test_bones_have_the_tables_lengths(style):
    at = joints_m(lying(style))
    for a, b, share in (
        ("hip", "knee", table.THIGH),
        ("knee", "ankle", table.SHANK),
        ("elbow", "wrist", table.FOREARM),
    ):
        for side in ("left", "right"):
            apart = np.linalg.norm(at[JOINT[f"{side}_{a}"]] - at[JOINT[f"{side}_{b}"]])
            assert apart == pytest.approx(share * 1.75, rel=1e-4)
    assert np.linalg.norm(at[JOINT["left_hip"]] - at[JOINT["right_hip"]]) == pytest.approx(table.HIP_SPAN * 1.75)


@pytest.mark.parametrize("style", SOME)
def test_hinges_stay_within_their_limits(style):
    body = light_body(Person(1.75, 75, "somebody"))
    sinking = Sinking(body, Bed(), draw_posture(style, np.random.default_rng(0)))
    sinking.run(1.0)
    model = ragdoll(body)
    for joint in range(model.njnt):
        if model.jnt_type[joint] == engine.mjtJoint.mjJNT_HINGE:
            low, high = model.jnt_range[joint]
            assert low - 0.06 <= sinking.data.qpos[model.jnt_qposadr[joint]] <= high + 0.06


@pytest.mark.parametrize("style", SOME)
def test_joints_lie_inside_the_body(style):
    here = lying(style)
    skin = here.skin_m()
    for at in joints_m(here)[
        [JOINT[f"{side}_{name}"] for side in ("left", "right") for name in ("hip", "knee", "elbow")]
    ]:
        away = skin - at
        near = away[np.linalg.norm(away, axis=1) < 0.14]
        for axis in range(3):  # skin on every side of it
            assert near[:, axis].min() < 0 < near[:, axis].max()


def test_a_mirrored_posture_leaves_a_mirrored_map():
    body, bed = light_body(Person(1.75, 75, "somebody")), Bed()
    posture = draw_posture("left-side", np.random.default_rng(1))
    maps = []
    for held in (posture, mirrored(posture)):
        here = settle(body, bed, held)
        maps.append(pressure_kpa(here, contact(here), Place(WIDE, WIDE.width_m / 2, 1.5))[0])
    assert np.corrcoef(maps[0].ravel(), maps[1][:, ::-1].ravel())[0, 1] > 0.97
    assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] < 0.9


def test_any_grid_feels_the_same_force_at_the_same_place():
    here = lying("supine")
    found = contact(here)
    centres = []
    for mat in (WIDE, Mat(60, 50, 0.05, 0.05), Mat(100, 125, 0.03, 0.02)):
        kpa, parts = pressure_kpa(here, found, Place(mat, 1.25, 1.5))
        assert kpa.shape == parts.shape == (mat.rows, mat.cols)
        force = kpa * 1000 * mat.pitch_m[0] * mat.pitch_m[1]
        assert force.sum() == pytest.approx(found.force_n.sum(), rel=0.01)
        y, x = (np.arange(n) + 0.5 for n in kpa.shape)
        centres.append(((force.sum(0) * x).sum() * mat.pitch_m[1], (force.sum(1) * y).sum() * mat.pitch_m[0]))
    assert np.ptp(np.array(centres) / found.force_n.sum(), axis=0) == pytest.approx([0, 0], abs=0.004)


def test_parts_lie_on_their_sides():
    here = lying("supine")
    kpa, parts = pressure_kpa(here, contact(here), MIDDLE)
    columns = np.broadcast_to(np.arange(WIDE.cols), kpa.shape)
    for left, right in ((13, 14), (17, 18), (19, 20)):
        assert columns[parts == left].mean() > columns[parts == right].mean()
    assert not parts[kpa < 0.01].any()
    assert np.isin([1, 4, 6, 13, 14, 17, 18, 19, 20], parts).all()


def test_raised_knees_are_off_the_mat_and_heels_are_on():
    here = lying("knees-up")
    on = joint_contact(here, contact(here))
    assert not on[[JOINT["left_knee"], JOINT["right_knee"]]].any()
    assert on[[JOINT["left_ankle"], JOINT["right_ankle"]]].all()
    assert joint_contact(lying("supine"), contact(lying("supine")))[[JOINT["left_hip"], JOINT["left_ankle"]]].all()


def test_landmarks_lie_next_to_the_skin():
    here = lying("supine")
    away = np.linalg.norm(here.skin_m()[None] - landmarks_m(here)[:, None], axis=-1).min(1)
    assert away.max() < 0.035


def test_a_pillow_lifts_the_head_and_spreads_its_load():
    body, posture = light_body(Person(1.75, 75, "somebody")), draw_posture("supine", np.random.default_rng(0))
    bare = settle(body, Bed(), posture)
    soft = settle(body, replace(Bed(), blocks=(Block((0.0, 0.75), (0.7, 0.4), 0.10),)), posture)
    assert soft.origin_m[3, 2] > bare.origin_m[3, 2] + 0.012


def test_styles_and_bodies_that_there_are_not():
    with pytest.raises(MatposeError, match="no style"):
        draw_posture("on-the-head", np.random.default_rng(0))
    with pytest.raises(MatposeError, match="no sex"):
        Person(1.7, 70, "a", sex="robot")


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_every_style_settles_with_its_weight_on_the_bed(style):
    for seed in range(3):
        here = lying(style, seed)
        assert contact(here).force_n.sum() == pytest.approx(75 * GRAVITY, rel=0.01)
        assert np.abs(here.origin_m[0, :2]).max() < 0.5


def test_a_firm_wedge_shows_as_its_base_and_loses_no_force():
    body, posture = light_body(Person(1.75, 75, "somebody")), draw_posture("left-roll-30", np.random.default_rng(0))
    wedge = Block((-0.15, 0.2), (0.5, 0.8), 0.06, rises=-1, even=1.0)
    here = settle(body, replace(Bed(), blocks=(wedge,)), posture)
    found = contact(here)
    kpa, _ = pressure_kpa(here, found, MIDDLE)
    cell_n = kpa * 1000 * 0.025**2
    assert cell_n.sum() == pytest.approx(found.force_n.sum(), rel=0.01)
    corner = kpa[int((1.5 - 0.55) / 0.025), int((1.25 - 0.38) / 0.025)]  # far from the body, over the wedge's base
    beyond = kpa[int((1.5 - 0.55) / 0.025), int((1.25 - 0.46) / 0.025)]
    assert corner > 0.05 > 5 * beyond


def test_folds_move_pressure_about_and_are_the_same_each_time():
    here = lying("supine")
    plain, _ = pressure_kpa(here, contact(here), MIDDLE)
    folded = [
        pressure_kpa(replace(here, bed=replace(here.bed, wrinkles=0.3, wrinkle_seed=seed)), contact(here), MIDDLE)[0]
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(folded[0], folded[1])
    assert not np.array_equal(folded[0], folded[2])
    assert folded[0].sum() == pytest.approx(plain.sum(), rel=0.05)
    loaded = plain > 0.5
    assert 0.2 < (folded[0][loaded] / plain[loaded]).std() < 0.45
