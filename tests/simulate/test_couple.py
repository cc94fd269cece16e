"""Two people on one mat: loads add up, labels say whose, nobody lies in the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lying import WIDE, lying
from scipy.spatial import KDTree

from matpose.errors import MatposeError
from matpose.mat import Mat, preset
from matpose.simulate import couple
from matpose.simulate.bed import Bed
from matpose.simulate.contact import Place
from matpose.simulate.couple import draw_couple, refuse_for_two, together
from matpose.simulate.room import APART_M, COUPLE_STYLES, Half
from matpose.simulate.scene import draw_sample, seen
from matpose.simulate.sensor import Sensor
from matpose.simulate.settle import GRAVITY

BED = Mat(80, 64, 0.028, 0.028)  # 1.8 m wide
CELL_M2 = 0.028**2


@pytest.fixture(scope="module")
def couples():
    """Three of them, on beds without folds, by an ideal sensor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(couple, "Bed", type("Bare", (), {"drawn": lambda rng: Bed()}))
        return [draw_couple(index, seed=2, mat=BED, sensor=False) for index in range(3)]


def test_the_mat_bears_both(couples):
    for both in couples:
        weight_n = (float(both.facts["mass_kg"]) + float(both.partner.facts["mass_kg"])) * GRAVITY
        assert both.pressure_kpa.sum(dtype=float) * 1000 * CELL_M2 == pytest.approx(weight_n, rel=0.01)
        alone_n = both.partner.pressure_kpa.sum(dtype=float) * 1000 * CELL_M2
        assert alone_n == pytest.approx(float(both.partner.facts["mass_kg"]) * GRAVITY, rel=0.015)


def test_labels_say_whose(couples):
    y_m, x_m = ((np.arange(n) + 0.5) * 0.028 for n in (BED.rows, BED.cols))
    at_m = np.stack(np.meshgrid(x_m, y_m), -1)  # (rows, cols, 2)
    pressed = 0
    for both in couples:
        np.testing.assert_array_equal(both.whose > 0, both.parts > 0)
        for number, person in ((1, both), (2, both.partner)):
            own_m, others_m = at_m[both.whose == number], at_m[both.whose == 3 - number]
            for joint_m in person.joints_m[person.joint_contact]:
                near_m = np.linalg.norm(own_m - joint_m[:2], axis=-1).min()
                assert near_m < 0.12
                assert near_m < np.linalg.norm(others_m - joint_m[:2], axis=-1).min()
                pressed += 1
    assert pressed > 35


def test_each_has_a_half_and_either_may_be_the_left_one(couples):
    sides = set()
    for both in couples:
        one, other = (np.median(person.joints_m[:, 0]) for person in (both, both.partner))
        assert min(one, other) < BED.width_m / 2 < max(one, other)
        sides.add(bool(one < other))
    assert sides == {False, True}


def test_the_first_is_who_would_be_there_alone_and_the_partner_is_another(couples):
    for index, both in enumerate(couples):
        alone = draw_sample(index, seed=2, mat=BED, sensor=False)
        assert both.facts["mass_kg"] == alone.facts["mass_kg"]
        assert both.partner.facts["mass_kg"] != alone.facts["mass_kg"]
        assert both.facts["raised_deg"] == both.partner.facts["raised_deg"] == "0"
        assert both.facts["style"] in COUPLE_STYLES


def test_far_apart_they_are_the_sum_of_two_maps():
    one, other = lying("supine"), lying("left-foetal", 3)
    left, right = seen(one, Place(WIDE, 0.6, 1.5), "supine"), seen(other, Place(WIDE, 1.9, 1.5), "left")
    both = together(left, right)
    np.testing.assert_array_equal(both.pressure_kpa, left.pressure_kpa + right.pressure_kpa)
    assert not (left.parts > 0)[right.parts > 0].any()
    np.testing.assert_array_equal(both.parts, left.parts + right.parts)
    np.testing.assert_array_equal(both.whose == 1, left.parts > 0)
    np.testing.assert_array_equal(both.whose == 2, right.parts > 0)
    assert both.partner is right
    swapped = together(right, left)
    np.testing.assert_array_equal(swapped.parts, both.parts)
    assert swapped.posture == "left"


def test_where_both_press_the_cell_is_the_heavier_ones():
    base = seen(lying("supine"), Place(WIDE, 1.25, 1.5), "supine")
    heavier = replace(base, pressure_kpa=base.pressure_kpa * 2, parts=np.where(base.parts, 5, 0).astype(np.uint8))
    for first, partner, winner in ((base, heavier, 2), (heavier, base, 1)):
        both = together(first, partner)
        loaded = base.parts > 0
        assert (both.whose[loaded] == winner).all()  # pyright: ignore[reportOptionalSubscript]
        assert (both.parts[loaded] == 5).all()


