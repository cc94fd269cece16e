"""Locality tells points that stay from points that follow everything."""

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from matpose.canvas import NATIVE
from matpose.evaluation.locality import LIMBS, locality, with_limb_turned
from matpose.mat import preset
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.bed import Bed
from matpose.simulate.body import light_body
from matpose.simulate.contact import Place
from matpose.simulate.person import Person
from matpose.simulate.postures import draw_posture
from matpose.simulate.settle import Lying, settle

PLACE = Place(preset("pmatdata-i"), 0.44, 0.95)


@pytest.fixture(scope="module")
def somebody() -> Lying:
    return settle(light_body(Person(1.7, 70, "a")), Bed(), draw_posture("supine", np.random.default_rng(0)))


def test_a_turned_limb_keeps_its_length_and_its_root_and_nothing_else_moves(somebody):
    turned = with_limb_turned(somebody, "left_leg", 20)
    thigh, shank, foot = (SEGMENTS.index(name) for name in LIMBS["left_leg"])
    assert np.allclose(turned.origin_m[thigh], somebody.origin_m[thigh])
    for a, b in ((thigh, shank), (shank, foot)):
        assert np.linalg.norm(turned.origin_m[a] - turned.origin_m[b]) == pytest.approx(
            np.linalg.norm(somebody.origin_m[a] - somebody.origin_m[b])
        )
    before, after = (one.origin_m[foot, :2] - one.origin_m[thigh, :2] for one in (somebody, turned))
    angle = np.degrees(np.arctan2(before[0] * after[1] - before[1] * after[0], before @ after))
    assert angle == pytest.approx(20)
    others = [index for index, name in enumerate(SEGMENTS) if name not in LIMBS["left_leg"]]
    assert np.array_equal(turned.origin_m[others], somebody.origin_m[others])
    assert np.allclose(turned.origin_m[:, 2], somebody.origin_m[:, 2])


def test_points_that_stay_are_told_from_points_that_follow_the_whole_map(somebody):
    fixed = np.array([[0.5, 0.15], [0.5, 0.6]])

    def still(maps):
        return np.repeat(fixed[None], len(maps), 0)

    def following(maps):
        share = maps / maps.sum((1, 2), keepdims=True)
        x = (share.sum(1) * (np.arange(32) + 0.5)).sum(1) * NATIVE.cell_m
        return still(maps) + 10 * np.stack((x - 0.5, 0 * x), -1)[:, None]

    good, bad = (locality(points, [(somebody, PLACE)], NATIVE) for points in (still, following))
    assert good["others_p95_cm"] == 0
    assert good["others_within_1_cm"] == 1
    assert bad["others_within_1_cm"] < 0.5
