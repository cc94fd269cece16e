"""Confidence of an accuracy when people, not frames, are what was sampled."""

from __future__ import annotations

import numpy as np


def subject_bootstrap(
    correct: np.ndarray, subject: np.ndarray, *, draws: int = 10_000, seed: int = 0
) -> tuple[float, float] | None:
    """95 % interval of the frame accuracy, resampling whole subjects with replacement.

    Frames of one person are near copies of each other; resampling them singly would promise an interval
    many times too narrow (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 8).

    Args:
        correct: (N,) share of right answers for each frame, 0..1.
        subject: (N,) who lies there.
        draws: resamples.
        seed: of the resampling.

    Returns:
        (low, high), or None where fewer than two subjects leave nothing to resample.

    Example:
        >>> subject_bootstrap(np.array([1.0, 1.0, 0.0]), np.array(["a", "a", "b"]))
        (0.0, 1.0)
    """
    names, who = np.unique(subject, return_inverse=True)
    if len(names) < 2:
        return None
    right = np.bincount(who, weights=correct)  # (S,)
    frames = np.bincount(who)
    times = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    low, high = np.percentile(times @ right / (times @ frames), (2.5, 97.5))
    return float(low), float(high)


def centile_bootstrap(
    values: np.ndarray, subject: np.ndarray, centile: float = 50, *, draws: int = 1000, seed: int = 0
) -> tuple[float, float] | None:
    """95 % interval of a centile, resampling whole subjects with replacement, as :func:`subject_bootstrap` does.

    Args:
        values: (N,) numbers.
        subject: (N,) whose they are.
        centile: in 0..100.
        draws: resamples.
        seed: of the resampling.

    Returns:
        (low, high), or None where fewer than two subjects leave nothing to resample.

    Example:
        >>> centile_bootstrap(np.array([1.0, 1.0, 5.0]), np.array(["a", "a", "b"]))
        (1.0, 5.0)
    """
    names, who = np.unique(subject, return_inverse=True)
    if len(names) < 2:
        return None
    order = np.argsort(values)
    times = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    found = np.empty(draws)
    for draw, weight in enumerate(times):
        below = np.cumsum(weight[who[order]])
        found[draw] = values[order[np.searchsorted(below, max(1, centile / 100 * below[-1]))]]
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)
