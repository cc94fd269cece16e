"""Residual log-likelihood estimation: regression whose error's shape is learned (Li et al., ICCV 2021)."""

from __future__ import annotations

import math
from itertools import cycle
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.losses.laplace import LEAST_LOG_SCALE
from matpose.losses.weighted import weighted_mean
from matpose.zoo.heads.deeppose import PooledRegression
from matpose.zoo.system import Answer, Head, Seen, Truth


class LaplaceFlow(nn.Module):
    """A density over the plane: RealNVP on a round Laplace base (Dinh et al., ICLR 2017); at first the base itself.

    Every layer keeps one coordinate and moves the other by what the kept one says: x' = x exp(s) + t.

    Args:
        layers: of coupling, alternating between x and y.
        width: of the networks that say s and t.

    Example:
        >>> round(LaplaceFlow().log_prob(torch.tensor([0.6, 0.8])).exp().item() * 2 * math.pi * math.e, 4)
        1.0
    """

    def __init__(self, layers: int = 6, width: int = 64) -> None:
        super().__init__()
        self.couplings = nn.ModuleList()
        for _ in range(layers):
            last = nn.Linear(width, 2)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.couplings.append(
                nn.Sequential(nn.Linear(1, width), nn.LeakyReLU(), nn.Linear(width, width), nn.LeakyReLU(), last)
            )

    def log_prob(self, xy: torch.Tensor) -> torch.Tensor:
        """Natural logarithm of the density at places (..., 2): (...)."""
        log_determinant = torch.zeros_like(xy[..., 0])
        for coupling, kept in zip(self.couplings, cycle((0, 1)), strict=False):
            log_stretch, shift = coupling(xy[..., kept : kept + 1]).unbind(-1)
            log_stretch = log_stretch.tanh()
            moved = xy[..., 1 - kept] * log_stretch.exp() + shift
            xy = torch.stack((xy[..., 0], moved) if kept == 0 else (moved, xy[..., 1]), -1)
            log_determinant = log_determinant + log_stretch
        return log_determinant - xy.norm(dim=-1) - math.log(2 * math.pi)


class Place(NamedTuple):
    """What the head says of J joints of B people: places (B, J, 2), and the logarithm of their scales (B, J)."""

    xy_norm: torch.Tensor
    log_scale: torch.Tensor


class ResidualLikelihoodHead(Head):
    """Pooled features to places mu and scales s; -log phi((y - mu) / s) + 2 log s, with phi a :class:`LaplaceFlow`.

    The paper's phi is a flow times a Laplace density; here it is a flow on one, which is a density as it stands, so
    log s comes in once for each of the two coordinates and nowhere else. One s serves both, as in losses/laplace.py,
    which is this loss with the flow it begins with. The flow is of training only.

    Args:
        channels: C of the backbone's features.
        grid: (rows, columns) that the features are pooled to.

    Example:
        >>> head = ResidualLikelihoodHead(8)
        >>> head.answer(head(Seen(torch.zeros(2, 8, 4, 2), ()))).score.shape
        torch.Size([2, 14])
    """

    def __init__(self, channels: int, *, grid: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.weights = {"likelihood": 1.0}
        self.regression = PooledRegression(channels, 3, grid)
        self.flow = LaplaceFlow()

    def forward(self, seen: Seen) -> Place:
        numbers = self.regression(seen.features)
        return Place(numbers[..., :2], F.logsigmoid(numbers[..., 2]).clamp_min(LEAST_LOG_SCALE))

    def answer(self, output: Place) -> Answer:
        """Places; the score is -log s."""
        return Answer(output.xy_norm, -output.log_scale)

    def losses(self, output: Place, truth: Truth) -> dict[str, torch.Tensor]:
        residual = (truth.xy_norm - output.xy_norm) / output.log_scale.exp()[..., None]
        return {"likelihood": weighted_mean(2 * output.log_scale - self.flow.log_prob(residual), truth.weight)}
