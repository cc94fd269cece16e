"""The light body: sixteen rigid segments with a skin of points, shaped and weighed by the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from matpose.simulate import anthropometry as table
from matpose.simulate.body_shape import JOINTS, LENGTH, MASS_KG, STATURE_M
from matpose.simulate.person import Person
from matpose.simulate.skin import template_skin


@dataclass(frozen=True)
class Body:
    """A person's body: what MuJoCo moves and what presses on the bed.

    Args:
        person: whose.
        joint_m: segment to (3,), where its joint lies in the frame of the segment that carries it.
        mass_kg, centre_m, inertia_kgm2: segment to mass, centre of mass (3,) and principal moments (3,).
        skin_m: (N, 3) points in their segments' frames.
        normal: (N, 3) outward.
        area_m2: (N,) of skin around each point.
        segment: (N,) index in ``SEGMENTS``.
        part: (N,) uint8 code of the body part.
        firmness: (N,) how much stiffer than flesh.
        narrow: (N,) how much more stiffly foam answers there than under a trunk: foam is no bed of columns, and what
            a ball needs to sink in so deep goes with the inverse of its radius (Hertz).
        landmark_m: "head_top" or a landmark to its segment and place (3,) in that frame, where this body knows its
            own; the others are where the tables say.
    """

    person: Person
    joint_m: dict[str, np.ndarray]
    mass_kg: dict[str, float]
    centre_m: dict[str, np.ndarray]
    inertia_kgm2: dict[str, np.ndarray]
    skin_m: np.ndarray
    normal: np.ndarray
    area_m2: np.ndarray
    segment: np.ndarray
    part: np.ndarray
    firmness: np.ndarray
    narrow: np.ndarray
    landmark_m: Mapping[str, tuple[str, np.ndarray]] = field(default_factory=dict)

    @property
    def length_scale(self) -> float:
        """Of this body's bones over those of the described one."""
        return self.person.stature_m / STATURE_M


def light_body(person: Person, *, hip_width: float = 1.0, belly: float = 1.0, limbs: float = 1.0) -> Body:
    """The body of a person.

    Args:
        person: stature, mass, sex.
        hip_width, belly, limbs: girths beyond what mass says, as factors about 1.

    Example:
        >>> body = light_body(Person(1.75, 75, "a"))
        >>> round(sum(body.mass_kg.values()), 6), bool(1.2 < body.area_m2.sum() < 2.2)
        (75.0, True)
    """
    long = person.stature_m / STATURE_M
    wide = np.sqrt(person.mass_kg / person.stature_m / (MASS_KG / STATURE_M))
    girth = np.ones(len(table.SEGMENTS)) * wide
    for index, name in enumerate(table.SEGMENTS):
        if name == "abdomen":
            girth[index] *= belly
        elif name == "pelvis":
            girth[index] *= hip_width
        elif name != "head" and name != "thorax":
            girth[index] *= limbs
        elif name == "head":
            girth[index] = long  # heads hardly grow with mass
    skin = template_skin()
    scale = np.column_stack([girth, np.full_like(girth, long), girth])[skin.segment]
    normal = skin.normal / scale
    stretched = np.linalg.norm(normal, axis=1)
    area_m2 = skin.area_m2 * scale.prod(1) * stretched  # Nanson: da = det(F) |F^-T n| dA
    mass_kg, centre_m, inertia = masses(
        person, skin.skin_m * scale, skin.segment, {bare: length * long for bare, length in LENGTH.items()}
    )
    return Body(
        person=person,
        joint_m={name: at * long for name, at in JOINTS.items()},
        mass_kg=mass_kg,
        centre_m=centre_m,
        inertia_kgm2=inertia,
        skin_m=skin.skin_m * scale,
        normal=normal / stretched[:, None],
        area_m2=area_m2,
        segment=skin.segment,
        part=skin.part,
        firmness=skin.firmness,
        narrow=skin.narrow,
    )


def masses(
    person: Person, skin_m: np.ndarray, segment: np.ndarray, length_m: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Masses of the segments by the tables, their centres, and their principal moments as boxes around their skin.

    Args:
        person: whose.
        skin_m: (N, 3) points in their segments' frames.
        segment: (N,) index in ``SEGMENTS``.
        length_m: of limbs from joint to joint, by segment without its side; the others' centres are their boxes'.

    Returns:
        Segment to kg, to (3,) metres in its frame, to (3,) kg m2.
    """
    mass_kg = {name: table.mass_share(name, person.sex) * person.mass_kg for name in table.SEGMENTS}
    centre_m, inertia_kgm2 = {}, {}
    for index, name in enumerate(table.SEGMENTS):
        points = skin_m[segment == index]
        low, high = points.min(0), points.max(0)
        share = table.centre_share(name, person.sex)
        centre = (low + high) / 2
        if share is not None and (bare := name.partition("_")[2]) in length_m:
            centre[1] = -share * length_m[bare]
        size = high - low
        centre_m[name] = centre
        inertia_kgm2[name] = mass_kg[name] / 12 * (np.sum(size**2) - size**2)
    return mass_kg, centre_m, inertia_kgm2
