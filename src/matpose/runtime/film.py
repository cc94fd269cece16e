"""Overlays as files: one PNG a frame, or a GIF film."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from matpose.atomic import atomic_path
from matpose.errors import MatposeError
from matpose.evaluation.palette import MISSING_RGB, point_rgb, pressure_rgb
from matpose.runtime.overlay import BAND_RGB, WARNING_RGB

GIF_FRAMES = 300


def write_pngs(folder: str | PathLike[str], images: Iterable[tuple[int, Image.Image]]) -> int:
    """Write one ``frame_000012.png`` a picture, in place of those an earlier film left there.

    Args:
        folder: made if missing.
        images: (frame, picture) pairs; a generator will do.

    Returns:
        Number of files written.

    Raises:
        MatposeError: the folder cannot be written to.
    """
    for older in Path(folder).glob("frame_*.png"):
        older.unlink()
    count = 0
    for frame, image in images:
        with atomic_path(Path(folder) / f"frame_{frame:06d}.png") as temporary:
            image.save(temporary, compress_level=3)  # the default takes three times as long for 5 % less
        count += 1
    return count


def write_gif(path: str | PathLike[str], images: Iterable[Image.Image], fps: float) -> str | None:
    """Write an endless GIF film of at most ``GIF_FRAMES`` pictures, in one shared palette.

    Args:
        path: the file.
        images: pictures of one size; a generator will do.
        fps: pictures a second, above 0 and up to 50, the most that browsers play.

    Returns:
        None, or a sentence for the user when the film leaves pictures out.

    Raises:
        MatposeError: no picture, an impossible rate, or a place that cannot be written to.
    """
    if not 0 < fps <= 50:
        raise MatposeError(f"a film of {fps:g} pictures a second", mend="give more than 0 and at most 50")
    source = iter(images)
    first = next(source, None)
    if first is None:
        raise MatposeError("a film without pictures", mend="choose a range that holds frames", path=path)
    palette = _palette()
    film = [first.quantize(palette=palette, dither=Image.Dither.NONE)]
    for image in source:
        if len(film) == GIF_FRAMES:
            note = f"{Path(path).name} holds the first {GIF_FRAMES} frames only; choose a range, or write PNGs"
            break
        film.append(image.quantize(palette=palette, dither=Image.Dither.NONE))
    else:
        note = None
    with atomic_path(path) as temporary:
        film[0].save(temporary, format="GIF", save_all=True, append_images=film[1:], duration=1000 / fps, loop=0)
    return note


@cache
def _palette() -> Image.Image:
    """The 256 colours of every film: pressure, points, greys for text. Fixed, so that no point turns grey
    because the first picture lacked it."""
    pressure = pressure_rgb()[np.linspace(0, 255, 120).round().astype(int)].tolist()
    points = [point_rgb(index) for index in range(100)]
    greys = [(level, level, level) for level in np.linspace(0, 255, 33).round().astype(int).tolist()]
    colours = [BAND_RGB, WARNING_RGB, MISSING_RGB, *points, *greys, *pressure]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in colours for channel in colour])
    return palette
