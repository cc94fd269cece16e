"""Posture from any system's keypoints by the paper's three graph nets, with the same node features for all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matpose.evaluation.posture_fit import Graph, fit_posture
from matpose.evaluation.posture_score import score
from matpose.nn.posture_graph import Layer

LAYERS: tuple[Layer, ...] = ("gcn", "gat", "sage")


class Nodes(NamedTuple):
    """Keypoints of N labelled maps.

    Args:
        xy: (N, J, 2) in half-heights of the canvas.
        score: (N, J), the system's own.
        label: (N,) int.
        subject: (N,) str, who lies there.
    """

    xy: np.ndarray
    score: np.ndarray
    label: np.ndarray
    subject: np.ndarray


def keypoint_posture(fit: Nodes, test: Nodes, classes: int, *, seed: int = 0) -> dict[str, dict[str, float]]:
    """Fit each graph net on some people's keypoints, and test it on others'.

    A node carries its coordinates and its score, three numbers in every system; the graph joins all nodes, as the
    paper's does.

    Args:
        fit, test: of different people.
        classes: how many postures there are.
        seed: of the nets.

    Returns:
        "gcn", "gat", "sage", each with ``accuracy`` and ``balanced_accuracy``.
    """
    found = {}
    for layer in LAYERS:
        graph = Graph(layer=layer, edges="complete")
        net = fit_posture(fit.xy, fit.score[..., None], fit.label, classes=classes, graph=graph, seed=seed)
        chance = net.predict_proba(test.xy, test.score[..., None])[None]
        figures = score(chance, test.label, test.subject, test.subject)
        found[layer] = {name: figures[name] for name in ("accuracy", "balanced_accuracy")}
    return found
