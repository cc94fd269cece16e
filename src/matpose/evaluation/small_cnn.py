"""The rival with every label and no points: a small convolutional net straight from the map to the posture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from matpose.evaluation.classifier_fit import fit_classifier
from matpose.evaluation.rivals import PredictProba, sqrt_pressure

WIDTHS = (16, 32, 64)
POOLED = (4, 2)


def small_cnn(classes: int) -> nn.Sequential:
    """Three steps down, two convolutions each, then a linear head over 4 x 2 places: about 80,000 parameters.

    Example:
        >>> small_cnn(3)(torch.rand(2, 1, 64, 32)).shape
        torch.Size([2, 3])
    """
    layers: list[nn.Module] = []
    width_in = 1
    for width in WIDTHS:
        for channels_in, stride in ((width_in, 2), (width, 1)):
            layers += [
                nn.Conv2d(channels_in, width, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
        width_in = width
    cells = POOLED[0] * POOLED[1] * width_in
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(POOLED), nn.Flatten(), nn.Dropout(0.5), nn.Linear(cells, classes)
    )


def fit_small_cnn(canvases: np.ndarray, label: np.ndarray, classes: int, seed: int) -> PredictProba:
    """Train it on root pressure, on the same frames and varied copies as the graph nets.

    The global random state is left as it was.

    Args:
        canvases: (N, H, W) pressure, any unit.
        label: (N,) int in 0..classes - 1.
        classes: how many there are.
        seed: of weights, order and dropout.
    """
    pictures = _pictures(canvases)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = small_cnn(classes)
        fit_classifier(net, lambda index: (pictures[index],), torch.as_tensor(np.asarray(label, np.int64)))

    def predict_proba(canvases: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([net(some).double().softmax(1) for some in _pictures(canvases).split(256)]).numpy()

    return predict_proba


def _pictures(canvases: np.ndarray) -> Tensor:
    return torch.as_tensor(sqrt_pressure(canvases).reshape(canvases.shape), dtype=torch.float32)[:, None]
