"""Agreement and consensus on cases worked by hand."""

from __future__ import annotations

import json

import pytest

from matpose.errors import MatposeError
from matpose.labelling.agreement import LEFT_RIGHT, agreement, consensus
from matpose.labelling.marks import Mark


def _pass(who: str, **places) -> list[Mark]:
    """Marks of frame 0 by name: (x cm, y cm, visibility)."""
    named = {name.replace("__", ":"): at for name, at in places.items()}
    return [Mark("n", 0, who, name, (x / 100, y / 100), seen) for name, (x, y, seen) in named.items()]


ANNA = _pass("anna", left_hip=(50, 90, 2), right_hip=(30, 90, 2), thorax=(40, 30, 2), contact__sacrum=(40, 80, 2))
BEN = _pass("ben", left_hip=(53, 94, 2), right_hip=(30, 80, 1), thorax=(41, 30, 2), contact__sacrum=(40, 82, 0))


def test_distances_by_point_group_and_visibility():
    points = agreement(ANNA, BEN)["points"]
    assert points["left_hip"]["both_seen"] == {"count": 1, "median_cm": 5.0, "p90_cm": 5.0}
    assert points["left_hip"]["else"] == {"count": 0, "median_cm": None, "p90_cm": None}
    assert points["right_hip"]["else"]["median_cm"] == 10.0
    # joints lie 5, 10 and 1 cm apart, the landmark 2
    assert points["joints"]["all"] == {"count": 3, "median_cm": 5.0, "p90_cm": 9.0}
    assert points["joints"]["both_seen"] == {"count": 2, "median_cm": 3.0, "p90_cm": 4.6}
    assert points["contacts"]["else"] == {"count": 1, "median_cm": 2.0, "p90_cm": 2.0}
    assert points["all"]["all"]["median_cm"] == 3.5
    assert set(points) == {"all", "joints", "contacts", "left_hip", "right_hip", "thorax", "contact:sacrum"}


def test_both_inferred_is_not_both_seen():
    one, other = (_pass(who, thorax=(40, 30, 1)) for who in ("anna", "ben"))
    found = agreement(one, other)["points"]["thorax"]
    assert (found["both_seen"]["count"], found["else"]["count"]) == (0, 1)


def test_it_is_json_and_the_same_from_either_side():
    one, other = agreement(ANNA, BEN), agreement(BEN, ANNA)
    assert json.loads(json.dumps(one, allow_nan=False)) == one
    assert one["annotators"] == ["anna", "ben"]
    assert one["points"] == other["points"]
    assert one["sides"] == other["sides"]


def test_points_left_out_are_counted_on_maps_that_both_marked():
    elsewhere = Mark("n", 1, "ben", "thorax", (0, 0), 2)
    found = agreement(ANNA, [mark for mark in BEN if mark.name != "thorax"] + [elsewhere])
    assert (found["maps"], found["only_first"], found["only_second"]) == (1, 1, 0)


def test_exchanged_sides_are_found():
    swapped = _pass("ben", left_hip=(30, 90, 2), right_hip=(50, 90, 2), left_knee=(50, 130, 2), right_knee=(30, 130, 2))
    anna = [*ANNA, *_pass("anna", left_knee=(52, 130, 2), right_knee=(31, 130, 2), left_ankle=(50, 160, 2))]
    sides = agreement(anna, swapped)["sides"]
    assert sides["by_name"] == {"hip": {"pairs": 1, "exchanged": 1}, "knee": {"pairs": 1, "exchanged": 0}}
    assert (sides["pairs"], sides["exchanged"]) == (2, 1)
    assert agreement(ANNA, BEN)["sides"]["exchanged"] == 0


def test_both_at_one_place_is_no_exchange():
    together = _pass("ben", left_hip=(40, 90, 2), right_hip=(40, 90, 2))
    assert agreement(ANNA, together)["sides"] == {
        "pairs": 1, "exchanged": 0, "by_name": {"hip": {"pairs": 1, "exchanged": 0}},
    }  # fmt: skip


def test_every_sided_point_has_its_other_side():
    assert len(LEFT_RIGHT) == 6 + 5
    assert ("contact:left_heel", "contact:right_heel") in LEFT_RIGHT


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(MatposeError, match="anna and ben"):
        agreement([*ANNA, *BEN], BEN)
    with pytest.raises(MatposeError, match="nobody"):
        agreement(ANNA, [])
    with pytest.raises(MatposeError, match="in common"):
        agreement(ANNA, [Mark("other", 0, "ben", "thorax", (0, 0), 2)])


def test_the_consensus_is_the_mean_with_the_lower_visibility():
    found = {mark.name: mark for mark in consensus([*ANNA, *BEN])}
    assert found["left_hip"].xy_m == pytest.approx((0.515, 0.92))
    assert found["right_hip"].xy_m == pytest.approx((0.30, 0.85))
    assert {name: mark.visibility for name, mark in found.items()} == {
        "left_hip": 2, "right_hip": 1, "thorax": 2, "contact:sacrum": 0,
    }  # fmt: skip


def test_the_consensus_leaves_out_what_one_left_out_or_exchanged():
    swapped = _pass("ben", left_hip=(30, 90, 2), right_hip=(50, 90, 2), thorax=(42, 30, 2))
    alone = Mark("n", 5, "ben", "left_hip", (0.5, 0.9), 2)
    found = [(mark.frame, mark.name) for mark in consensus([*ANNA, *swapped, alone])]
    assert found == [(0, "thorax"), (5, "left_hip")]
