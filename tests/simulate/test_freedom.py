"""The neighbourhood of a scene, and the search in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.simulate.bank import Scene
from matpose.simulate.bed import Bed
from matpose.simulate.descent import BOUND, Descent
from matpose.simulate.freedom import MOST_DEG, Freedom
from matpose.simulate.person import Person
from matpose.simulate.postures import STYLES, draw_posture
from matpose.simulate.scene import furnished

RIDGE = np.random.default_rng(0).normal(size=(30, 4))
WANTED = RIDGE @ np.array([0.5, -0.4, 0.2, 1.0])


def scene(style: str) -> Scene:
    rng = np.random.default_rng(1)
    bare = Scene(Person(1.75, 75, "somebody"), (1.0, 1.0, 1.0), Bed(), draw_posture(style, rng), style)
    return replace(bare, bed=furnished(Bed(), bare.body(), style, bare.posture, rng))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_in_the_middle_is_the_scene_and_every_number_moves_it(style):
    middle = scene(style)
    freedom = Freedom(middle, free_body=True)
    there = freedom.at(np.zeros(freedom.size))
    assert there.bed == middle.bed
    assert there.person == middle.person
    for segment, rotation in middle.posture.joints.items():
        np.testing.assert_allclose(there.posture.joints[segment], rotation, atol=1e-12)
    for index in range(freedom.size):
        for sign in (1, -1):  # at a joint's limit only one way is left
            theta = np.zeros(freedom.size)
            theta[index] = sign
            if differs(freedom.at(theta), there):
                break
        else:
            pytest.fail(f"number {index} changes nothing")


def differs(one: Scene, other: Scene) -> bool:
    if (one.person, one.girths, one.bed) != (other.person, other.girths, other.bed):
        return True
    a, b = one.posture, other.posture
    if (a.roll_deg, a.heading_deg) != (b.roll_deg, b.heading_deg):
        return True
    return any(not np.array_equal(a.joints[name], b.joints[name]) for name in a.joints)


def test_a_known_person_stays_so():
    freedom = Freedom(scene("supine"), free_body=False)
    assert freedom.size == Freedom(scene("supine"), free_body=True).size - 2
    assert freedom.at(np.ones(freedom.size)).person == freedom.scene.person


def test_one_spread_turns_a_joint_by_half_of_how_its_style_varies():
    freedom = Freedom(scene("left-log"), free_body=False)
    joints = freedom.scene.posture.joints
    knee = [freedom.at(theta).posture.joints["left_shank"] for theta in np.eye(freedom.size)]
    # the knee of a log is bent by 0 to 20 degrees, each as likely
    assert max(abs(angle - joints["left_shank"]) for angle in knee) == pytest.approx(20 / 12**0.5 / 2, rel=0.15)
    for segment in ("left_thigh", "right_upper_arm", "head"):
        turns = []
        for index in range(freedom.size):
            moved = freedom.at(np.eye(freedom.size)[index]).posture.joints[segment]
            turns.append(2 * np.degrees(np.arccos(np.clip(np.dot(moved, joints[segment]), -1, 1))))
        assert np.count_nonzero(np.array(turns) > 0.1) == 3
        assert max(turns) > 1.9
    arms = Freedom(scene("prone"), free_body=False)  # under the chest, beside it, beside the head
    for theta in np.eye(arms.size):
        cosine = np.dot(arms.at(theta).posture.joints["left_upper_arm"], arms.scene.posture.joints["left_upper_arm"])
        assert 2 * np.degrees(np.arccos(np.clip(cosine, -1, 1))) < MOST_DEG + 1e-6
    for turn in freedom.at(np.full(freedom.size, BOUND)).posture.joints.values():
        assert np.isfinite(turn).all()


def test_the_descent_finds_the_ridge_regression():
    prior = 0.3
    descent = Descent(lambda theta: RIDGE @ theta - WANTED, 4, prior=prior)
    descent.run(60)
    wanted = np.linalg.solve(RIDGE.T @ RIDGE + prior * np.eye(4), RIDGE.T @ WANTED)
    np.testing.assert_allclose(descent.theta, wanted, atol=2e-3)
    assert descent.cost == pytest.approx(np.sum((RIDGE @ wanted - WANTED) ** 2) + prior * wanted @ wanted, rel=1e-5)


def test_the_descent_counts_its_calls_and_goes_on_where_it_stopped():
    calls = []

    def bent(theta: np.ndarray) -> np.ndarray:
        calls.append(theta)
        return np.array([*(RIDGE @ theta - WANTED), 3 * np.sin(2 * theta[0])])

    descent = Descent(bent, 4, prior=1e-4)
    descent.run(8)
    early = descent.cost
    descent.run(40)
    assert descent.used == len(calls) <= 40
    assert descent.cost < early


def test_the_descent_bears_calls_that_are_refused():
    def choosy(theta: np.ndarray) -> np.ndarray:
        if theta[2] > 2.5:
            raise MatposeError("flew apart", mend="stay below")
        return theta - np.array([0.9, 9.0, 9.0])

    descent = Descent(choosy, 3, prior=0.05)
    before = descent.cost
    descent.run(40)
    assert descent.cost < 0.6 * before
    assert 1.5 < descent.theta[2] <= 2.5


def test_the_descent_keeps_its_bounds():
    descent = Descent(lambda theta: theta - 9.0, 2, prior=1e-6)
    descent.run(20)
    assert descent.theta.tolist() == [BOUND, BOUND]


def test_the_descent_learns_the_slope_from_its_steps():
    descent = Descent(lambda theta: np.exp(theta) - 3, 1, prior=1e-9)  # by one slope alone it would swing
    descent.run(8)
    assert descent.theta[0] == pytest.approx(np.log(3), abs=0.01)


def test_the_descent_takes_no_step_that_it_has_no_call_for():
    descent = Descent(lambda theta: RIDGE @ theta - WANTED, 4, prior=1e-6)
    descent.run(5)
    assert descent.used == 1
    assert not descent.theta.any()