def test_one_sensor_reads_the_sum(monkeypatch, couples):
    given: list[Any] = []

    class Recorder(Sensor):
        def read(self, true_kpa, time_s, rng):
            given.append(true_kpa[0])
            return true_kpa * 3

    ideal = Sensor.ideal(BED)
    monkeypatch.setattr(Sensor, "drawn", lambda mat, rng: Recorder(**vars(ideal)))
    monkeypatch.setattr(couple, "Bed", type("Bare", (), {"drawn": lambda rng: Bed()}))
    read = draw_couple(1, seed=2, mat=BED)
    assert len(given) == 1
    np.testing.assert_array_equal(given[0], couples[1].pressure_kpa)
    np.testing.assert_array_equal(read.pressure_kpa, couples[1].pressure_kpa * 3)


def skins(
    width_m: float, one: str, other: str, right: bool, before_x_m: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the first and then the partner's skin, placed in this order; each (N, 2)."""
    mat, rng = Mat(80, round(width_m / 0.02), 0.025, 0.02), np.random.default_rng(1)
    found = []
    for room, style in zip(Half.pair(mat, right), (one, other), strict=True):
        body = lying(style)
        before = None if before_x_m is None else Place(mat, before_x_m, 1.0)
        place = room.place(body, before, rng)
        room.take(body, place)
        found.append(place.to_mat(body.skin_m())[:, :2])
    return found[0], found[1]


def test_a_part_of_the_partner_outweighs_a_halo_of_the_first():
    base = seen(lying("supine"), Place(WIDE, 1.25, 1.5), "supine")
    halo = replace(base, pressure_kpa=base.pressure_kpa * 2, parts=np.zeros_like(base.parts))
    both = together(halo, base)
    np.testing.assert_array_equal(both.parts, base.parts)
    np.testing.assert_array_equal(both.whose == 2, base.parts > 0)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("before_x_m", [None, 0.2, 1.3, 2.4])
def test_where_there_is_room_their_boxes_keep_apart_on_the_mat(before_x_m, right):
    one, other = skins(2.6, "supine", "left-foetal", right, before_x_m)
    left, right_ = (other, one) if right else (one, other)
    assert right_[:, 0].min() - left[:, 0].max() >= APART_M - 1e-9
    assert left[:, 0].min() >= -1e-9
    assert right_[:, 0].max() <= 2.6 + 1e-9


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("width_m", [1.0, 1.4])
def test_where_there_is_none_they_touch_and_neither_lies_in_the_other(width_m, right):
    one, other = skins(width_m, "starfish", "starfish", right)
    left, right_ = (other, one) if right else (one, other)
    for y_m in np.arange(-0.5, 3, 0.03):
        a, b = (person[np.abs(person[:, 1] - y_m) < 0.03, 0] for person in (left, right_))
        assert not len(a) or not len(b) or a.max() < b.min()
    assert KDTree(left).query(right_)[0].min() < 0.12  # reaches are widened by a strip
    assert right_[:, 0].min() < left[:, 0].max()  # a leg lies beside an arm: boxes would waste the room


def test_who_is_alone_in_bed_does_not_mind_the_one_who_left():
    mat, rng = Mat(80, 50, 0.025, 0.028), np.random.default_rng(1)
    one, other = Half.pair(mat, False)
    body = lying("starfish")
    free = one.place(body, None, np.random.default_rng(5))
    other.take(body, other.place(body, None, rng))
    assert one.place(body, None, np.random.default_rng(5)).x_m < free.x_m - 0.1
    other.leave()
    assert one.place(body, None, np.random.default_rng(5)) == free
    assert one.excess_m(body, free) > 0.2


def test_what_is_refused():
    with pytest.raises(MatposeError, match=r"0.74 m wide holds no two people. Mend: give one of at least 1.4 m"):
        draw_couple(0, seed=0, mat=preset("bt3510").with_changes(cols=27))
    with pytest.raises(MatposeError, match="nobody is simulated 'sitting'"):
        draw_couple(0, seed=0, mat=BED, posture="sitting")
    for style in ("starfish", "left-roll-30", "pmatdata", "flying"):
        with pytest.raises(MatposeError, match="do not lie side by side"):
            refuse_for_two(BED, style)


def test_a_posture_and_a_style_are_both_ones():
    both = draw_couple(0, seed=1, mat=BED, posture="prone", sensor=False)
    assert both.partner is not None
    assert (both.posture, both.partner.posture) == ("prone", "prone")
    both = draw_couple(0, seed=1, mat=BED, style="left-log", sensor=False)  # not those of its posture
    assert both.partner is not None
    assert (both.facts["style"], both.partner.facts["style"]) == ("left-log", "left-log")
