"""Where on a map the body ends, and how hard its head, trunk, pelvis and heels press; found from the map alone."""

from __future__ import annotations

from typing import Literal

import numpy as np

from matpose.mat import KPA_PER_UNIT, Mat

LOADED_MMHG = 5.0  # wedges and the sensor's own cross-talk press less
OUTLIERS = 0.005  # share of the force beyond either end: a stray cell is no foot
REGIONS = {"head": (0.0, 0.12), "upper_trunk": (0.12, 0.40), "pelvis": (0.42, 0.64), "heels": (0.88, 1.0)}
"""Bands along the extent, 0 at its head end, 1 at its foot end. With knees drawn up the pelvis lies lower in it."""


def body_extent_m(frames_kpa: np.ndarray, mat: Mat, *, axis: Literal["x", "y"]) -> np.ndarray:
    """The stretch along one axis that holds 99 % of the force of cells of 5 mmHg or more.

    Args:
        frames_kpa: (N, rows, cols) canonical pressure, kPa, without NaN.
        mat: the mat.
        axis: "y" from head to foot, "x" across.

    Returns:
        (N, 2) metres from the mat's head-left corner; cells are taken as evenly loaded. Both 0 where nothing is.

    Example:
        >>> frames = np.zeros((1, 10, 4))
        >>> frames[:, 2:7] = 3.0
        >>> body_extent_m(frames, Mat(10, 4, 0.1, 0.1), axis="y").round(4).tolist()
        [[0.2025, 0.6975]]
    """
    loaded_kpa = np.where(frames_kpa >= LOADED_MMHG * KPA_PER_UNIT["mmHg"], frames_kpa, 0)
    force, _ = along(loaded_kpa, mat, axis)
    pitch_m = mat.pitch_m[0 if axis == "y" else 1]
    edge_m = np.arange(force.shape[1] + 1) * pitch_m
    extent = np.zeros((len(force), 2))
    for index, profile in enumerate(force):
        if profile.any():
            reached = np.concatenate(([0.0], profile.cumsum())) / profile.sum()
            extent[index] = np.interp((OUTLIERS, 1 - OUTLIERS), reached, edge_m)
    return extent


def region_peaks_mmhg(frames_kpa: np.ndarray, mat: Mat) -> dict[str, np.ndarray]:
    """Highest single cell in each of ``REGIONS``: (N, rows, cols) kPa without NaN -> region to (N,) mmHg.

    A cell belongs to the band in which its centre lies. The names hold for people who lie supine and straight.

    Example:
        >>> frames = np.full((1, 50, 10), 2.0)
        >>> frames[0, 25, 5] = 8.0
        >>> peaks = region_peaks_mmhg(frames, Mat(50, 10, 0.03, 0.03))
        >>> round(float(peaks["pelvis"][0])), round(float(peaks["heels"][0]))
        (60, 15)
    """
    start, stop = body_extent_m(frames_kpa, mat, axis="y").T
    centre_m = (np.arange(mat.rows) + 0.5) * mat.pitch_m[0]
    share = (centre_m - start[:, None]) / np.maximum(stop - start, 1e-9)[:, None]  # (N, rows)
    row_peak = frames_kpa.max(2) / KPA_PER_UNIT["mmHg"]
    return {
        name: np.where((share >= low) & (share <= high), row_peak, 0).max(1) for name, (low, high) in REGIONS.items()
    }


def along(frames_kpa: np.ndarray, mat: Mat, axis: Literal["x", "y"]) -> tuple[np.ndarray, np.ndarray]:
    """Pressure summed over the other axis, (N, cells), and the centre of pressure along this one, (N,) metres."""
    profile = frames_kpa.sum(2 if axis == "y" else 1)
    centre_m = (np.arange(profile.shape[1]) + 0.5) * mat.pitch_m[0 if axis == "y" else 1]
    total = profile.sum(1)
    return profile, np.divide(profile @ centre_m, total, out=np.zeros_like(total), where=total > 0)
