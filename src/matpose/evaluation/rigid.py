"""Rigid residual on real pairs: the same person in the same pose, displaced and turned, must have the same points."""

from __future__ import annotations

import numpy as np


def rigid_residual_m(a_m: np.ndarray, b_m: np.ndarray) -> float:
    """Root-mean-square distance left after the best turn and shift of ``b_m`` onto ``a_m``; no scale, no mirror.

    Args:
        a_m, b_m: (K, 2) the same K points twice, metres.

    Returns:
        Metres. Source: Kabsch, Acta Cryst. A32 (1976), in the plane.

    Example:
        >>> square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
        >>> turned = square @ np.array([[0, 1], [-1, 0]]) + 3
        >>> round(rigid_residual_m(square, turned), 9)
        0.0
    """
    a, b = a_m - a_m.mean(0), b_m - b_m.mean(0)
    angle = np.arctan2((b[:, 0] * a[:, 1] - b[:, 1] * a[:, 0]).sum(), (a * b).sum())
    cos, sin = np.cos(angle), np.sin(angle)
    turned = b @ np.array([[cos, sin], [-sin, cos]])
    return float(np.sqrt(((a - turned) ** 2).sum(1).mean()))


def spread_m(points_m: np.ndarray) -> float:
    """Root-mean-square distance of points (K, 2) from their mean: what a residual is measured against."""
    return float(np.sqrt(((points_m - points_m.mean(0)) ** 2).sum(1).mean()))


def centre_and_axes_m(pressure: np.ndarray, cell_m: float) -> np.ndarray:
    """The simple rival's points: centre of pressure, and one standard deviation along each principal axis.

    Args:
        pressure: (H, W).
        cell_m: side of a cell, metres.

    Returns:
        (5, 2) x and y in metres: centre, feet and head end of the long axis, the two ends of the short one.
    """
    weight = np.clip(pressure, 0, None)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]] + 0.5
    xy = np.stack((x, y), -1).reshape(-1, 2) * cell_m
    share = weight.ravel() / max(float(weight.sum()), 1e-12)
    centre = share @ xy
    values, axes = np.linalg.eigh((xy - centre).T @ ((xy - centre) * share[:, None]))
    long, short = axes[:, 1], axes[:, 0]
    long = long * (np.sign(long[1]) or 1)  # towards the feet
    short = short * (np.sign(short[0] * long[1] - short[1] * long[0]) or 1)  # always on the same hand of it
    sd = np.sqrt(np.clip(values, 0, None))
    return np.stack(
        (centre, centre + sd[1] * long, centre - sd[1] * long, centre + sd[0] * short, centre - sd[0] * short)
    )


def rigid_pairs(
    points_m: np.ndarray, maps: np.ndarray, cell_m: float, series: np.ndarray, code: np.ndarray
) -> dict[str, float]:
    """Residual of displaced pairs, beside that of the centre of pressure and its axes.

    Args:
        points_m: (N, K, 2) the model's points, metres.
        maps: (N, H, W) pressure.
        cell_m: side of a cell, metres.
        series: (N,) str; within a series one person keeps one pose at several places.
        code: (N,) str; each series is measured against its "B2".

    Returns:
        ``rigid_residual_cm``, ``rigid_residual_over_spread`` and the same with ``_axes``; empty without pairs.
    """
    axes_m = np.stack([centre_and_axes_m(pressure, cell_m) for pressure in maps])
    pairs = [
        (int(first), int(other))
        for name in np.unique(series)
        for first in np.flatnonzero((series == name) & (code == "B2"))
        for other in np.flatnonzero((series == name) & (code != "B2"))
    ]
    if not pairs:
        return {}
    answer = {}
    for kind, places_m in (("", points_m), ("_axes", axes_m)):
        residual = np.mean([rigid_residual_m(places_m[first], places_m[other]) for first, other in pairs])
        spread = np.mean([spread_m(places_m[first]) for first, _ in pairs])
        answer[f"rigid_residual{kind}_cm"] = float(100 * residual)
        answer[f"rigid_residual{kind}_over_spread"] = float(residual / spread)
    return answer
