"""One set of colours for every picture: pressure, and the numbered points upon it."""

from __future__ import annotations

from functools import cache

import numpy as np

PRESSURE_MAP = "magma"  # perceptually uniform, dark where nobody lies
MISSING_RGB = (96, 104, 112)  # cells without a reading: a grey that the pressure colours never show


@cache
def pressure_rgb() -> np.ndarray:
    """The pressure colours: (256, 3) uint8, from no pressure to full scale."""
    from matplotlib import colormaps  # slow to import, and pictures are not always asked for

    return (colormaps[PRESSURE_MAP](np.arange(256))[:, :3] * 255).round().astype(np.uint8)


def full_scale(maps: np.ndarray) -> float:
    """The pressure drawn in the brightest colour: the loaded cells' 99.5th centile.

    One hot cell would otherwise turn a whole person dark.

    Args:
        maps: any shape, pressure; NaN = no reading.

    Returns:
        A positive number, in the unit of ``maps``.

    Example:
        >>> full_scale(np.array([0.0, np.nan, 4.0, 4.0]))
        4.0
    """
    loaded = maps[maps > 0]  # NaN compares false
    return float(np.percentile(loaded, 99.5)) if loaded.size else 1.0


def brightness(maps: np.ndarray, scale: float) -> np.ndarray:
    """Square root of pressure over full scale, 0..1, so that limbs show beside hips; NaN stays NaN.

    Args:
        maps: any shape, pressure.
        scale: pressure of the brightest colour, see :func:`full_scale`.

    Example:
        >>> brightness(np.array([-1.0, 1.0, 9.0]), 4.0).tolist()
        [0.0, 0.5, 1.0]
    """
    return np.sqrt(np.clip(maps / scale, 0.0, 1.0))


@cache
def point_rgb(index: int) -> tuple[int, int, int]:
    """The colour of a discovered point: the same in every picture, light enough for dark numerals.

    Hues step by the golden angle in OKLCH, so that neighbours in number differ and no hue returns;
    lightness alternates for those who see fewer hues.
    Source: Ottosson, "A perceptual color space for image processing", 2020.

    Args:
        index: number of the point, from 0.

    Returns:
        Red, green, blue, 0..255.

    Example:
        >>> point_rgb(0) == point_rgb(1)
        False
    """
    lightness, chroma = (0.86, 0.13) if index % 2 else (0.74, 0.15)
    hue = np.deg2rad(145 + 137.508 * index)
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.array(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ]
    ).clip(0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (encoded * 255).round().astype(int).tolist()
    return red, green, blue
