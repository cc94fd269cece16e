"""A mat that nobody sells: pitch, proportions and size at random, so that a network learns no grid by heart."""

from __future__ import annotations

import numpy as np

from matpose.mat import Mat

PITCH_M = (0.012, 0.080)  # from Tekscan's finest bed mats to home-made ones of three hundred cells
OBLONG = 1.4  # the most by which a cell is longer one way than the other
HEIGHT_M, WIDTH_M = (1.5, 2.2), (0.65, 1.2)


def draw_mat(rng: np.random.Generator) -> Mat:
    """A mat at random; fine pitches are as likely as coarse ones, by ratio.

    Args:
        rng: the only source of chance.

    Example:
        >>> mat = draw_mat(np.random.default_rng(0))
        >>> 1.4 < mat.height_m < 2.3 and 0.6 < mat.width_m < 1.3
        True
    """
    pitch_m = np.exp(rng.uniform(*np.log(PITCH_M)))
    oblong = np.exp(rng.uniform(-0.5, 0.5) * np.log(OBLONG))
    pitch_y_m, pitch_x_m = float(pitch_m * oblong), float(pitch_m / oblong)
    rows, cols = (
        max(1, round(rng.uniform(*size_m) / pitch)) for size_m, pitch in ((HEIGHT_M, pitch_y_m), (WIDTH_M, pitch_x_m))
    )
    return Mat(rows, cols, pitch_y_m, pitch_x_m)
