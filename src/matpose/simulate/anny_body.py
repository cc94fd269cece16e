"""The realistic body: anny's surface of a person on the same sixteen segments as the light one's."""

from __future__ import annotations

import numpy as np

from matpose.simulate.anny_mesh import anny_mesh
from matpose.simulate.anny_skin import anny_patches
from matpose.simulate.body import Body, masses
from matpose.simulate.body_shape import LENGTH
from matpose.simulate.person import Person
from matpose.simulate.ragdoll import PARENT


def anny_body(person: Person, rng: np.random.Generator) -> Body:
    """The body of a person, with a skin as real as anny's.

    The surface has their stature exactly and their mass as its volume; segments' masses are the tables'.

    Args:
        person: stature, mass, sex.
        rng: draws age, muscle and proportions.

    Raises:
        MatposeError: anny is not installed.

    Example:
        >>> body = anny_body(Person(1.68, 64, "a", "female"), np.random.default_rng(0))  # doctest: +SKIP
        >>> round(sum(body.mass_kg.values()), 6), body.landmark_m["head_top"][0]  # doctest: +SKIP
        (64.0, 'head')
    """
    mesh = anny_mesh(person, rng)
    patches = anny_patches()
    middle_m, area_m2 = patches.surface(mesh)
    joint = mesh.joints
    skin_m = middle_m - mesh.joint_m[patches.segment]
    size_m2 = np.linalg.norm(area_m2, axis=1)
    below = {PARENT[name].removeprefix("left_"): -float(at[1] - joint[PARENT[name]][1])
             for name, at in joint.items() if name.startswith("left_")}  # fmt: skip
    mass_kg, centre_m, inertia_kgm2 = masses(
        person, skin_m, patches.segment, {bare: length for bare, length in below.items() if bare in LENGTH}
    )
    return Body(
        person=person,
        joint_m={name: at - joint[PARENT[name]] if name in PARENT else at for name, at in joint.items()},
        mass_kg=mass_kg,
        centre_m=centre_m,
        inertia_kgm2=inertia_kgm2,
        skin_m=skin_m,
        normal=area_m2 / size_m2[:, None],
        area_m2=size_m2,
        segment=patches.segment,
        part=patches.part,
        firmness=patches.firmness,
        narrow=patches.narrow,
        landmark_m={
            name: (segment, mesh.vertex_m[vertex] - joint[segment])
            for name, (segment, vertex) in patches.landmark.items()
        },
    )
