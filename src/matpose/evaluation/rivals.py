"""Plain classifiers that the graph nets must beat: fit on arrays and labels, get a function to probabilities.

Each takes ``(x, label, classes)`` and returns ``predict_proba``: (N, ...) -> (N, classes) float64, zero
for a class that the training labels lack.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from skimage.feature import hog
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PredictProba = Callable[[np.ndarray], np.ndarray]

PENALTY_C = 0.01  # inverse L2 strength on standardised inputs: far more numbers than independent maps
HOG_CELL = 8
HOG_NEIGHBOURS = 1


def sqrt_pressure(canvases: np.ndarray) -> np.ndarray:
    """Root of each frame's pressure over that of its peak: (N, H, W) any unit -> (N, H * W) in 0..1.

    Example:
        >>> sqrt_pressure(np.array([[[0.0, 1.0], [4.0, 0.0]]])).tolist()
        [[0.0, 0.5, 1.0, 0.0]]
    """
    root = np.sqrt(np.clip(canvases, 0, None)).reshape(len(canvases), -1)
    peak = root.max(1, keepdims=True)
    return np.divide(root, peak, out=np.zeros_like(root), where=peak > 0)


def fit_majority(x: np.ndarray, label: np.ndarray, classes: int) -> PredictProba:
    """Always the commonest training class.

    Example:
        >>> fit_majority(np.zeros((3, 2)), np.array([1, 1, 0]), 2)(np.zeros((1, 2))).tolist()
        [[0.0, 1.0]]
    """
    answer = np.eye(classes)[np.bincount(label, minlength=classes).argmax()]
    return lambda x: np.tile(answer, (len(x), 1))


def fit_logistic(x: np.ndarray, label: np.ndarray, classes: int) -> PredictProba:
    """Multinomial logistic regression on the numbers of each sample, standardised.

    Args:
        x: (N, ...), flattened.
        label: (N,) int in 0..classes - 1.
        classes: how many there are.
    """
    return _fit(make_pipeline(StandardScaler(), _logistic()), _flat, x, label, classes)


def fit_raw_pixels(canvases: np.ndarray, label: np.ndarray, classes: int) -> PredictProba:
    """Logistic regression on root pressure, cell by cell; canvases (N, H, W)."""
    return _fit(make_pipeline(StandardScaler(), _logistic()), sqrt_pressure, canvases, label, classes)


def fit_pca(canvases: np.ndarray, label: np.ndarray, classes: int, *, components: int = 64) -> PredictProba:
    """Logistic regression on the first principal components of root pressure; canvases (N, H, W).

    Args:
        components: how many numbers a map becomes; 2K for a fair match with K points' coordinates.
    """
    kept = min(components, len(canvases), canvases[0].size)
    model = make_pipeline(PCA(kept, svd_solver="full"), StandardScaler(), _logistic())
    return _fit(model, sqrt_pressure, canvases, label, classes)


def fit_hog_knn(canvases: np.ndarray, label: np.ndarray, classes: int) -> PredictProba:
    """Nearest neighbour by oriented gradients (HOG: Dalal and Triggs, CVPR 2005); canvases (N, H, W)."""
    return _fit(KNeighborsClassifier(HOG_NEIGHBOURS), _hog, canvases, label, classes)


def _logistic() -> LogisticRegression:
    return LogisticRegression(C=PENALTY_C, max_iter=2000)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _hog(canvases: np.ndarray) -> np.ndarray:
    roots = sqrt_pressure(canvases).reshape(canvases.shape)
    cell = (HOG_CELL, HOG_CELL)
    return np.stack([hog(root, pixels_per_cell=cell, cells_per_block=(2, 2)) for root in roots])


def _fit(
    model, describe: Callable[[np.ndarray], np.ndarray], x: np.ndarray, label: np.ndarray, classes: int
) -> PredictProba:
    present = np.unique(label)
    if len(present) == 1:  # a regression needs two classes
        return fit_majority(x, label, classes)
    model.fit(describe(x), label)

    def predict_proba(x: np.ndarray) -> np.ndarray:
        probabilities = np.zeros((len(x), classes))
        probabilities[:, present] = model.predict_proba(describe(x))
        return probabilities

    return predict_proba
