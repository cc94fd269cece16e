"""A simulated body at rest, as the parameters of the differentiable one."""

from __future__ import annotations

import numpy as np
import torch

from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.body_shape import MASS_KG, STATURE_M
from matpose.simulate.person import Person
from matpose.simulate.settle import Lying
from matpose.zoo.body_model import GIRDLES, PARENTS, BodyParameters
from matpose.zoo.continuous_rotation import six_of


def shape_of(person: Person, *, hip_width: float = 1.0, belly: float = 1.0, limbs: float = 1.0) -> torch.Tensor:
    """(1, 5) of a light body."""
    wide = np.sqrt(person.mass_kg / person.stature_m / (MASS_KG / STATURE_M))
    return torch.tensor([[person.stature_m / STATURE_M, wide, hip_width, belly, limbs]], dtype=torch.float64).log()


def parameters_of(lying: Lying, shape: torch.Tensor) -> BodyParameters:
    """From its segments' turns; the shoulders' from where they were pushed to."""
    own = lying.turn.copy()
    girdle_m = []
    for index, parent in enumerate(PARENTS[1:], 1):
        own[index] = lying.turn[parent].T @ lying.turn[index]
        offset = lying.turn[parent].T @ (lying.origin_m[index] - lying.origin_m[parent])
        pushed = offset - lying.body.joint_m[SEGMENTS[index]]
        if index in GIRDLES:
            girdle_m.append([-pushed[0] if index == GIRDLES[0] else pushed[0], pushed[2]])
    return BodyParameters(
        shape=shape,
        place_m=torch.from_numpy(lying.origin_m[:1]),
        turns=six_of(torch.from_numpy(own))[None],
        girdle_m=torch.tensor([girdle_m], dtype=torch.float64),
        stiffness_kpa_m=torch.tensor([lying.bed.stiffness_kpa_m], dtype=torch.float64),
    )
