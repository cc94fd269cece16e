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
    who, times = _resampled(subject, draws, seed)
    if times.shape[1] < 2:
        return None
    right, frames = np.bincount(who, weights=correct), np.bincount(who)  # (S,)
    return _interval(times @ right / (times @ frames))


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
    who, times = _resampled(subject, draws, seed)
    if times.shape[1] < 2:
        return None
    order = np.argsort(values)
    found = np.empty(draws)
    for draw, weight in enumerate(times):
        below = np.cumsum(weight[who[order]])
        found[draw] = values[order[np.searchsorted(below, max(1, centile / 100 * below[-1]))]]
    return _interval(found)


def _resampled(subject: np.ndarray, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of each value's subject (N,), and how often each of S subjects is in each resample (draws, S)."""
    names, who = np.unique(subject, return_inverse=True)
    even = np.full(len(names), 1 / max(1, len(names)))
    return who, np.random.default_rng(seed).multinomial(len(names), even, size=draws)


def _interval(found: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)
