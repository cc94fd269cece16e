"""The rows of a posture table: each classifier with what it may look at; one is primary, fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matpose.evaluation import rivals
from matpose.evaluation.posture_fit import Graph, fit_posture
from matpose.evaluation.small_cnn import fit_small_cnn


@dataclass(frozen=True)
class Seen:
    """What is known of N frames without their labels.

    Args:
        canvases: (N, H, W) pressure.
        xy: (N, K, 2) discovered points in half canvas heights, isotropic, origin at the canvas's centre.
        features: (N, K, f).
    """

    canvases: np.ndarray
    xy: np.ndarray
    features: np.ndarray

    def at(self, index: np.ndarray) -> Seen:
        """Some of the frames, by index or mask."""
        return Seen(self.canvases[index], self.xy[index], self.features[index])


Answer = Callable[[Seen], np.ndarray]
"""Frames to probabilities (N, classes)."""

Fit = Callable[[Seen, np.ndarray, int, int], Answer]
"""Training frames, labels (N,), number of classes, seed: to a trained classifier."""


@dataclass(frozen=True)
class Row:
    """One classifier of the table.

    Args:
        name: as printed.
        fit: trains it.
        primary: whether it is the row that the result is read from.
        uses_encoder: whether it looks at points or features.
        graph_net: whether it is a graph net; these take most of the time.
        seeded: whether another seed gives another classifier.
    """

    name: str
    fit: Fit
    primary: bool = False
    uses_encoder: bool = True
    graph_net: bool = False
    seeded: bool = False


RAW_PIXELS = "logistic regression, raw pixels"


def standard_rows() -> tuple[Row, ...]:
    """The graph nets, what they owe to each input, and the rivals that use no points.

    Example:
        >>> [row.name for row in standard_rows() if row.primary]
        ['GraphSAGE']
    """
    return (
        Row("GraphSAGE", _graph(Graph("sage")), primary=True, graph_net=True, seeded=True),
        Row("GCN", _graph(Graph("gcn")), graph_net=True, seeded=True),
        Row("GAT", _graph(Graph("gat")), graph_net=True, seeded=True),
        Row("GraphSAGE, coordinates only", _graph(Graph("sage", nodes="coordinates")), graph_net=True, seeded=True),
        # a nearest-point graph would tell where the points are
        Row(
            "GraphSAGE, features only",
            _graph(Graph("sage", nodes="features", edges="complete")),
            graph_net=True,
            seeded=True,
        ),
        Row("GraphSAGE, shuffled coordinates", _shuffled(_graph(Graph("sage"))), graph_net=True, seeded=True),
        Row("logistic regression, coordinates", _logistic_on_coordinates),
        Row(RAW_PIXELS, _rival(rivals.fit_raw_pixels), uses_encoder=False),
        Row("HOG + nearest neighbour", _rival(rivals.fit_hog_knn), uses_encoder=False),
        Row("small CNN", _small_cnn, uses_encoder=False, seeded=True),
        Row("PCA + logistic regression", _pca_with_as_many_numbers, uses_encoder=False),
        Row("majority class", _rival(rivals.fit_majority), uses_encoder=False),
    )


def _graph(graph: Graph) -> Fit:
    def fit(seen: Seen, label: np.ndarray, classes: int, seed: int) -> Answer:
        fitted = fit_posture(seen.xy, seen.features, label, classes=classes, graph=graph, seed=seed)
        return lambda seen: fitted.predict_proba(seen.xy, seen.features)

    return fit


def _shuffled(inner: Fit) -> Fit:
    """Give every frame the coordinates of another: what is left is the features' own worth."""

    def fit(seen: Seen, label: np.ndarray, classes: int, seed: int) -> Answer:
        answer = inner(_with_others_coordinates(seen, seed), label, classes, seed)
        return lambda seen: answer(_with_others_coordinates(seen, seed))

    return fit


def _with_others_coordinates(seen: Seen, seed: int) -> Seen:
    order = np.random.default_rng(seed).permutation(len(seen.xy))
    xy = np.empty_like(seen.xy)
    xy[order] = seen.xy[np.roll(order, 1)]  # a cycle: no frame keeps its own
    return Seen(seen.canvases, xy, seen.features)


def _logistic_on_coordinates(seen: Seen, label: np.ndarray, classes: int, seed: int) -> Answer:
    predict_proba = rivals.fit_logistic(seen.xy, label, classes)
    return lambda seen: predict_proba(seen.xy)


def _pca_with_as_many_numbers(seen: Seen, label: np.ndarray, classes: int, seed: int) -> Answer:
    predict_proba = rivals.fit_pca(seen.canvases, label, classes, components=seen.xy[0].size)
    return lambda seen: predict_proba(seen.canvases)


def _small_cnn(seen: Seen, label: np.ndarray, classes: int, seed: int) -> Answer:
    predict_proba = fit_small_cnn(seen.canvases, label, classes, seed)
    return lambda seen: predict_proba(seen.canvases)


def _rival(fit_rival: Callable[[np.ndarray, np.ndarray, int], rivals.PredictProba]) -> Fit:
    def fit(seen: Seen, label: np.ndarray, classes: int, seed: int) -> Answer:
        predict_proba = fit_rival(seen.canvases, label, classes)
        return lambda seen: predict_proba(seen.canvases)

    return fit
