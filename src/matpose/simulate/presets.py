"""The postures of published data sets, to be simulated one after another: PmatData's seventeen."""

from __future__ import annotations

from dataclasses import replace

from matpose.mat import Mat
from matpose.simulate.sample import Sample
from matpose.simulate.scene import draw_sample

PMATDATA = {
    1: ("supine", 0.0), 2: ("right-side", 0.0), 3: ("left-side", 0.0),
    4: ("right-roll-30", 0.0), 5: ("right-roll-60", 0.0), 6: ("left-roll-30", 0.0), 7: ("left-roll-60", 0.0),
    8: ("hands-behind-head", 0.0), 9: ("hands-on-belly", 0.0), 10: ("knees-up", 0.0),
    11: ("right-leg-over", 0.0), 12: ("left-leg-over", 0.0), 13: ("right-foetal", 0.0), 14: ("left-foetal", 0.0),
    15: ("supine", 30.0), 16: ("supine", 45.0), 17: ("supine", 60.0),
}  # fmt: skip
"""Number of a posture of experiment i to the style of lying and how far the bed is raised, degrees.

Read off the maps of S1 to S6 and the data set's own drawings; 11 shows the left leg only, and 12 the right.
"""


def draw_pmatdata(index: int, *, seed: int, mat: Mat, sensor: bool = True, bodies: str = "light") -> Sample:
    """One of the seventeen postures: person ``index // 17`` in posture ``index % 17 + 1``, told as fact "posture17".

    Args:
        index, seed, mat, sensor, bodies: as for :func:`matpose.simulate.scene.draw_sample`.

    Example:
        >>> from matpose.mat import preset
        >>> draw_pmatdata(1, seed=0, mat=preset("pmatdata-i")).posture
        'right'
    """
    person, number = index // len(PMATDATA), index % len(PMATDATA) + 1
    style, raised_deg = PMATDATA[number]
    sample = draw_sample(
        index, seed=seed, mat=mat, style=style, person=person, sensor=sensor, raised_deg=raised_deg, bodies=bodies
    )
    return replace(sample, facts={**sample.facts, "posture17": str(number)})
