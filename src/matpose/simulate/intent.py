"""How somebody means to lie, and how they come to lie so where there is room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from matpose.simulate.bed import Bed
from matpose.simulate.body import Body
from matpose.simulate.contact import Place
from matpose.simulate.room import Alone, Half
from matpose.simulate.sample import Sample
from matpose.simulate.scene import seen
from matpose.simulate.settle import Posture, settle

TRIES, FITS_M = 4, 0.05  # who has too little room lies down otherwise, so often, until so little of them is out of it


@dataclass(frozen=True)
class Intent:
    """How somebody means to lie, on which pillow, and where on the mat if they know."""

    style: str
    held: Posture
    bed: Bed
    place: Place | None = None


def lie(meant: Callable[[], Intent], body: Body, room: Alone | Half, rng: np.random.Generator) -> tuple[Sample, Intent]:
    """Settled; of a few intents the one that keeps best to the room, which is theirs from now on.

    Args:
        meant: draws an intent, another one at every call.
        body: whose.
        room: where they may lie.
        rng: draws the place.

    Returns:
        What an ideal mat reads, and the intent with its place.
    """
    tries = []
    for _ in range(TRIES):
        intent = meant()
        lying = settle(body, intent.bed, intent.held)
        place = room.place(lying, intent.place, rng)
        tries.append((room.excess_m(lying, place), lying, replace(intent, place=place), place))
        if tries[-1][0] <= FITS_M:
            break
    _, lying, intent, place = min(tries, key=lambda attempt: attempt[0])
    room.take(lying, place)
    return seen(lying, place, intent.held.name), intent
