"""In what a lying person may differ from a given one, and by how much: the prior of a fit, and its units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from matpose.simulate.bank import Scene
from matpose.simulate.bed import Bed, Block
from matpose.simulate.person import Person
from matpose.simulate.postures import draw_posture
from matpose.simulate.rotation import times
from matpose.simulate.scene import GIRTHS_SD
from matpose.simulate.settle import Posture

DRAWS = 64  # of a style, for its spread
SHARE = 0.5  # of a style's spread that one fit may use freely: the retrieved posture is already one of the style
LEAST_DEG, MOST_DEG = 2.0, 20.0
HEADING_DEG, ROLL_DEG, RAISED_DEG = 4.0, 6.0, 8.0
STATURE_M, LOG_MASS = 0.04, 0.12  # where the person is not known
HINGE_DEG = {"forearm": (-145, 0), "shank": (0, 140), "foot": (-25, 65), "hand": (-60, 60)}


@dataclass(frozen=True)
class Freedom:
    """The neighbourhood of a scene: vectors of independent standard normal numbers, each of which is a scene.

    Args:
        scene: in the middle, at the zero vector.
        free_body: whether stature and mass may change too.
    """

    scene: Scene
    free_body: bool

    @property
    def size(self) -> int:
        """How many numbers."""
        _, left = self._moved(np.zeros(1000))
        return 1000 - len(left)

    def at(self, theta: np.ndarray) -> Scene:
        """The scene at a vector: (size,) numbers in units of their spread."""
        return self._moved(theta)[0]

    def _moved(self, theta: np.ndarray) -> tuple[Scene, np.ndarray]:
        """A scene, and the numbers that were not used."""
        scene, take = self.scene, _Numbers(theta)
        person = scene.person
        if self.free_body:
            person = _person(person, take)
        hips, belly, limbs = (float(v) for v in np.array(scene.girths) * np.exp(np.array(GIRTHS_SD) * take(3)))
        moved = replace(
            scene,
            person=person,
            girths=(hips, belly, limbs),
            posture=_posture(scene.posture, scene.style, take),
            bed=_bed(scene.bed, take),
        )
        return moved, take.left


class _Numbers:
    """A vector that is used up from the front."""

    def __init__(self, theta: np.ndarray) -> None:
        self.left = theta

    def __call__(self, count: int) -> np.ndarray:
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def one(self) -> float:
        return float(self(1)[0])


def _person(person: Person, take: _Numbers) -> Person:
    return replace(
        person,
        stature_m=float(np.clip(person.stature_m + STATURE_M * take.one(), 1.2, 2.2)),
        mass_kg=float(person.mass_kg * np.exp(LOG_MASS * take.one())),
    )


def _posture(posture: Posture, style: str, take: _Numbers) -> Posture:
    joints: dict[str, np.ndarray | float] = {}
    for segment, rotation in posture.joints.items():
        if isinstance(rotation, np.ndarray):
            joints[segment] = times(rotation, _turn(np.radians(_spread_deg(style, segment) * take(3))))
        else:
            low, high = HINGE_DEG[segment.partition("_")[2]]
            joints[segment] = float(np.clip(rotation + float(_spread_deg(style, segment)[0]) * take.one(), low, high))
    return replace(
        posture,
        heading_deg=posture.heading_deg + HEADING_DEG * take.one(),
        roll_deg=posture.roll_deg + ROLL_DEG * take.one(),
        joints=joints,
    )


def _bed(bed: Bed, take: _Numbers) -> Bed:
    stiffer, wider, softer, further = np.exp(np.array([0.4, 0.3, 0.3, 0.25]) * take(4))
    faint = float(np.clip(bed.faint + 0.05 * take.one(), 0, 0.5))
    raised = float(np.clip(bed.raised_deg + RAISED_DEG * take.one(), 5, 75)) if bed.raised_deg else 0.0
    return replace(
        bed,
        stiffness_kpa_m=bed.stiffness_kpa_m * stiffer,
        spread_m=bed.spread_m * wider,
        tissue_kpa_m=bed.tissue_kpa_m * softer,
        faint=faint,
        faint_spread_m=bed.faint_spread_m * further,
        raised_deg=raised,
        blocks=tuple(_wedge(block, take) if block.rises else _pillow(block, take) for block in bed.blocks),
    )


def _pillow(block: Block, take: _Numbers) -> Block:
    aside, along = 0.03 * take(2)
    return replace(
        block,
        centre_m=(block.centre_m[0] + float(aside), block.centre_m[1] + float(along)),
        height_m=block.height_m * float(np.exp(0.3 * take.one())),
    )


def _wedge(block: Block, take: _Numbers) -> Block:
    aside, along = np.array([0.05, 0.06]) * take(2)
    higher, wider, longer = np.exp(np.array([0.3, 0.12, 0.12]) * take(3))
    return replace(
        block,
        centre_m=(block.centre_m[0] + float(aside), block.centre_m[1] + float(along)),
        size_m=(block.size_m[0] * float(wider), block.size_m[1] * float(longer)),
        height_m=block.height_m * float(higher),
        even=float(np.clip(block.even + 0.12 * take.one(), 0, 0.9)),
    )


def _spread_deg(style: str, segment: str) -> np.ndarray:
    """How freely a fit may turn a joint: a share of how it varies in its style, in degrees: (3,) or (1,)."""
    return np.clip(SHARE * _style_spread_deg(style)[segment], LEAST_DEG, MOST_DEG)


@cache
def _style_spread_deg(style: str) -> dict[str, np.ndarray]:
    """Standard deviation of every joint's rotation vector in a style, degrees: hinges (1,), balls (3,)."""
    draws = [draw_posture(style, np.random.default_rng((0, number))).joints for number in range(DRAWS)]
    return {segment: np.degrees(np.std([_vector(joints[segment]) for joints in draws], axis=0)) for segment in draws[0]}


def _turn(vector_rad: np.ndarray) -> np.ndarray:
    """Rotation vector (3,) to quaternion (4,)."""
    angle = float(np.linalg.norm(vector_rad))
    return np.concatenate([[np.cos(angle / 2)], vector_rad * (0.5 * np.sinc(angle / (2 * np.pi)))])


def _vector(rotation: np.ndarray | float) -> np.ndarray:
    """Quaternion (4,) to rotation vector (3,), of the shorter way round; degrees of a hinge to (1,) radians."""
    if not isinstance(rotation, np.ndarray):
        return np.radians([rotation])
    w, v = abs(float(rotation[0])), rotation[1:] * (1 if rotation[0] >= 0 else -1)
    sine = float(np.linalg.norm(v))
    return v * (2 * np.arctan2(sine, w) / sine) if sine > 1e-12 else 2 * v
