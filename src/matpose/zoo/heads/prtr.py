"""PRTR: queries ask a transformer where joints are; which query answers for which joint, an optimal matching says.

Source: Li et al., "Pose Recognition with Cascade Transformers", CVPR 2021, arXiv 2104.06976, section 3.2; its
decoder is that of Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020, arXiv 2005.12872.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn import functional as F

from matpose.errors import ModelError
from matpose.losses.weighted import weighted_mean
from matpose.zoo.heads.transpose import Attention, EncoderLayer, sine_positions
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth

NONE_WEIGHT = 0.1  # of "no joint", which most queries are


class DecoderLayer(nn.Module):
    """Queries look at each other, then at the map.

    Args:
        width, heads, hidden: as for :class:`matpose.zoo.heads.transpose.EncoderLayer`.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.queries = EncoderLayer(width, heads, hidden)
        self.cross = Attention(width, heads)
        self.cross_norm = nn.LayerNorm(width)

    def forward(
        self, asked: torch.Tensor, who: torch.Tensor, memory: torch.Tensor, places: torch.Tensor
    ) -> torch.Tensor:
        """Queries (B, Q, d) that are (Q, d), and the map's tokens (B, N, d) at their places (N, d), to queries."""
        layer = self.queries
        placed = asked + who
        asked = layer.attention_norm(asked + layer.attention(placed, placed, asked))
        asked = self.cross_norm(asked + self.cross(asked + who, memory + places, memory))
        return layer.feed_norm(asked + layer.feed(asked))


class Queries(NamedTuple):
    """What Q queries say after each layer; in eval mode after the last alone.

    Args:
        logits: (L, B, Q, J + 1), which joint one is, or none, the last.
        xy_norm: (L, B, Q, 2).
    """

    logits: torch.Tensor
    xy_norm: torch.Tensor


def match(cost: torch.Tensor) -> torch.Tensor:
    """The cheapest way to give each joint a query of its own.

    Args:
        cost: (B, Q, J), Q at least J.

    Returns:
        (B, J) int64, the query of each joint.

    Example:
        >>> match(torch.tensor([[[0.0, 1.0], [1.0, 5.0], [9.0, 9.0]]])).tolist()
        [[1, 0]]
    """
    found = [linear_sum_assignment(one)[1] for one in cost.detach().mT.cpu().numpy()]
    return torch.from_numpy(np.stack(found)).to(cost.device)


class PRTRHead(Head):
    """A small transformer from features to joints, without heatmaps.

    Parts: "class", cross-entropy of every query, "none" weighing .1; "place", L1 of the matched. Each layer has its
    own matching, by cost -p(joint) + |place - truth|_1, and its own losses, of which the means are taken. A joint that
    must not be learned from is matched by class alone, and its query says what it likes.

    Args:
        channels: of the features.
        queries: Q, at least J.
        width: d, a multiple of 4 and of the heads.
        encoders, decoders: layers; decoders at least 1.
        heads, hidden: of each layer.

    Raises:
        ModelError: fewer queries than joints, no decoders, or a width that does not divide so.

    Example:
        >>> head = PRTRHead(8, width=16, hidden=32).eval()
        >>> head.answer(head(Seen(torch.rand(2, 8, 16, 8), ()))).xy_norm.shape
        torch.Size([2, 14, 2])
    """

    def __init__(
        self,
        channels: int,
        *,
        queries: int = 30,
        width: int = 128,
        encoders: int = 1,
        decoders: int = 2,
        heads: int = 4,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        if queries < JOINTS or decoders < 1:
            raise ModelError(
                f"{queries} queries through {decoders} layers cannot find {JOINTS} joints",
                mend="give at least one query a joint, and one decoder",
            )
        if width % 4:
            raise ModelError(f"no sines and cosines of x and y fill a width of {width}", mend="give a multiple of 4")
        self.weights = {"class": 1.0, "place": 5.0}
        self.reduce = nn.Conv2d(channels, width, 1)
        self.encoders = nn.ModuleList(EncoderLayer(width, heads, hidden) for _ in range(encoders))
        self.decoders = nn.ModuleList(DecoderLayer(width, heads, hidden) for _ in range(decoders))
        self.who = nn.Parameter(torch.randn(queries, width))
        self.joint = nn.Linear(width, JOINTS + 1)
        self.place = nn.Sequential(nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, 2))

    def forward(self, seen: Seen) -> Queries:
        reduced = self.reduce(seen.features)
        places = sine_positions(reduced.shape[1], reduced.shape[2], reduced.shape[3], reduced)
        memory = reduced.flatten(2).mT  # (B, hw, d)
        for layer in self.encoders:
            memory = layer(memory, places)
        asked = torch.zeros_like(self.who).expand(memory.shape[0], *self.who.shape)
        said = []
        for layer in self.decoders:
            asked = layer(asked, self.who, memory, places)
            said.append(asked)
        last = torch.stack(said if self.training else said[-1:])  # (L, B, Q, d)
        return Queries(self.joint(last), self.place(last))

    def answer(self, output: Queries) -> Answer:
        """Each joint where the query is that is likeliest to be it."""
        score, best = output.logits[-1].softmax(-1)[..., :-1].max(1)  # (B, J)
        return Answer(output.xy_norm[-1].gather(1, best[..., None].expand(*best.shape, 2)), score)

    def losses(self, output: Queries, truth: Truth) -> dict[str, torch.Tensor]:
        layers = [self._layer_losses(*layer, truth) for layer in zip(*output, strict=True)]
        return {name: torch.stack([parts[name] for parts in layers]).mean() for name in layers[0]}

    def _layer_losses(self, logits: torch.Tensor, xy_norm: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
        batch, queries, classes = logits.shape
        far = (xy_norm[:, :, None] - truth.xy_norm[:, None]).abs().sum(-1)  # (B, Q, J)
        query = match(truth.weight[:, None] * far - logits.softmax(-1)[..., :-1])  # (B, J)
        is_joint = torch.arange(classes - 1, device=logits.device).expand(batch, -1)
        wanted = is_joint.new_full((batch, queries), classes - 1).scatter(1, query, is_joint)
        weight = logits.new_full((batch, queries), NONE_WEIGHT).scatter(1, query, truth.weight.to(logits))
        wrong = F.cross_entropy(logits.mT, wanted, reduction="none")  # (B, Q)
        distance = far.gather(1, query[:, None])[:, 0]  # (B, J)
        return {"class": weighted_mean(wrong, weight), "place": weighted_mean(distance, truth.weight)}
