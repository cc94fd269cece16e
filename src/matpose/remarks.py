"""What a user should be told of a recording that is readable but may not be what was meant."""

from __future__ import annotations

import numpy as np

from matpose.recording import Flag, Recording

SHORTEST_M = 0.8
LONGEST_M = 2.6
"""Beds, from a cot to an extra-long one, lie between these."""


def remarks(recording: Recording) -> list[str]:
    """Sentences on the reading, the unit, the mat's size and shape, and frames with nobody; none if all is as usual.

    Example:
        >>> from matpose.mat import Mat
        >>> small = Recording(np.ones((1, 40, 20)), Mat(40, 20, 0.0045, 0.0045), "kPa", np.zeros(1), np.zeros(1, int))
        >>> remarks(small)
        ['the mat measures 0.18 x 0.09 m: is the pitch right?']
    """
    said = recording.meta.get("notes", "").splitlines()
    mat = recording.mat
    if recording.unit == "raw":
        said.append("the unit is not known (raw): points work; pressures and forces need --unit or a calibration")
    if mat.pitch_y_m is not None:
        if not SHORTEST_M <= mat.height_m <= LONGEST_M:
            said.append(f"the mat measures {mat.height_m:.2f} x {mat.width_m:.2f} m: is the pitch right?")
        elif mat.width_m > 1.2 * mat.height_m:
            said.append(
                f"the mat is wider ({mat.width_m:.2f} m) than long ({mat.height_m:.2f} m): are rows and columns right?"
            )
    empty = float(np.mean((recording.flags & Flag.EMPTY_BED) > 0)) if len(recording) else 0.0
    if empty > 0.5:
        said.append(f"nobody seems to lie there in {empty:.0%} of the frames; if somebody does, check unit and pitch")
    return said
