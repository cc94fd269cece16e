"""Heterogeneous multi-task learning: where joints are, and in which windows, from one stem.

Source: Li, Liu and Chan, "Heterogeneous Multi-task Learning for Human Pose Estimation with Deep Convolutional Neural
Network", CVPRW 2014, arXiv 1406.3474: sum of lambda_r |y - J|^2 and lambda_d cross-entropy(h, window holds J).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.losses.coordinate import coordinate_loss
from matpose.losses.weighted import weighted_mean
from matpose.zoo.coding.gaussian import in_frame, nearest_cell
from matpose.zoo.heads.blazepose import conv_block
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


def window_of(xy_norm: torch.Tensor, windows: tuple[int, int]) -> torch.Tensor:
    """Which window of a grid over the map holds a joint: (B, J, 2) to (B, J, rows, cols) of 0 and 1.

    Beyond the map none does.

    Example:
        >>> window_of(torch.tensor([[[-0.9, 0.9], [1.2, 0.0]]]), (2, 2)).tolist()
        [[[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]]
    """
    rows, cols = windows
    x, y = nearest_cell(xy_norm, windows).unbind(-1)
    index = torch.where(in_frame(xy_norm, windows), y * cols + x, rows * cols).long()
    return F.one_hot(index, rows * cols + 1)[..., :-1].unflatten(-1, windows).to(xy_norm)


class Tasks(NamedTuple):
    """What :class:`MultiTaskHead` gives.

    Args:
        xy_norm: (B, J, 2), the regression.
        windows: (B, J, rows, cols) logits of the detection.
    """

    xy_norm: torch.Tensor
    windows: torch.Tensor


class MultiTaskHead(Head):
    """Regression answers, detection says how sure it is: the probability of the likeliest window.

    Parts "place" and "detection"; with one's weight 0 the other trains alone.

    Args:
        channels: of the features.
        windows: rows and columns of the grid of windows.
        width: channels of the stem.
        hidden: channels of the regression.

    Example:
        >>> head = MultiTaskHead(8, width=16)
        >>> head.weights["detection"] = 0.0
        >>> head(Seen(torch.rand(2, 8, 16, 8), ())).windows.shape
        torch.Size([2, 14, 8, 4])
    """

    def __init__(
        self,
        channels: int,
        *,
        windows: tuple[int, int] = (8, 4),
        width: int = 64,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        self.weights = {"place": 1.0, "detection": 1.0}
        self.windows = windows
        self.stem = conv_block(channels, width)
        self.detection = nn.Conv2d(width, JOINTS, 3, padding=1)
        self.regression = nn.Sequential(
            nn.Flatten(),
            nn.Linear(width * windows[0] * windows[1], hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, 2 * JOINTS),
        )

    def forward(self, seen: Seen) -> Tasks:
        pooled = F.adaptive_avg_pool2d(self.stem(seen.features), self.windows)
        return Tasks(self.regression(pooled).unflatten(1, (-1, 2)), self.detection(pooled))

    def answer(self, output: Tasks) -> Answer:
        return Answer(output.xy_norm, output.windows.flatten(2).amax(-1).sigmoid())

    def losses(self, output: Tasks, truth: Truth) -> dict[str, torch.Tensor]:
        wanted = window_of(truth.xy_norm, self.windows)
        wrong = F.binary_cross_entropy_with_logits(output.windows, wanted, reduction="none").mean((2, 3))
        return {
            "place": coordinate_loss(output.xy_norm, truth.xy_norm, truth.weight, "l2"),
            "detection": weighted_mean(wrong, truth.weight),
        }
