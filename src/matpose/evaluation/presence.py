"""How well presence of pressure is told (CRWT stage 1), beside answers that cost nothing."""

from __future__ import annotations

import numpy as np


def f_score(predicted: np.ndarray, present: np.ndarray, on_mat: np.ndarray) -> float:
    """F1 of "pressure present" over the cells of the mat.

    Args:
        predicted, present, on_mat: bool arrays that broadcast together.

    Returns:
        0..1.

    Example:
        >>> f_score(np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool), np.ones(4, bool))
        0.5
    """
    hit = np.sum(predicted & present & on_mat)
    wrong = np.sum((predicted != present) & on_mat)
    return float(2 * hit / max(2 * hit + wrong, 1))


def presence_rivals(
    train: np.ndarray,
    train_present: np.ndarray,
    test: np.ndarray,
    test_present: np.ndarray,
    test_on_mat: np.ndarray,
    *,
    numbers: int,
) -> dict[str, float]:
    """F-scores of the simple rivals on the test maps, fitted on the training maps.

    Args:
        train, test: (N, H, W) maps as the encoder sees them.
        train_present, test_present, test_on_mat: (N, H, W) bool.
        numbers: how many numbers a map may be squeezed into by PCA: as many as the model's K x (2 + f).

    Returns:
        ``all_ones``, ``mean_map`` (cells loaded in most training maps), ``pca``; PCA's threshold is the one that
        suits the training maps best, and its components are at most as many as there are training maps.
    """
    from sklearn.decomposition import PCA

    flat = train.reshape(len(train), -1)
    pca = PCA(n_components=min(numbers, len(flat) - 1), random_state=0).fit(flat)

    def rebuilt(maps: np.ndarray) -> np.ndarray:
        return pca.inverse_transform(pca.transform(maps.reshape(len(maps), -1))).reshape(maps.shape)

    of_train = rebuilt(train)
    everywhere = np.ones_like(train_present)
    thresholds = np.linspace(0.01, 0.4, 40)
    best = max(thresholds, key=lambda level: f_score(of_train > level, train_present, everywhere))
    return {
        "all_ones": f_score(np.ones_like(test_present), test_present, test_on_mat),
        "mean_map": f_score(train_present.mean(0) > 0.5, test_present, test_on_mat),
        "pca": f_score(rebuilt(test) > best, test_present, test_on_mat),
    }
