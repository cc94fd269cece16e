"""What a pressure map measures: scalars and curves by which simulated maps can be held against real ones.

Everything is read from the map alone, by the same rule whether it was sensed or computed, and nothing needs joints.
"""

from __future__ import annotations

import numpy as np

from matpose.errors import MatposeError
from matpose.evaluation.realism_regions import LOADED_MMHG, along, body_extent_m, region_peaks_mmhg
from matpose.mat import KPA_PER_UNIT, Mat

MMHG = KPA_PER_UNIT["mmHg"]
TOUCHED_MMHG = 1.0
THRESHOLDS_MMHG = np.geomspace(0.5, 100.0, 24)
"""Pressures at which :func:`area_curve_m2` is read."""


def map_measures(frames_kpa: np.ndarray, mat: Mat) -> dict[str, np.ndarray]:
    """The scalar measures of every map.

    Args:
        frames_kpa: (N, rows, cols) canonical pressure, kPa; NaN counts as no pressure.
        mat: the mat, of known pitch.

    Returns:
        Name to (N,) float64: ``area_1mmhg_m2``, ``area_5mmhg_m2`` contact area; ``mean_1mmhg_mmhg``,
        ``mean_5mmhg_mmhg`` mean pressure over it (0 where nothing is loaded); ``force_n``; ``length_m``, ``width_m`` of
        the body's extent; ``symmetry`` 0..1; ``centre_x_m`` of pressure right of the mat's midline and
        ``centre_along`` 0..1 from the head end of the extent to its foot end; ``head_mmhg``, ``upper_trunk_mmhg``,
        ``pelvis_mmhg``, ``heels_mmhg`` single-cell peaks by :func:`.realism_regions.region_peaks_mmhg`.

    Raises:
        MatposeError: frames that are not on the mat's grid.

    Example:
        >>> measures = map_measures(np.full((1, 20, 10), 2.0), Mat(20, 10, 0.05, 0.05))
        >>> {name: round(float(measures[name][0]), 2) for name in ("area_1mmhg_m2", "force_n", "symmetry")}
        {'area_1mmhg_m2': 0.5, 'force_n': 1000.0, 'symmetry': 1.0}
    """
    frames_kpa = pressure(frames_kpa, mat)
    mmhg = frames_kpa / MMHG
    pitch_y_m, pitch_x_m = mat.pitch_m
    cell_m2 = pitch_y_m * pitch_x_m
    measures = {}
    for least in (TOUCHED_MMHG, LOADED_MMHG):
        loaded = mmhg >= least
        count = loaded.sum((1, 2))
        measures[f"area_{least:g}mmhg_m2"] = count * cell_m2
        measures[f"mean_{least:g}mmhg_mmhg"] = np.where(loaded, mmhg, 0).sum((1, 2)) / np.maximum(count, 1)
    measures["force_n"] = 1000 * cell_m2 * frames_kpa.sum((1, 2))
    top, bottom = body_extent_m(frames_kpa, mat, axis="y").T
    left, right = body_extent_m(frames_kpa, mat, axis="x").T
    centre_x_m, centre_y_m = along(frames_kpa, mat, "x")[1], along(frames_kpa, mat, "y")[1]
    length_m = bottom - top
    return {
        **measures,
        "length_m": length_m,
        "width_m": right - left,
        "symmetry": _symmetry(frames_kpa, centre_x_m / pitch_x_m - 0.5),
        "centre_x_m": centre_x_m - mat.width_m / 2,
        "centre_along": np.divide(centre_y_m - top, length_m, out=np.zeros_like(top), where=length_m > 0),
        **{f"{name}_mmhg": peak for name, peak in region_peaks_mmhg(frames_kpa, mat).items()},
    }


