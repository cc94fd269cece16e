"""A body from the front and from behind, each part coloured by what it has borne, with the number upon it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, hypot, log10

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT, MIDDLE = 220, 452, 110
NO_LOAD = "#e4e7ea"
_STOPS = ((255, 244, 222), (253, 212, 158), (252, 141, 89), (215, 48, 31), (127, 0, 0))  # darker = more, to all eyes
_MARKED = 3  # parts with the highest dose get a heavy outline

# halves right of the middle as one looks at them, x from the middle; the other half is their mirror image
_LIMBS: dict[str, Points] = {
    "upper_arm": ((42, 126), (53, 108), (59, 128), (65, 172), (51, 174)),
    "forearm_hand": ((51, 177), (65, 175), (70, 212), (77, 240), (72, 264), (62, 262), (59, 240), (56, 214)),
    "thigh": ((3, 254), (42, 250), (37, 320), (10, 320)),
    "knee": ((10, 323), (37, 323), (35, 350), (11, 350)),
    "calf": ((11, 353), (35, 353), (37, 376), (28, 420), (13, 420)),
}
_FRONT: dict[str, Points] = {
    "shoulder": ((18, 80), (36, 82), (51, 95), (53, 105), (41, 124), (26, 108)),
    "hip": ((3, 200), (32, 200), (41, 226), (42, 247), (3, 251)),
    "heel_foot": ((13, 423), (28, 423), (37, 444), (13, 447)),
    **_LIMBS,
}
_BACK: dict[str, Points] = {
    "shoulder": ((20, 80), (36, 82), (51, 95), (53, 105), (41, 124), (26, 116)),
    "hip": ((17, 201), (32, 200), (41, 226), (42, 247), (3, 251), (3, 245), (12, 234)),
    "heel_foot": ((13, 423), (28, 423), (30, 441), (21, 448), (12, 441)),
    **_LIMBS,
}
_FRONT_MIDDLE: dict[str, Points] = {
    "chest_belly": ((-16, 80), (16, 80), (25, 111), (40, 127), (36, 152), (31, 197), (-31, 197), (-36, 152),
                    (-40, 127), (-25, 111)),
}  # fmt: skip
_BACK_MIDDLE: dict[str, Points] = {
    "upper_back": ((-18, 80), (18, 80), (25, 118), (40, 127), (36, 152), (-36, 152), (-40, 127), (-25, 118)),
    "lower_back": ((-36, 155), (36, 155), (31, 197), (-31, 197)),
    "sacrum": ((-14, 200), (14, 200), (10, 233), (0, 245), (-10, 233)),
}
_HEAD: Points = ((-18, 8), (0, 2), (18, 8), (22, 30), (16, 54), (0, 64), (-16, 54), (-22, 30))
_NECK: Points = ((-10, 60), (10, 60), (12, 79), (-12, 79))
_BESIDE = {"upper_arm": (72, 140), "forearm_hand": (86, 206)}  # too slender for a number
_WITHIN = {"sacrum": (0, 214), "hip": (28, 231)}  # where the middle of a part is no place for it


def body_figure(dose_mmhg_h: Mapping[str, float]) -> str:
    """The picture, as HTML with two SVG drawings and a legend.

    Args:
        dose_mmhg_h: of each part, by its name; those left out have borne nothing.

    Returns:
        A ``div`` to stand in a page; it fetches nothing.

    Example:
        >>> "Sacrum: 120 mmHg h" in body_figure({"sacrum": 120.0})
        True
    """
    full = scale_top(max(dose_mmhg_h.values(), default=0.0))
    ranked = sorted(dose_mmhg_h, key=lambda name: -dose_mmhg_h[name])
    marked = {name for name in ranked[:_MARKED] if dose_mmhg_h[name] > 0}
    views = [
        _view("From the front", _FRONT, _FRONT_MIDDLE, -1, dose_mmhg_h, full, marked),
        _view("From behind", _BACK, _BACK_MIDDLE, 1, dose_mmhg_h, full, marked),
    ]
    return f"<div class=bodies>{''.join(views)}</div>{_legend(full)}"


def scale_top(highest: float) -> float:
    """A round number at or above the highest dose.

    Example:
        >>> scale_top(87.0), scale_top(0.0)
        (100.0, 1.0)
    """
    if highest <= 0:
        return 1.0
    unit = 10.0 ** floor(log10(highest))
    return next(step * unit for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if highest <= step * unit * (1 + 1e-9))


def part_words(name: str) -> str:
    """A part's name for people.

    Example:
        >>> part_words("left_heel_foot"), part_words("chest_belly")
        ('left heel and foot', 'chest and belly')
    """
    for joined, words in (("heel_foot", "heel and foot"), ("forearm_hand", "forearm and hand"),
                          ("chest_belly", "chest and belly")):  # fmt: skip
        name = name.replace(joined, words)
    return name.replace("_", " ")


def dose_words(dose: float) -> str:
    """The number, as short as it is still told apart.

    Example:
        >>> [dose_words(dose) for dose in (0.0, 0.04, 3.21, 118.6)]
        ['0', '<0.1', '3.2', '119']
    """
    if dose <= 0:
        return "0"
    return "<0.1" if dose < 0.1 else f"{dose:.1f}" if dose < 9.95 else f"{dose:.0f}"


def dose_rgb(dose: float, full: float) -> tuple[int, int, int]:
    """The colour of a dose: red, green, blue, 0..255; the darker the more."""
    place = min(max(dose / full, 0.0), 1.0) * (len(_STOPS) - 1)
    index = min(int(place), len(_STOPS) - 2)
    share = place - index
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(_STOPS[index], _STOPS[index + 1], strict=True))
    return red, green, blue


def _view(
    title: str, halves: Mapping[str, Points], middle: Mapping[str, Points], left: int, doses: Mapping[str, float],
    full: float, marked: set[str],
) -> str:  # fmt: skip
    """``left``: on which side the person's left is; from behind it is the viewer's left."""
    left_sign = -1 if left == 1 else 1
    shapes: list[tuple[str, Points, tuple[float, float], bool]] = [
        (name, points, _WITHIN.get(name) or _centre(points), False)
        for name, points in ({"head": _HEAD} | dict(middle)).items()
    ]
    for side, sign in (("left", left_sign), ("right", -left_sign)):
        for name, points in halves.items():
            mirrored = [(sign * x, y) for x, y in points]
            x, y = (_BESIDE | _WITHIN).get(name) or _centre(points)
            shapes.append((f"{side}_{name}", mirrored, (sign * x, y), name in _BESIDE))
    shapes.sort(key=lambda shape: shape[0] in marked)  # their outlines lie on top
    drawn = "".join(_part(*shape, doses.get(shape[0], 0.0), full, shape[0] in marked) for shape in shapes)
    words = ("left", "right") if left_sign == -1 else ("right", "left")
    sides = "".join(
        f'<text x="{x}" y="60" class="side" text-anchor="middle">{word}</text>'
        for x, word in zip((30, WIDTH - 30), words, strict=True)
    )
    return (
        f"<figure class=view><figcaption>{title}</figcaption>"
        f'<svg class="body" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}: dose on each part">'
        f'<path d="{_rounded(_NECK)}" fill="{NO_LOAD}"/>{drawn}{sides}</svg></figure>'
    )


def _part(
    name: str, points: Points, at: tuple[float, float], beside: bool, dose: float, full: float, marked: bool
) -> str:
    """``at``: where the number stands; ``beside``: whether that is outside the part."""
    rgb = dose_rgb(dose, full)
    fill = "#{:02x}{:02x}{:02x}".format(*rgb) if dose > 0 else NO_LOAD
    words = dose_words(dose)
    dark = dose > 0 and 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 140
    ink = "#fff" if dark and not beside else "#14171a"
    title = f"{part_words(name).capitalize()}: {words} mmHg h"
    weight = ' font-weight="700"' if marked else ""
    outline = 'stroke="#14171a" stroke-width="2.4"' if marked else 'stroke="#fff" stroke-width="1"'
    return (
        f'<g><title>{escape(title)}</title><path d="{_rounded(points)}" fill="{fill}" {outline}/>'
        f'<text x="{MIDDLE + at[0]:.1f}" y="{at[1] + 3.6:.1f}" fill="{ink}" text-anchor="middle"{weight}>'
        f"{escape(words)}</text></g>"
    )


def _centre(points: Points) -> tuple[float, float]:
    """Of the polygon's area."""
    area, x, y = 0.0, 0.0, 0.0
    for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
        cross = x1 * y2 - x2 * y1
        area, x, y = area + cross, x + (x1 + x2) * cross, y + (y1 + y2) * cross
    return x / (3 * area), y / (3 * area)


def _rounded(points: Points, radius: float = 7.0) -> str:
    """A closed path round the polygon, its corners rounded."""
    path = []
    around = [points[-1], *points, points[0]]
    for (x0, y0), (x, y), (x1, y1) in zip(around, around[1:], around[2:], strict=False):
        ends = []
        for ox, oy in ((x0, y0), (x1, y1)):
            length = hypot(ox - x, oy - y)
            share = min(radius / length, 0.5)
            ends.append((MIDDLE + x + (ox - x) * share, y + (oy - y) * share))
        (ax, ay), (bx, by) = ends
        path.append(f"{'L' if path else 'M'}{ax:.1f} {ay:.1f}Q{MIDDLE + x:.1f} {y:.1f} {bx:.1f} {by:.1f}")
    return "".join(path) + "Z"


def _legend(full: float) -> str:
    stops = ", ".join(f"rgb{stop}" for stop in _STOPS)
    ticks = "".join(f"<span>{dose_words(full * share)}</span>" for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return (
        '<div class=legend aria-hidden="true">'
        f'<div class=ramp style="background: linear-gradient(to right, {stops})"></div>'
        f"<div class=ticks>{ticks}</div><p>mmHg h; grey: bore nothing. Heavy outline: the three highest.</p></div>"
    )
