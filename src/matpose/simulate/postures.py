"""How people lie: styles of lying, each with smooth chance within the limits of the joints.

Names of the side postures after Idzikowski's sleep survey (foetus, log, yearner); PmatData's seventeen stand beside
them. Angles are anatomical, as limbs.py says.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matpose.errors import MatposeError
from matpose.simulate.limbs import SIDES, Limbs, Rng, mirrored
from matpose.simulate.settle import Posture


def _supine(rng: Rng) -> tuple[Limbs, float]:
    limbs = Limbs.relaxed(rng)
    for side in SIDES:
        kind = rng.choice(["beside", "belly", "out", "up", "behind"], p=[0.5, 0.18, 0.14, 0.08, 0.1])
        if kind == "beside":
            limbs.arm(side, rng.normal(0, 8), rng.uniform(6, 32), rng.normal(10, 20), rng.gamma(2, 10))
        elif kind == "belly":
            limbs.arm(side, rng.normal(18, 8), rng.uniform(12, 35), rng.uniform(50, 80), rng.uniform(60, 100))
            limbs.keep[f"{side}_forearm"] = 3
        elif kind == "out":
            limbs.arm(side, rng.normal(0, 6), rng.uniform(35, 85), rng.normal(-30, 40), rng.uniform(0, 80))
        elif kind == "up":
            limbs.arm(side, rng.normal(0, 8), rng.uniform(95, 150), rng.uniform(-90, -60), rng.uniform(20, 110))
        else:
            _behind_head(limbs, side, rng)
        limbs.leg(side, rng.normal(2, 4), rng.uniform(-2, 12), rng.normal(-25, 15), rng.gamma(1.5, 4))
    return limbs, rng.normal(0, 6)


def _behind_head(limbs: Limbs, side: str, rng: Rng) -> None:
    limbs.arm(side, rng.normal(0, 6), rng.uniform(105, 135), rng.uniform(-95, -80), rng.uniform(120, 142))
    limbs.keep[f"{side}_forearm"] = 8


def _hands_behind_head(rng: Rng) -> tuple[Limbs, float]:
    limbs, roll = _supine(rng)
    for side in SIDES:
        _behind_head(limbs, side, rng)
    return limbs, roll


def _leg_over(side: str) -> Callable[[Rng], tuple[Limbs, float]]:
    """One leg lies on the other and touches the bed nowhere."""

    def draw(rng: Rng) -> tuple[Limbs, float]:
        limbs, roll = _hands_behind_head(rng) if rng.random() < 0.4 else _supine(rng)
        other = "right" if side == "left" else "left"
        bend = rng.uniform(14, 45)
        limbs.leg(side, bend, rng.uniform(-14, -6), rng.normal(-5, 10), bend * rng.uniform(0.6, 1.6))
        limbs.leg(other, rng.normal(1, 3), rng.uniform(-2, 4), rng.normal(-12, 10), rng.gamma(2, 4))
        for segment in ("thigh", "shank"):
            limbs.keep[f"{side}_{segment}"] = 30
        return limbs, roll

    return draw


def _starfish(rng: Rng) -> tuple[Limbs, float]:
    limbs = Limbs.relaxed(rng)
    for side in SIDES:
        limbs.arm(side, rng.normal(0, 5), rng.uniform(60, 140), rng.normal(-40, 40), rng.uniform(0, 60))
        limbs.leg(side, rng.normal(0, 3), rng.uniform(14, 32), rng.normal(-25, 15), rng.gamma(1.5, 4))
    return limbs, rng.normal(0, 5)


def _hands_on_belly(rng: Rng) -> tuple[Limbs, float]:
    limbs, roll = _supine(rng)
    for side in SIDES:
        limbs.arm(side, rng.normal(18, 6), rng.uniform(12, 30), rng.uniform(55, 80), rng.uniform(65, 100))
        limbs.keep[f"{side}_forearm"] = 3
    return limbs, roll


def _knee_up(raised: tuple[str, ...]) -> Callable[[Rng], tuple[Limbs, float]]:
    def draw(rng: Rng) -> tuple[Limbs, float]:
        limbs, roll = _supine(rng)
        for side in raised:
            bend = rng.uniform(35, 62)
            limbs.leg(side, bend, rng.normal(2, 5), rng.normal(0, 6), 2 * bend * rng.uniform(0.93, 1.05))
            limbs.ankle(side, rng.uniform(15, 40))
            for segment, times_stiffer in (("thigh", 25), ("shank", 25), ("foot", 6)):
                limbs.keep[f"{side}_{segment}"] = times_stiffer
        return limbs, roll

    return draw


def _crossed(rng: Rng) -> tuple[Limbs, float]:
    limbs, roll = _supine(rng)
    over, under = rng.permutation(SIDES)
    limbs.leg(over, rng.uniform(4, 10), rng.uniform(-16, -9), rng.normal(-5, 8), rng.gamma(2, 4))
    limbs.leg(under, 0, rng.uniform(-3, 3), rng.normal(-10, 8), rng.gamma(2, 3))
    return limbs, roll


def _figure_four(side: str) -> Callable[[Rng], tuple[Limbs, float]]:
    """One knee bent and fallen outwards."""

    def draw(rng: Rng) -> tuple[Limbs, float]:
        limbs, roll = _supine(rng)
        limbs.leg(side, rng.uniform(35, 60), rng.uniform(30, 50), rng.uniform(-65, -40), rng.uniform(70, 115))
        return limbs, roll

    return draw


def _on_side(hip: tuple[float, float], knee: tuple[float, float], arms: tuple[float, float]):
    """Lying on a side; as if on the left, and mirrored for the right."""

    def draw(rng: Rng) -> tuple[Limbs, float]:
        limbs = Limbs.relaxed(rng)
        bend, fold, reach = rng.uniform(*hip), rng.uniform(*knee), rng.uniform(*arms)
        curl = rng.uniform(2, 14) + bend * rng.uniform(0.1, 0.3)  # people on their sides round their backs
        limbs.ball["abdomen"] = (curl, rng.normal(0, 4), rng.normal(0, 4))
        limbs.ball["thorax"] = (curl * rng.uniform(0.6, 1.3), rng.normal(0, 4), rng.normal(0, 4))
        limbs.ball["head"] = (rng.uniform(0, 20), rng.normal(0, 6), rng.normal(0, 10))
        limbs.leg("left", np.clip(bend + rng.normal(-4, 8), -5, 110), rng.normal(0, 4), rng.normal(0, 6), fold)
        more = rng.normal(8, 14)
        limbs.leg("right", np.clip(bend + more, -5, 115), rng.uniform(-14, 2), rng.normal(5, 8),
                  fold + more * rng.uniform(0, 1.2))  # fmt: skip
        # the lower arm comes out in front of the chest, under the cheek or straight ahead
        elbow = rng.uniform(85, 135) if rng.random() < 0.55 else rng.uniform(5, 90)
        limbs.arm("left", np.clip(reach + rng.normal(25, 20), 15, 150), rng.normal(10, 8), rng.normal(0, 15),
                  elbow)  # fmt: skip
        if rng.random() < 0.25:  # the upper arm along the flank, else in front
            limbs.arm("right", rng.normal(5, 12), rng.uniform(-5, 8), rng.normal(10, 15), rng.gamma(2, 12))
        else:
            limbs.arm("right", np.clip(reach + rng.normal(0, 20), 5, 120), rng.uniform(-18, 6), rng.normal(10, 15),
                      rng.uniform(10, 110))  # fmt: skip
        return limbs, rng.normal(88, 13)

    return draw


def _rolled(low: float, high: float) -> Callable[[Rng], tuple[Limbs, float]]:
    """Half turned to a side, held by a wedge behind the back."""

    def draw(rng: Rng) -> tuple[Limbs, float]:
        roll = rng.uniform(low, high)
        limbs, _ = _on_side((-2, 35), (5, 65), (5, 60))(rng)
        for name in ("abdomen", "thorax"):  # the wedge keeps the back straight
            limbs.ball[name] = (rng.uniform(-3, 6), rng.normal(0, 3), rng.normal(0, 3))
        return limbs, roll

    return draw


def _prone(rng: Rng) -> tuple[Limbs, float]:
    limbs = Limbs.relaxed(rng)
    turned = rng.choice([-1, 1])
    limbs.ball["head"] = (rng.uniform(-10, 5), rng.normal(0, 8), turned * rng.uniform(45, 80))
    bent = rng.choice(["left", "right", "none"])
    for side in SIDES:
        kind = rng.choice(["up", "beside", "under"], p=[0.6, 0.3, 0.1])
        if kind == "up":
            limbs.arm(side, rng.normal(-4, 6), rng.uniform(60, 150), rng.uniform(-100, -60), rng.uniform(30, 120))
        elif kind == "beside":
            limbs.arm(side, rng.normal(-5, 6), rng.uniform(6, 30), rng.normal(30, 30), rng.gamma(2, 8))
        else:
            limbs.arm(side, rng.uniform(20, 50), rng.uniform(0, 15), rng.uniform(40, 80), rng.uniform(60, 120))
        if side == bent:
            limbs.leg(side, rng.uniform(15, 60), rng.uniform(25, 55), rng.uniform(-60, -30), rng.uniform(30, 95))
        else:
            limbs.leg(side, rng.normal(-2, 3), rng.uniform(0, 16), rng.normal(-10, 15), rng.gamma(1.5, 5))
        limbs.ankle(side, rng.uniform(35, 65))
    return limbs, 180 + rng.normal(0, 6)


_SUPINE = {
    "supine": _supine,
    "starfish": _starfish,
    "hands-on-belly": _hands_on_belly,
    "hands-behind-head": _hands_behind_head,
    "left-leg-over": _leg_over("left"),
    "right-leg-over": _leg_over("right"),
    "knees-up": _knee_up(SIDES),
    "left-knee-up": _knee_up(("left",)),
    "right-knee-up": _knee_up(("right",)),
    "crossed-legs": _crossed,
    "left-figure-four": _figure_four("left"),
    "right-figure-four": _figure_four("right"),
}
_SIDE = {
    "side": _on_side((0, 55), (15, 100), (15, 90)),
    "log": _on_side((-4, 12), (0, 20), (-5, 20)),
    "yearner": _on_side((5, 40), (10, 60), (60, 100)),
    "foetal": _on_side((45, 90), (80, 130), (30, 90)),
    "roll-30": _rolled(26, 44),
    "roll-60": _rolled(45, 72),
}
STYLES: dict[str, str] = {
    **dict.fromkeys(_SUPINE, "supine"),
    **{f"{side}-{style}": side for style in _SIDE for side in SIDES},
    "prone": "prone",
}
"""Style of lying to posture."""

HEADING_DEG = 4.0
LIES_STRAIGHT = 0.4  # of a rounded back's bend, by which the pelvis turns so that the whole lies along the bed


def draw_posture(style: str, rng: Rng) -> Posture:
    """A posture of a style, at random.

    Args:
        style: a key of ``STYLES``.
        rng: draws all angles.

    Raises:
        MatposeError: no such style.

    Example:
        >>> draw_posture("left-foetal", np.random.default_rng(0)).name
        'left'
    """
    if style not in STYLES:
        raise MatposeError(f"there is no style of lying {style!r}", mend=f"use one of {', '.join(STYLES)}")
    name = STYLES[style]
    heading = rng.normal(0, HEADING_DEG)
    if style == "prone":
        limbs, roll = _prone(rng)
    elif name == "supine":
        limbs, roll = _SUPINE[style](rng)
    else:
        limbs, roll = _SIDE[style.partition("-")[2]](rng)
        curl = limbs.ball["abdomen"][0] + limbs.ball["thorax"][0]
        drawn = limbs.posture("left", roll, heading - LIES_STRAIGHT * curl)
        return drawn if name == "left" else mirrored(drawn)
    return limbs.posture(name, roll, heading)