def area_curve_m2(frames_kpa: np.ndarray, mat: Mat) -> np.ndarray:
    """Area above each of ``THRESHOLDS_MMHG``: (N, rows, cols) kPa -> (N, 24) m2.

    Example:
        >>> curve = area_curve_m2(np.full((1, 20, 10), 10 * MMHG), Mat(20, 10, 0.05, 0.05))
        >>> curve[0, THRESHOLDS_MMHG < 10].min().round(6), curve[0, THRESHOLDS_MMHG > 10].max()
        (np.float64(0.5), np.float64(0.0))
    """
    mmhg = pressure(frames_kpa, mat) / MMHG
    pitch_y_m, pitch_x_m = mat.pitch_m
    return np.stack([(mmhg >= least).sum((1, 2)) for least in THRESHOLDS_MMHG], 1) * (pitch_y_m * pitch_x_m)


def power_spectrum(frames_kpa: np.ndarray, mat: Mat) -> tuple[np.ndarray, np.ndarray]:
    """Radially averaged power spectrum of the root pressure: how much detail of which size a map has.

    Args:
        frames_kpa: (N, rows, cols) canonical pressure, kPa.
        mat: the mat.

    Returns:
        (B,) middles of the rings in cycles per metre, equally wide up to the coarser axis's limit (half a cycle a
        cell), and (N, B) mean power in each ring over the mean of all but the constant: a heavier person has the same.

    Example:
        >>> waves = 1 + np.cos(2 * np.pi * 9 * np.arange(64) / 64)  # nine over the mat's 1.92 m: 4.7 a metre
        >>> stripes = np.tile(waves[:, None], (1, 1, 32)) ** 2
        >>> cycles_per_m, power = power_spectrum(stripes, Mat(64, 32, 0.03, 0.03))
        >>> round(float(cycles_per_m[power[0].argmax()]), 1)
        4.7
    """
    root = np.sqrt(pressure(frames_kpa, mat))
    power = np.abs(np.fft.fft2(root)) ** 2  # (N, rows, cols)
    power[:, 0, 0] = 0
    power /= np.maximum(power.mean((1, 2), keepdims=True), np.finfo(np.float64).tiny)
    frequency = [
        np.fft.fftfreq(cells, pitch_m) for cells, pitch_m in zip((mat.rows, mat.cols), mat.pitch_m, strict=True)
    ]
    radius = np.hypot(frequency[0][:, None], frequency[1])
    width = 1 / min(mat.height_m, mat.width_m)  # narrower rings could hold no coefficient at all
    rings = max(1, int(0.5 / max(mat.pitch_m) / width))
    # harmonics of the narrower side lie on the rings' edges: rounding must not deal them out
    ring = np.where(radius > 0, radius / width + 1e-6, rings).astype(int)
    averages = [power[:, ring == index].mean(1) for index in range(rings)]
    return (np.arange(rings) + 0.5) * width, np.stack(averages, 1)


def pressure(frames_kpa: np.ndarray, mat: Mat) -> np.ndarray:
    """(N, rows, cols) float64 without NaN or negative numbers.

    Raises:
        MatposeError: frames that are not on the mat's grid.
    """
    if frames_kpa.ndim != 3 or frames_kpa.shape[1:] != (mat.rows, mat.cols):
        raise MatposeError(
            f"frames of shape {frames_kpa.shape} on a mat of {mat.rows} x {mat.cols} cells", mend="give (N, rows, cols)"
        )
    return np.clip(np.nan_to_num(frames_kpa, nan=0.0), 0, None).astype(np.float64)


def _symmetry(frames_kpa: np.ndarray, centre_col: np.ndarray) -> np.ndarray:
    """Bhattacharyya coefficient of each map and its mirror image about the centre of pressure: (N,) in 0..1."""
    cols = frames_kpa.shape[2]
    opposite = 2 * centre_col[:, None] - np.arange(cols)  # (N, cols), the column that each is held against
    weight = np.maximum(1 - np.abs(opposite[:, None, :] - np.arange(cols)[None, :, None]), 0)  # linear interpolation
    mirrored = np.matmul(frames_kpa, weight)
    total = np.sqrt(frames_kpa.sum((1, 2)) * mirrored.sum((1, 2)))
    overlap = np.sqrt(frames_kpa * mirrored).sum((1, 2))
    return np.divide(overlap, total, out=np.zeros_like(total), where=total > 0)
