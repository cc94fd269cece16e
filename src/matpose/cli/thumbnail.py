"""A pressure map in the terminal: two cells a character, in colour where the terminal has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.style import Style
from rich.text import Text

from matpose.canvas import Canvas

if TYPE_CHECKING:
    from matpose.mat import Mat

HEIGHT = 56  # cells, two to a line
_SHADES = " .:-=+*#%@"
# black, violet, red, orange, pale yellow: evenly brighter
_COLOURS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], float)


def thumbnail(frame: np.ndarray, mat: Mat, *, colour: bool) -> Text:
    """Draw one frame, head edge up, true to the mat's proportions where its pitch is known.

    Args:
        frame: (rows, cols) in any unit; the scale runs from 0 to the 99.5th percentile.
        mat: the mat.
        colour: whether to use colour; else shades of characters.
    """
    if mat.pitch_y_m is None:
        mat = mat.with_changes(pitch_y_m=0.02, pitch_x_m=0.02)
    cell_m = max(mat.height_m / HEIGHT, mat.width_m / HEIGHT)
    rows = max(2, 2 * round(mat.height_m / cell_m / 2))
    canvas = Canvas(rows, max(1, round(mat.width_m / cell_m)), cell_m)
    cells = canvas.resample(frame[None], mat)[0]
    floor = max(0.0, float(np.median(cells))) if cells.min() > 0 else 0.0  # uncalibrated counts stand on a baseline
    top = float(np.percentile(cells, 99.5)) - floor
    shade = np.clip((cells - floor) / top if top > 0 else np.zeros_like(cells), 0, 1)
    picture = Text(no_wrap=True)
    for upper, lower in zip(shade[::2], shade[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            if colour:
                picture.append("▀", Style(color=_hex(above), bgcolor=_hex(below)))
            else:
                picture.append(_SHADES[round(float(above + below) / 2 * (len(_SHADES) - 1))])
        picture.append("\n")
    return picture


def _hex(shade: float) -> str:
    channel = [np.interp(shade, np.linspace(0, 1, len(_COLOURS)), values) for values in _COLOURS.T]
    return "#{:02x}{:02x}{:02x}".format(*(round(float(value)) for value in channel))
