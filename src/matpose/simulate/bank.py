"""A bank of simulated people at rest, in which to look up who lies most like a given map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body, light_body
from matpose.simulate.contact import Place
from matpose.simulate.likeness import best_shifts, moved, shape_of
from matpose.simulate.person import Person
from matpose.simulate.postures import draw_posture
from matpose.simulate.scene import WEIGHT, draw_girths, draw_place, draw_style, furnished, seen
from matpose.simulate.settle import Lying, Posture, settle


@dataclass(frozen=True)
class Scene:
    """All that decides how somebody comes to lie: small enough to keep thousands.

    Args:
        person: whose body.
        girths: of hips, belly and limbs, as factors about 1.
        bed: under them, with what lies on it.
        posture: meant.
        style: of lying, a key of :data:`matpose.simulate.postures.STYLES`.
    """

    person: Person
    girths: tuple[float, float, float]
    bed: Bed
    posture: Posture
    style: str

    @staticmethod
    def drawn(rng: np.random.Generator) -> Scene:
        """Somebody as sleepers lie, on a bed without folds: where those fall nothing in a map foretells."""
        girths = draw_girths(rng)
        person = Person.drawn(rng, "simulated")
        style = draw_style(list(WEIGHT), rng)
        posture = draw_posture(style, rng)
        scene = Scene(person, girths, replace(Bed.drawn(rng), wrinkles=0.0), posture, style)
        return replace(scene, bed=furnished(scene.bed, scene.body(), style, posture, rng))

    def body(self) -> Body:
        """Their body."""
        hips, belly, limbs = self.girths
        return light_body(self.person, hip_width=hips, belly=belly, limbs=limbs)

    def settled(self) -> Lying:
        """Them at rest.

        Raises:
            MatposeError: the body did not come to rest.
        """
        return settle(self.body(), self.bed, self.posture)


@dataclass(frozen=True)
class Bank:
    """Simulated people on one mat, read by an ideal sensor.

    Args:
        mat: theirs.
        scenes: N of them.
        kpa: (N, rows, cols) float32.
        shapes: (N, rows, cols) float32, as they are compared.
        joints_m: (N, 14, 3) float32 in the mat's frame.
        places: N, where they lie.
    """

    mat: Mat
    scenes: tuple[Scene, ...]
    kpa: np.ndarray
    shapes: np.ndarray
    joints_m: np.ndarray
    places: tuple[Place, ...]

    def nearest(self, map_kpa: np.ndarray, count: int, *, posture: str | None = None) -> list[Found]:
        """The people most like a map, once moved to where it is; the nearest first.

        Args:
            map_kpa: (rows, cols) of the bank's mat, without NaN, not empty.
            count: how many, at most as many as there are.
            posture: theirs, where it is known.

        Raises:
            MatposeError: nobody in the bank lies so.
        """
        able = np.flatnonzero([posture in (None, scene.posture.name) for scene in self.scenes])
        if not len(able):
            raise MatposeError(f"nobody in the bank lies {posture!r}", mend="build a larger bank")
        shifts, errors = best_shifts(shape_of(map_kpa), self.shapes[able])
        found = []
        for order in errors.argsort(kind="stable")[:count].tolist():
            index = int(able[order])
            down, right = shifts[order].round().astype(int).tolist()
            move_m = np.array([right * self.mat.pitch_m[1], down * self.mat.pitch_m[0]])
            place = self.places[index]
            found.append(
                Found(
                    index,
                    replace(place, x_m=place.x_m + move_m[0], y_m=place.y_m + move_m[1]),
                    moved(self.kpa[index], down, right),
                    self.joints_m[index] + np.array([*move_m, 0], np.float32),
                )
            )
        return found


@dataclass(frozen=True)
class Found:
    """One of a bank's people, moved by whole cells to lie on a given map.

    Args:
        index: in the bank.
        place: where they lie then.
        kpa: (rows, cols) their map there; what they had beside the mat is missing.
        joints_m: (14, 3) likewise.
    """

    index: int
    place: Place
    kpa: np.ndarray
    joints_m: np.ndarray


def build_bank(count: int, seed: int, mat: Mat) -> Bank:
    """Simulate people for a bank; the first of them are the same whatever their number.

    Args:
        count: how many; one takes about a ninth of a second on one core.
        seed: of all of them.
        mat: on which they lie.

    Raises:
        MatposeError: none to be simulated, or a mat without pitch.
    """
    if count < 1:
        raise MatposeError(f"a bank of {count} people", mend="ask for one or more")
    scenes, samples, places = [], [], []
    for index in range(count):
        rng = np.random.default_rng((seed, 3, index))
        scenes.append(Scene.drawn(rng))
        lying = scenes[-1].settled()
        places.append(draw_place(lying, mat, rng))
        samples.append(seen(lying, places[-1], scenes[-1].posture.name))
    kpa = np.stack([sample.pressure_kpa for sample in samples])
    joints_m = np.stack([sample.joints_m for sample in samples])
    return Bank(mat, tuple(scenes), kpa, shape_of(kpa).astype(np.float32), joints_m, tuple(places))
