"""Linear probe: can named joints be read off the points' coordinates by one matrix? With the rivals to beat."""

from __future__ import annotations

import numpy as np

from matpose.errors import MatposeError
from matpose.evaluation.rigid import centre_and_axes_m
from matpose.recording import JOINT_NAMES

RIDGE = 1e-4
"""Penalty on standardised inputs, a map; enough for inputs that hardly vary."""

_HEAD, _THORAX = JOINT_NAMES.index("head_top"), JOINT_NAMES.index("thorax")


def linear_probe(
    xy_train: np.ndarray,
    joints_train: np.ndarray,
    xy_test: np.ndarray,
    joints_test: np.ndarray,
    *,
    height_m: float = 2.048,
) -> dict[str, float]:
    """Fit Y = X W on training people and measure it on others.

    Args:
        xy_train, xy_test: (N, 2K) coordinates of the points, or any other numbers for a rival.
        joints_train, joints_test: (N, 14, 2) metres, in the order of ``JOINT_NAMES``.
        height_m: of the canvas, for the error in per cent.

    Returns:
        As :func:`joint_errors`.

    Raises:
        MatposeError: no frames, or numbers that are not finite.

    Example:
        >>> xy = np.random.default_rng(0).random((50, 28))
        >>> round(linear_probe(xy, xy.reshape(50, 14, 2), xy, xy.reshape(50, 14, 2))["pckh50"], 2)
        1.0
    """
    for array in (xy_train, joints_train, xy_test, joints_test):
        if not len(array) or not np.isfinite(array).all():
            raise MatposeError(
                "the probe needs finite points and joints", mend="leave out flagged and unlabelled frames"
            )
    mean, spread = xy_train.mean(0), np.maximum(xy_train.std(0), 1e-6)
    x = (xy_train - mean) / spread
    y = joints_train.reshape(len(x), -1)
    weight = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ (y - y.mean(0)))
    predicted = (xy_test - mean) / spread @ weight + y.mean(0)
    return joint_errors(predicted.reshape(-1, *joints_train.shape[1:]), joints_test, height_m=height_m)


def joint_errors(predicted_m: np.ndarray, true_m: np.ndarray, *, height_m: float = 2.048) -> dict[str, float]:
    """Mean joint error, and the share of joints within half or a fifth of the head segment (PCKh).

    Args:
        predicted_m, true_m: (N, 14, 2) metres.
        height_m: of the canvas.

    Returns:
        ``error_cm``; ``error_pct`` of the canvas's height; ``pckh50`` and ``pckh20`` in 0..1. The head segment is
        that frame's distance from head_top to thorax (Andriluka et al., CVPR 2014).
    """
    distance = np.linalg.norm(predicted_m - true_m, axis=-1)  # (N, 14)
    head = np.linalg.norm(true_m[:, _HEAD] - true_m[:, _THORAX], axis=-1)[:, None]
    return {
        "error_cm": float(100 * distance.mean()),
        "error_pct": float(100 * distance.mean() / height_m),
        "pckh50": float((distance <= 0.5 * head).mean()),
        "pckh20": float((distance <= 0.2 * head).mean()),
    }


def probe_rivals(
    maps_train: np.ndarray,
    joints_train: np.ndarray,
    posture_train: np.ndarray,
    maps_test: np.ndarray,
    joints_test: np.ndarray,
    posture_test: np.ndarray,
    *,
    cell_m: float,
    numbers: int,
) -> dict[str, dict[str, float]]:
    """What the points must beat, fitted on the same training people.

    Args:
        maps_train, maps_test: (N, H, W) pressure.
        joints_train, joints_test: (N, 14, 2) metres.
        posture_train, posture_test: (N,) str; a posture that training lacks gets the mean over all.
        cell_m: side of a cell, metres.
        numbers: 2K, the numbers PCA may use.

    Returns:
        ``mean_pose``; ``posture_mean`` (told the true posture); ``pca`` of the root of pressure; ``centre_and_axes``;
        each as :func:`joint_errors`.
    """
    from sklearn.decomposition import PCA

    height_m = maps_train.shape[1] * cell_m
    overall = joints_train.mean(0)
    by_posture = {name: joints_train[posture_train == name].mean(0) for name in np.unique(posture_train)}
    told = np.stack([by_posture.get(name, overall) for name in posture_test])
    flat = [np.sqrt(np.clip(maps, 0, None)).reshape(len(maps), -1) for maps in (maps_train, maps_test)]
    pca = PCA(min(numbers, *flat[0].shape), random_state=0).fit(flat[0])
    axes = [
        np.stack([centre_and_axes_m(pressure, cell_m).ravel() for pressure in maps]) for maps in (maps_train, maps_test)
    ]

    def probe(train: np.ndarray, test: np.ndarray) -> dict[str, float]:
        return linear_probe(train, joints_train, test, joints_test, height_m=height_m)

    return {
        "mean_pose": joint_errors(np.broadcast_to(overall, joints_test.shape), joints_test, height_m=height_m),
        "posture_mean": joint_errors(told, joints_test, height_m=height_m),
        "pca": probe(pca.transform(flat[0]), pca.transform(flat[1])),
        "centre_and_axes": probe(*axes),
    }
