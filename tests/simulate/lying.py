"""Settled people for the tests."""

from __future__ import annotations

from functools import cache

import numpy as np

from matpose.mat import Mat
from matpose.simulate.bed import Bed
from matpose.simulate.body import light_body
from matpose.simulate.contact import Place
from matpose.simulate.person import Person
from matpose.simulate.postures import draw_posture
from matpose.simulate.settle import Lying, settle

WIDE = Mat(120, 100, 0.025, 0.025)  # nobody reaches its edge
MIDDLE = Place(WIDE, 1.25, 1.5)


@cache
def lying(style: str, seed: int = 0) -> Lying:
    """Somebody of 1.75 m and 75 kg in a style, on a bare bed."""
    body = light_body(Person(1.75, 75, "somebody"))
    return settle(body, Bed(), draw_posture(style, np.random.default_rng(seed)))
