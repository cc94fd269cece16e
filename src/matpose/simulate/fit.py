"""Analysis by synthesis: the simulated person whose map is most like a given one.

A bank of simulated maps gives a few candidates; each is laid down again with the person's own stature and mass where
these are known; the best of two postures (or styles of the posture that is known) are refined, the better of the two
to its end. Angles, girths, bed and pillow may leave the candidate's only at a price
(:class:`matpose.simulate.freedom.Freedom`); the place on the mat costs nothing.

A fit explains a map. It is no measurement of joints: other postures may press alike. Real maps do not tell it even
supine from prone or half rolled: give the posture where it is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.simulate.bank import Bank, Found, Scene
from matpose.simulate.contact import Place, contact, pressure_kpa
from matpose.simulate.descent import Descent
from matpose.simulate.freedom import Freedom
from matpose.simulate.labels import joints_m
from matpose.simulate.likeness import Likeness, best_shifts, check_map, likeness, shape_of
from matpose.simulate.person import Person
from matpose.simulate.scene import seen
from matpose.simulate.settle import Lying

CANDIDATES, STARTS = 8, 2
PRIOR = 0.0007  # error that a number one spread off the candidate's costs
FARTHEST_CELLS = 6.0  # that a map is moved at once to lie on another
LEAST_BUDGET = CANDIDATES + 2 * STARTS + 1
TRIALS = 4  # steps of each start before the better one is chosen


@dataclass(frozen=True)
class Fit:
    """The simulated person found for a map.

    Args:
        scene: body, bed and posture meant.
        lying: them at rest.
        place: on the mat.
        kpa: (rows, cols) float32, their map by an ideal sensor.
        parts: (rows, cols) uint8, the body part over each cell.
        joints_m: (14, 3) float32 in the mat's frame, in the order of ``JOINT_NAMES``; not measured.
        likeness: to the map given.
        gain: force of the map over that of ``kpa``, which bears the person's weight: the sensor's, where stature and
            mass are the person's own; of an unknown person it means little.
        off: how far from its candidate, root mean square of all numbers in units of their spread.
        settlings: that it took.
    """

    scene: Scene
    lying: Lying
    place: Place
    kpa: np.ndarray
    parts: np.ndarray
    joints_m: np.ndarray
    likeness: Likeness
    gain: float
    off: float
    settlings: int


def fit_map(
    map_kpa: np.ndarray, mat: Mat, *, person: Person | None, bank: Bank, budget: int, posture: str | None = None
) -> Fit:
    """Find body, bed, posture and place whose simulated map is most like a map; the same input gives the same fit.

    Args:
        map_kpa: (rows, cols) canonical pressure, kPa, of one person; any gain, without NaN.
        mat: its mat.
        person: who it is, where stature, mass and sex are known; they are used as given.
        bank: people on the same mat.
        budget: settlings in all, about nine a second on one core; 200 serve, and about 55 are the fewest that can
            refine a candidate.
        posture: "supine", "prone", "left" or "right", where it is known.

    Raises:
        MatposeError: an empty map, one with cells without a reading, another grid, too small a budget, or a posture
            that nobody in the bank lies in.
    """
    check_map(map_kpa)
    if mat != bank.mat or map_kpa.shape != (mat.rows, mat.cols):
        raise MatposeError(
            f"a map of {map_kpa.shape[0]} x {map_kpa.shape[1]} cells and a bank on another mat",
            mend="build the bank for the map's own mat",
        )
    if budget < LEAST_BUDGET:
        raise MatposeError(f"a budget of {budget} settlings", mend=f"give {LEAST_BUDGET} or more")
    target = shape_of(map_kpa)
    candidates = [
        _Candidate.of(found, bank, person, target) for found in bank.nearest(map_kpa, CANDIDATES, posture=posture)
    ]
    candidates.sort(key=lambda candidate: candidate.error)
    starts = _unlike(candidates, "style" if posture else "posture")
    used, searches = len(candidates), []
    for candidate in starts:
        search = candidate.search(target, free_body=person is None)
        search.run(min(search.size + TRIALS, budget - used - 1))  # the first Jacobian and what follows at once from it
        used += search.used
        searches.append((search.cost, len(searches), search, candidate))
    _, _, search, candidate = min(searches, key=lambda found: found[:2])
    before = search.used
    search.run(before + budget - used - 1)
    used += search.used - before
    return _fit(map_kpa, target, candidate, Freedom(candidate.scene, person is None), search.theta, used + 1)


def _unlike(candidates: list[_Candidate], what: Literal["style", "posture"]) -> list[_Candidate]:
    """The first candidate, and the next of another style or posture."""
    kinds = [one.scene.style if what == "style" else one.scene.posture.name for one in candidates]
    return [candidates[kinds.index(kind)] for kind in dict.fromkeys(kinds)][:STARTS]


@dataclass(frozen=True)
class _Candidate:
    """Somebody of the bank as the person known, laid down on the map."""

    scene: Scene
    place: Place
    error: float

    @staticmethod
    def of(found: Found, bank: Bank, person: Person | None, target: np.ndarray) -> _Candidate:
        scene = bank.scenes[found.index]
        if person is not None:
            scene = replace(scene, person=person)
        try:
            lying = scene.settled()
        except MatposeError:  # the bed and posture were another body's
            return _Candidate(scene, found.place, np.inf)
        place = _laid_on(lying, _laid_on(lying, found.place, target), target)
        return _Candidate(scene, place, float((_residuals(lying, place, target) ** 2).sum()))

    def search(self, target: np.ndarray, *, free_body: bool) -> Descent:
        """The search around it."""
        freedom = Freedom(self.scene, free_body)

        def residuals(theta: np.ndarray) -> np.ndarray:
            lying = freedom.at(theta).settled()
            return _residuals(lying, _laid_on(lying, self.place, target), target)

        return Descent(residuals, freedom.size, prior=PRIOR)


def _fit(
    map_kpa: np.ndarray, target: np.ndarray, candidate: _Candidate, freedom: Freedom, theta: np.ndarray, used: int
) -> Fit:
    scene = freedom.at(theta)
    lying = scene.settled()
    place = _laid_on(lying, candidate.place, target)
    sample = seen(lying, place, scene.posture.name)
    return Fit(
        scene=scene,
        lying=lying,
        place=place,
        kpa=sample.pressure_kpa,
        parts=sample.parts,
        joints_m=place.to_mat(joints_m(lying)).astype(np.float32),
        likeness=likeness(map_kpa, sample.pressure_kpa),
        gain=float(map_kpa.sum(dtype=np.float64) / sample.pressure_kpa.sum(dtype=np.float64)),
        off=float(np.sqrt((theta**2).mean())),
        settlings=used,
    )


def _laid_on(lying: Lying, near: Place, target: np.ndarray) -> Place:
    """Where a body at rest lies most like a map, not far from a place."""
    kpa, _ = pressure_kpa(lying, contact(lying), near)
    shifts, _ = best_shifts(target, shape_of(kpa)[None])
    down, right = np.clip(shifts[0], -FARTHEST_CELLS, FARTHEST_CELLS).tolist()
    pitch_y_m, pitch_x_m = near.mat.pitch_m
    return replace(near, x_m=near.x_m + right * pitch_x_m, y_m=near.y_m + down * pitch_y_m)


def _residuals(lying: Lying, place: Place, target: np.ndarray) -> np.ndarray:
    """Differences of all cells, whose squares add up to the error: (rows * cols,)."""
    kpa, _ = pressure_kpa(lying, contact(lying), place)
    return (shape_of(kpa) - target).ravel() / np.sqrt((target**2).sum())
