"""Real maps beside simulated ones, measure by measure and posture by posture."""

from __future__ import annotations

import numpy as np
from scipy.stats import wasserstein_distance

from matpose.errors import MatposeError
from matpose.evaluation.realism import THRESHOLDS_MMHG, area_curve_m2, map_measures, power_spectrum
from matpose.mat import Mat

POSTURES = ("supine", "left", "right")
_SUPINE_ONLY = ("head_mmhg", "upper_trunk_mmhg", "pelvis_mmhg", "heels_mmhg")


def compare_maps(
    real_kpa: np.ndarray, real_posture: np.ndarray, simulated_kpa: np.ndarray, simulated_posture: np.ndarray, mat: Mat
) -> dict:
    """Medians, ranges and distances of every measure of :mod:`matpose.evaluation.realism`.

    A distance is the first Wasserstein distance of the two samples over the standard deviation of the real one: 0 for
    the same, about 1 where the simulated maps are off by as much as real people differ. Curves are compared point by
    point (the spectrum by its decimal logarithm) and their distances averaged.

    Args:
        real_kpa, simulated_kpa: (N, rows, cols) canonical pressure on this mat, kPa.
        real_posture, simulated_posture: (N,) str; supine, left and right are compared, others are left out.
        mat: the mat of both.

    Returns:
        JSON-able: posture to ``n_real``, ``n_simulated``, ``mean_distance`` over the scalar measures, ``measures``
        (name to ``real`` and ``simulated``, each ``median``, ``p10``, ``p90``; ``distance``), ``area_m2`` over
        ``threshold_mmhg`` and ``log10_power`` over ``cycles_per_m`` (the same, as lists).

    Raises:
        MatposeError: no posture that both have, or postures that are not one for each map.

    Example:
        >>> maps = np.random.default_rng(0).gamma(1.0, 1.0, (8, 32, 16))
        >>> answer = compare_maps(maps, np.full(8, "left"), maps, np.full(8, "left"), Mat(32, 16, 0.05, 0.05))
        >>> list(answer), answer["left"]["mean_distance"]
        (['left'], 0.0)
    """
    for kpa, posture in ((real_kpa, real_posture), (simulated_kpa, simulated_posture)):
        if len(kpa) != len(posture):
            raise MatposeError(f"{len(kpa)} maps but {len(posture)} postures", mend="give one posture for each map")
    both = [name for name in POSTURES if (real_posture == name).any() and (simulated_posture == name).any()]
    if not both:
        raise MatposeError("real and simulated maps share no posture", mend=f"give maps of {', '.join(POSTURES)}")
    return {
        name: _one_posture(real_kpa[real_posture == name], simulated_kpa[simulated_posture == name], mat, name)
        for name in both
    }


def _one_posture(real_kpa: np.ndarray, simulated_kpa: np.ndarray, mat: Mat, posture: str) -> dict:
    real, simulated = map_measures(real_kpa, mat), map_measures(simulated_kpa, mat)
    measures = {
        name: {
            "real": _range(real[name]),
            "simulated": _range(simulated[name]),
            "distance": distance(real[name], other),
        }
        for name, other in simulated.items()
        if posture == "supine" or name not in _SUPINE_ONLY
    }
    cycles_per_m, real_power = power_spectrum(real_kpa, mat)
    _, simulated_power = power_spectrum(simulated_kpa, mat)
    logs = [np.log10(np.maximum(power, 1e-12)) for power in (real_power, simulated_power)]
    areas = [area_curve_m2(kpa, mat) for kpa in (real_kpa, simulated_kpa)]
    return {
        "n_real": len(real_kpa),
        "n_simulated": len(simulated_kpa),
        "mean_distance": float(np.mean([row["distance"] for row in measures.values()])),
        "measures": measures,
        "area_m2": {"threshold_mmhg": THRESHOLDS_MMHG.tolist(), **_curve(*areas)},
        "log10_power": {"cycles_per_m": cycles_per_m.tolist(), **_curve(*logs)},
    }


def distance(real: np.ndarray, simulated: np.ndarray) -> float:
    """Wasserstein distance of two samples in standard deviations of the real one (in its own unit if that is 0).

    Example:
        >>> real = np.array([-1.0, 1.0])
        >>> distance(real, real + 3), distance(real, real)
        (3.0, 0.0)
    """
    spread = real.std() if real.std() > 1e-9 * np.abs(real).max() else 1.0  # rounding is no spread
    return float(wasserstein_distance(real, simulated) / spread)


def _curve(real: np.ndarray, simulated: np.ndarray) -> dict:
    points = [distance(a, b) for a, b in zip(real.T, simulated.T, strict=True)]
    return {"real": _range(real), "simulated": _range(simulated), "distance": float(np.mean(points))}


def _range(values: np.ndarray) -> dict:
    """Median, 10th and 90th centile over maps, of a scalar or of each point of a curve."""
    low, middle, high = np.percentile(values, (10, 50, 90), axis=0).tolist()
    return {"median": middle, "p10": low, "p90": high}
