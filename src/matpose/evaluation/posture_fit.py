"""Train a posture graph net on points and features: half a minute on one core, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from matpose.errors import MatposeError
from matpose.evaluation.classifier_fit import fit_classifier
from matpose.nn.posture_graph import Edges, Layer, Nodes, PostureGraphNet


@dataclass(frozen=True)
class Graph:
    """Which graph net to train; fields as in :class:`matpose.nn.posture_graph.PostureGraphNet`.

    Example:
        >>> Graph()
        Graph(layer='sage', nodes='coordinates+features', edges='knn', neighbours=6, identity=True)
    """

    layer: Layer = "sage"
    nodes: Nodes = "coordinates+features"
    edges: Edges = "knn"
    neighbours: int = 6
    identity: bool = True


@dataclass(frozen=True)
class FittedPosture:
    """A trained posture net.

    Args:
        net: in eval mode, with its inputs' statistics inside.
    """

    net: PostureGraphNet

    def predict_proba(self, xy: np.ndarray, features: np.ndarray, *, batch: int = 256) -> np.ndarray:
        """Probabilities of the postures: (N, K, 2), (N, K, f) -> (N, classes) float64, rows sum to 1."""
        chunks = zip(_tensor(xy).split(batch), _tensor(features).split(batch), strict=True)
        with torch.no_grad():
            return torch.cat([self.net(a, b).double().softmax(-1) for a, b in chunks]).numpy()


def fit_posture(
    xy: np.ndarray,
    features: np.ndarray,
    label: np.ndarray,
    *,
    classes: int,
    graph: Graph | None = None,
    seed: int = 0,
    epochs: int | None = None,
) -> FittedPosture:
    """Train a graph net on labelled points; the global random state is left as it was.

    Args:
        xy: (N, K, 2) points in half canvas heights, x right, y towards the feet, origin at the centre.
        features: (N, K, f).
        label: (N,) int in 0..classes - 1.
        classes: how many postures there are.
        graph: which net; by default GraphSAGE on coordinates and features over nearest points.
        seed: of weights, order, augmentation and dropout.
        epochs: passes over the frames; by default as :func:`matpose.evaluation.classifier_fit.fit_classifier`.

    Raises:
        MatposeError: no frames, numbers that are not finite, or labels outside the classes.

    Example:
        >>> xy, label = np.random.default_rng(0).normal(size=(24, 8, 2)), np.arange(24) % 2
        >>> xy[..., 0] += label[:, None]
        >>> fitted = fit_posture(xy, np.zeros((24, 8, 1)), label, classes=2, epochs=2)
        >>> fitted.predict_proba(xy, np.zeros((24, 8, 1))).shape
        (24, 2)
    """
    _check(xy, features, label, classes)
    graph = graph or Graph()
    x, f, y = _tensor(xy), _tensor(features), torch.as_tensor(np.asarray(label, np.int64))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = PostureGraphNet(
            graph.layer, x.shape[1], f.shape[2], classes,
            nodes=graph.nodes, edges=graph.edges, neighbours=graph.neighbours, identity=graph.identity,
        )  # fmt: skip
        net.standardise_by(x, f)
        spread = f.std((0, 1))
        fit_classifier(net, lambda index: (_moved(x[index]), _disturbed(f[index], spread)), y, epochs=epochs)
    return FittedPosture(net)


def _moved(xy: Tensor) -> Tensor:
    """The person turned by some 4 degrees, 5 % larger, 3 cm aside; each point off by a centimetre."""
    n = len(xy)
    turn = 0.07 * torch.randn(n)
    cos, sin = turn.cos(), turn.sin()
    rotation = torch.stack([torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1)], -2)  # (B, 2, 2)
    size = 1 + 0.05 * torch.randn(n, 1, 1)
    return size * xy @ rotation + 0.03 * torch.randn(n, 1, 2) + 0.01 * torch.randn_like(xy)


def _disturbed(features: Tensor, spread: Tensor) -> Tensor:
    """Another person's weight (a gain for all features) and a little noise."""
    gain = 1 + 0.1 * torch.randn(len(features), 1, 1)
    return gain * features + 0.1 * spread * torch.randn_like(features)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.as_tensor(np.asarray(array, np.float32))


def _check(xy: np.ndarray, features: np.ndarray, label: np.ndarray, classes: int) -> None:
    if len(label) == 0:
        raise MatposeError("there are no frames to learn postures from", mend="give labelled frames of other subjects")
    if not (np.isfinite(xy).all() and np.isfinite(features).all()):
        raise MatposeError("some points or features are not finite", mend="leave out the flagged frames")
    if np.min(label) < 0 or np.max(label) >= classes:
        raise MatposeError(f"a label lies outside 0..{classes - 1}", mend="number the classes from 0")
