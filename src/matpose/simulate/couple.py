"""Two people side by side on one mat: their loads add up before one sensor reads them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import PRESETS, Mat
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body
from matpose.simulate.intent import Intent, lie
from matpose.simulate.postures import STYLES, draw_posture
from matpose.simulate.room import COUPLE_STYLES, Half
from matpose.simulate.sample import Sample
from matpose.simulate.scene import draw_body, draw_style, furnished
from matpose.simulate.sensor import Sensor

NARROWEST_M = 1.4  # on less, up to two fifths of the weight hang over the edge; here at most a twentieth


def refuse_for_two(mat: Mat, style: str | None = None) -> None:
    """See that two people can lie on a mat, in a style.

    Raises:
        MatposeError: a mat too narrow, or a style that needs the whole mat.

    Example:
        >>> from matpose.mat import preset
        >>> refuse_for_two(preset("carpet"))
        >>> refuse_for_two(preset("bpms"))
        Traceback (most recent call last):
        matpose.errors.MatposeError: a mat 0.85 m wide holds no two people. Mend: give one of at least 1.4 m: --mat \
carpet, or --rows, --cols and --pitch-mm.
    """
    if mat.width_m < NARROWEST_M:
        wide = " | ".join(name for name, preset in PRESETS.items() if preset.width_m >= NARROWEST_M)
        raise MatposeError(
            f"a mat {mat.width_m:.2f} m wide holds no two people",
            mend=f"give one of at least {NARROWEST_M:g} m: --mat {wide}, or --rows, --cols and --pitch-mm",
        )
    if style is not None and style not in COUPLE_STYLES:
        raise MatposeError(f"two people do not lie side by side as {style!r}", mend=f"use {', '.join(COUPLE_STYLES)}")


def draw_couple(
    index: int,
    *,
    seed: int,
    mat: Mat,
    posture: str | None = None,
    style: str | None = None,
    sensor: bool = True,
    bodies: str = "light",
) -> Sample:
    """One moment of two people, each on a half of the mat; the same numbers give the same moment.

    The first has the body that person ``index`` has alone. Both lie on one flat bed, each on a pillow of their own.

    Args:
        index, seed, sensor, bodies: as for :func:`matpose.simulate.scene.draw_sample`.
        mat: at least 1.4 m wide.
        posture: of both, "supine", "prone", "left" or "right"; else each as sleepers choose.
        style: of both, one of ``COUPLE_STYLES``, in place of a posture.

    Raises:
        MatposeError: a posture, style or body that there is none of, or a mat too narrow.
    """
    refuse_for_two(mat, style)
    rng = np.random.default_rng((seed, 5, index))
    choices = [name for name in COUPLE_STYLES if posture in (None, STYLES[name])] if style is None else [style]
    if not choices:
        raise MatposeError(f"nobody is simulated {posture!r}", mend="use supine, prone, left or right")
    bed, rooms = Bed.drawn(rng), Half.pair(mat, bool(rng.integers(2)))
    samples = []
    for room, stream, name in zip(rooms, (1, 6), ("", "/partner"), strict=True):
        body = draw_body(np.random.default_rng((seed, stream, index)), f"simulated/{index}{name}", bodies)

        def meant(body: Body = body) -> Intent:
            chosen = draw_style(choices, rng)
            held = draw_posture(chosen, rng)
            return Intent(chosen, held, replace(furnished(bed, body, chosen, held, rng), raised_deg=0.0))

        sample, intent = lie(meant, body, room, rng)
        samples.append(replace(sample, facts={**sample.facts, "style": intent.style}))
    both = together(*samples)
    if sensor:
        reading = Sensor.drawn(mat, rng).read(both.pressure_kpa[None], np.zeros(1), rng)[0]
        both = replace(both, pressure_kpa=reading)
    return both


def together(first: Sample, partner: Sample) -> Sample:
    """What one mat feels of two, and whose part is over each cell: where both press, the heavier's there."""
    theirs = (partner.parts > 0) & ((partner.pressure_kpa > first.pressure_kpa) | (first.parts == 0))
    return replace(
        first,
        pressure_kpa=first.pressure_kpa + partner.pressure_kpa,
        parts=np.where(theirs, partner.parts, first.parts),
        partner=partner,
        whose=np.where(theirs, 2, first.parts > 0).astype(np.uint8),
    )
