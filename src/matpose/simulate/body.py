"""The light body: sixteen rigid segments with a skin of points, shaped and weighed by the tables."""

from __future__ import annotations

from dataclasses import dataclass

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
    mass_kg = {name: table.mass_share(name, person.sex) * person.mass_kg for name in table.SEGMENTS}
    centre_m, inertia = {}, {}
    for index, name in enumerate(table.SEGMENTS):
        mine = skin.segment == index
        points = skin.skin_m[mine] * scale[mine]
        low, high = points.min(0), points.max(0)
        share = table.centre_share(name, person.sex)
        centre = (low + high) / 2
        if share is not None and "hand" not in name and "foot" not in name:
            centre[1] = -share * LENGTH[name.split("_", 1)[1]] * long
        size = high - low
        centre_m[name] = centre
        inertia[name] = mass_kg[name] / 12 * (np.sum(size**2) - size**2)
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
