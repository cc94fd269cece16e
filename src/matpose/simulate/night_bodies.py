"""Who sleeps through a night, and what they do with their bodies: turn, and move a limb."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matpose.simulate.bed import Bed
from matpose.simulate.body import Body
from matpose.simulate.intent import Intent
from matpose.simulate.postures import STYLES, draw_posture
from matpose.simulate.room import Alone, Half
from matpose.simulate.scene import draw_body, draw_style, furnished

TURNS_PER_HOUR, TURNS_SD = 1.6, 0.7
BREATH_HZ = (0.2, 0.3)
RAISED, RAISED_DEG = 0.3, (20, 45)  # share of sleepers whose bed's head is raised, and how far
STRAY_M = 0.03  # of the place on the mat, from turn to turn


@dataclass(frozen=True)
class Sleeper:
    """Who sleeps tonight, on what, and how restless."""

    body: Body
    bed: Bed
    turns_per_hour: float
    breath_hz: float
    raised_deg: float

    @staticmethod
    def drawn(rng: np.random.Generator, name: str, bodies: str) -> Sleeper:
        """Somebody at random, by the name of ``name``; ``bodies`` as for :func:`~matpose.simulate.scene.draw_body`."""
        return Sleeper(
            draw_body(rng, name, bodies),
            Bed.drawn(rng),
            float(np.clip(rng.normal(TURNS_PER_HOUR, TURNS_SD), 0.3, 4)),
            float(rng.uniform(*BREATH_HZ)),
            float(rng.uniform(*RAISED_DEG)) if rng.random() < RAISED else 0.0,
        )


def turned(sleeper: Sleeper, before: Intent | None, room: Alone | Half, rng: np.random.Generator) -> Intent:
    """In another posture than before, about where they were."""
    leaving = None if before is None else before.held.name
    choices = [style for style in room.styles if STYLES[style] != leaving and "roll" not in style]
    style = draw_style(choices, rng)
    held = draw_posture(style, rng)
    bed = furnished(sleeper.bed, sleeper.body, style, held, rng)
    bed = replace(bed, raised_deg=sleeper.raised_deg if held.name == "supine" else 0.0)
    place = None if before is None else before.place
    if place is not None:
        place = replace(place, x_m=place.x_m + rng.normal(0, STRAY_M), y_m=place.y_m + rng.normal(0, STRAY_M / 2))
    return Intent(style, held, bed, place)


def limb_moved(intent: Intent, rng: np.random.Generator) -> Intent:
    """The same posture with one or two limbs elsewhere."""
    fresh = draw_posture(intent.style, rng).joints
    limbs = rng.choice(["left_arm", "right_arm", "left_leg", "right_leg"], rng.integers(1, 3), replace=False)
    joints = dict(intent.held.joints)
    for limb in limbs:
        side, kind = limb.split("_")
        for segment in ("upper_arm", "forearm", "hand") if kind == "arm" else ("thigh", "shank", "foot"):
            joints[f"{side}_{segment}"] = fresh[f"{side}_{segment}"]
    return replace(intent, held=replace(intent.held, joints=joints))
