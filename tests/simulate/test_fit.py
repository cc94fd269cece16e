"""A fit finds the person behind a simulated map, whatever the sensor's gain, and says when it cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import preset
from matpose.simulate.bank import Bank, Scene, build_bank
from matpose.simulate.contact import contact
from matpose.simulate.fit import CANDIDATES, LEAST_BUDGET, Fit, fit_map
from matpose.simulate.freedom import Freedom
from matpose.simulate.person import Person
from matpose.simulate.sample import Sample
from matpose.simulate.scene import draw_place, seen
from matpose.simulate.settle import GRAVITY

MAT = preset("pmatdata-i")
PEOPLE = CANDIDATES  # all of this bank are candidates


@dataclass(frozen=True)
class Target:
    """Somebody not in the bank, and the truth about them."""

    person: Person
    sample: Sample

    @property
    def kpa(self) -> np.ndarray:
        return self.sample.pressure_kpa


@pytest.fixture(scope="module")
def bank() -> Bank:
    return build_bank(PEOPLE, 0, MAT)


@pytest.fixture(scope="module")
def target(bank) -> Target:
    """Like one of the bank, but another person, in posture, girths and bed a spread off, and elsewhere."""
    number = [scene.posture.name for scene in bank.scenes].index("supine")
    freedom = Freedom(bank.scenes[number], free_body=False)
    rng = np.random.default_rng(5)
    return _laid(replace(freedom.at(rng.normal(0, 0.8, freedom.size)), person=Person(1.70, 62.0, "somebody")), rng)


@pytest.fixture(scope="module")
def fit(target, bank) -> Fit:
    return fit_map(target.kpa, MAT, person=target.person, bank=bank, budget=70)


def _laid(scene: Scene, rng: np.random.Generator) -> Target:
    lying = scene.settled()
    return Target(scene.person, seen(lying, draw_place(lying, MAT, rng), scene.posture.name))


def off_cm(joints_m: np.ndarray, target: Target) -> float:
    """Median over the joints of the distance on the mat."""
    return 100 * float(np.median(np.linalg.norm((joints_m - target.sample.joints_m)[:, :2], axis=1)))


def test_a_known_person_is_found_and_closer_than_by_looking_up(fit, target, bank):
    found = bank.nearest(target.kpa, 1)[0]
    assert fit.scene.posture.name == target.sample.posture
    assert off_cm(fit.joints_m, target) < 2
    assert off_cm(fit.joints_m, target) < off_cm(found.joints_m, target)
    assert fit.likeness.error < 0.06


def test_a_fit_of_a_simulated_map_has_the_gain_one_and_the_person_given(fit, target):
    assert fit.gain == pytest.approx(1, abs=0.03)
    assert fit.scene.person == target.person
    assert contact(fit.lying).force_n.sum() == pytest.approx(GRAVITY * target.person.mass_kg, rel=0.02)


def test_a_fit_keeps_to_its_budget_and_near_its_candidate(fit):
    assert 40 < fit.settlings <= 70
    assert 0 < fit.off < 1.5


@pytest.mark.slow
def test_the_gain_changes_nothing_but_the_gain(target, bank):
    some = {"person": target.person, "bank": bank, "budget": LEAST_BUDGET}
    one, other = (fit_map(gain * target.kpa, MAT, **some) for gain in (1.0, 0.25))
    assert one.gain == pytest.approx(4 * other.gain)
    np.testing.assert_allclose(one.joints_m, other.joints_m, atol=1e-5)
    assert one.likeness.error == pytest.approx(other.likeness.error, abs=1e-6)


def test_looking_up_undoes_a_shift(bank):
    moved = np.zeros((MAT.rows, MAT.cols), np.float32)
    moved[3:, 2:] = bank.kpa[4][:-3, :-2]
    found = bank.nearest(moved, 1)[0]
    assert found.index == 4
    assert found.place.y_m - bank.places[4].y_m == pytest.approx(3 * MAT.pitch_m[0])
    assert found.place.x_m - bank.places[4].x_m == pytest.approx(2 * MAT.pitch_m[1])
    np.testing.assert_array_equal(found.kpa, moved)
    np.testing.assert_allclose((found.joints_m - bank.joints_m[4])[:, 1], 3 * MAT.pitch_m[0], rtol=1e-4)


def test_the_same_seed_gives_the_same_bank_and_the_first_are_the_same(bank):
    again = build_bank(2, 0, MAT)
    np.testing.assert_array_equal(again.kpa, bank.kpa[:2])
    assert again.scenes[1].style == bank.scenes[1].style
    assert not np.array_equal(build_bank(1, 1, MAT).kpa, bank.kpa[:1])


def test_a_known_posture_is_kept(bank, target):
    fit = fit_map(target.kpa, MAT, person=None, bank=bank, budget=LEAST_BUDGET, posture="left")
    assert fit.scene.posture.name == "left"
    assert {bank.scenes[one.index].posture.name for one in bank.nearest(target.kpa, 9, posture="left")} == {"left"}
    with pytest.raises(MatposeError, match="nobody in the bank lies 'prone'"):
        fit_map(target.kpa, MAT, person=None, bank=bank, budget=LEAST_BUDGET, posture="prone")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda kpa: 0 * kpa, "nobody"),
        (lambda kpa: kpa * np.nan, "no reading"),
        (lambda kpa: kpa[None], "not one map"),
        (lambda kpa: kpa[:-1], "another mat"),
    ],
)
def test_what_is_no_map_of_somebody_is_refused(bank, target, spoil, said):
    with pytest.raises(MatposeError, match=said):
        fit_map(spoil(target.kpa), MAT, person=None, bank=bank, budget=LEAST_BUDGET)


def test_another_mat_too_small_a_budget_and_an_empty_bank_are_refused(bank, target):
    with pytest.raises(MatposeError, match="another mat"):
        fit_map(target.kpa, replace(MAT, pitch_x_m=0.02), person=None, bank=bank, budget=LEAST_BUDGET)
    with pytest.raises(MatposeError, match="budget"):
        fit_map(target.kpa, MAT, person=None, bank=bank, budget=LEAST_BUDGET - 1)
    with pytest.raises(MatposeError, match="bank of 0"):
        build_bank(0, 0, MAT)


@pytest.mark.slow
def test_strangers_are_found_better_than_by_looking_up():
    bank = build_bank(200, 0, MAT)
    rngs = [np.random.default_rng((9, number)) for number in range(6)]
    strangers = [_laid(Scene.drawn(rng), rng) for rng in rngs]
    fits = [fit_map(one.kpa, MAT, person=one.person, bank=bank, budget=200) for one in strangers]
    again = fit_map(strangers[0].kpa, MAT, person=strangers[0].person, bank=bank, budget=200)
    np.testing.assert_array_equal(again.kpa, fits[0].kpa)
    fitted = [off_cm(fit.joints_m, one) for fit, one in zip(fits, strangers, strict=True)]
    retrieved = [off_cm(bank.nearest(one.kpa, 1)[0].joints_m, one) for one in strangers]
    assert np.median(fitted) < 6
    assert np.median(fitted) < 0.8 * np.median(retrieved)
