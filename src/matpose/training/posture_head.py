"""The posture head of a trained model: a graph net on its points, learned where recordings say their posture."""

from __future__ import annotations

import numpy as np
import torch

from matpose.evaluation.posture_fit import Graph, fit_posture
from matpose.nn.efd import EFD
from matpose.nn.posture_graph import PostureGraphNet
from matpose.recording import POSTURES
from matpose.training.augmentation import COPIES, varied_copies
from matpose.training.data import Maps
from matpose.training.encode import encode
from matpose.training.recipe import Recipe

NOT_A_POSTURE = ("empty", "unknown")


def fit_posture_head(efd: EFD, recipe: Recipe, maps: Maps) -> tuple[PostureGraphNet | None, tuple[str, ...]]:
    """GraphSAGE on coordinates and features over the kNN graph.

    Args:
        efd: the trained keypoint model.
        recipe: of that model.
        maps: training maps; those without a posture are left out.

    Returns:
        The head and its classes, in the order of ``POSTURES``; (None, ()) if fewer than two postures occur.
    """
    labelled = maps.select(~np.isin(maps.posture, NOT_A_POSTURE))
    postures = tuple(name for name in POSTURES if name in set(labelled.posture.tolist()))
    if len(postures) < 2:
        return None, ()
    pressure = torch.cat((labelled.pressure, varied_copies(labelled.pressure, recipe)))
    xy, features = encode(efd, pressure, recipe.canvas)
    label = np.tile([postures.index(name) for name in labelled.posture], 1 + COPIES)
    graph = Graph(neighbours=min(Graph.neighbours, recipe.points - 1))
    return fit_posture(xy, features, label, classes=len(postures), graph=graph, seed=recipe.seed).net, postures
