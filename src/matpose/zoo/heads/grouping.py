"""Several people on one mat, from below: joints of everybody, each with a tag; joints of one person have like tags.

Source: Newell, Huang and Deng, "Associative Embedding: End-to-End Learning for Joint Detection and Grouping", NeurIPS
2017, arXiv 1611.05424, section 3. Tags h, of joint k of person n: pull = 1/N sum_n mean_k (h_nk - h_n)^2 with h_n their
mean, push = mean over pairs n /= m of exp(-(h_n - h_m)^2 / 2).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from matpose.losses.heatmap_mse import heatmap_mse
from matpose.losses.weighted import weighted_mean
from matpose.zoo.coding.gaussian import gaussian_maps, in_frame, nearest_cell
from matpose.zoo.coding.parabola import decode_parabola
from matpose.zoo.finer import FINEST, Finer, map_layer
from matpose.zoo.grouping import people_of
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


class Tagged(NamedTuple):
    """What :class:`GroupingHead` gives.

    Args:
        heatmaps: (B, J, h, w), of everybody.
        tags: (B, J, h, w), any numbers.
    """

    heatmaps: torch.Tensor
    tags: torch.Tensor


class GroupingHead(Head):
    """Heatmaps of all people and a map of tags for each joint.

    Its truth may have an axis of people, ``xy_norm`` (B, P, J, 2) and the others (B, P, J); whoever is not there has
    weight 0. Parts: "heatmap", half the mean square from the highest Gaussian at each cell, of the joints that are
    known of all who are there; "pull" and "push". :meth:`answer` is of one person, the surest peak of each joint;
    :meth:`everybody` of all.

    Args:
        channels, stride: of the features.
        sigma_cells: of the Gaussians, in heatmap cells.

    Example:
        >>> head = GroupingHead(8)
        >>> [found.xy_norm.shape[1:] for found in head.everybody(head(Seen(torch.rand(1, 8, 16, 8), ())))]
        [torch.Size([14, 2])]
    """

    def __init__(self, channels: int, stride: int = FINEST, *, sigma_cells: float = 1.0) -> None:
        super().__init__()
        self.weights = {"heatmap": 1.0, "pull": 1e-3, "push": 1e-3}
        self.sigma_cells = sigma_cells
        self.finer = Finer(channels, stride)
        self.heat = map_layer(self.finer.channels, JOINTS)
        self.tags = nn.Conv2d(self.finer.channels, JOINTS, 1)

    def forward(self, seen: Seen) -> Tagged:
        features = self.finer(seen.features)
        return Tagged(self.heat(features), self.tags(features))

    def answer(self, output: Tagged) -> Answer:
        return decode_parabola(output.heatmaps)

    def losses(self, output: Tagged, truth: Truth) -> dict[str, torch.Tensor]:
        xy_norm, weight = truth.xy_norm, truth.weight
        if xy_norm.ndim == 3:
            xy_norm, weight = xy_norm[:, None], weight[:, None]
        size = (output.heatmaps.shape[2], output.heatmaps.shape[3])
        weight = weight * in_frame(xy_norm, size)
        gaussians = gaussian_maps(xy_norm, size, self.sigma_cells) * (weight > 0)[..., None, None]
        index = nearest_cell(xy_norm, size)
        cell = (index[..., 1] * size[1] + index[..., 0]).clamp(0, size[0] * size[1] - 1).long()  # (B, P, J)
        tags = output.tags.flatten(2)[:, None].expand(-1, cell.shape[1], -1, -1).gather(3, cell[..., None])[..., 0]
        pull, push = tag_losses(tags, weight)
        # somebody's joint that nobody knows may be anywhere on its map: none of it may be taught as background
        known = ((weight > 0) | ~(weight > 0).any(2, keepdim=True)).all(1)  # (B, J)
        return {
            "heatmap": heatmap_mse(output.heatmaps, gaussians.amax(1), weight.amax(1) * known),
            "pull": pull,
            "push": push,
        }

    @torch.no_grad()
    def everybody(self, output: Tagged) -> list[Answer]:
        """People found on each map: joints (P, J, 2) and scores (P, J), the surest person first.

        A joint that no peak of a person's showed is where the heatmap, less the tags' distance from theirs, is
        highest, with the heatmap's value there as its score.
        """
        return [people_of(heat, tags) for heat, tags in zip(*output, strict=True)]


def tag_losses(tags: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pull and push.

    Args:
        tags: (B, P, J), at the joints.
        weight: (B, P, J), 0 where a joint or a person is not there.

    Example:
        >>> tags = torch.tensor([[[1.0, 3.0], [2.0, 2.0]]])
        >>> [part.item() for part in tag_losses(tags, torch.ones(1, 2, 2))]
        [0.5, 1.0]
    """
    total = weight.sum(2)  # (B, P)
    mean = (tags * weight).sum(2) / total.clamp_min(1e-6)
    spread = ((tags - mean[..., None]).square() * weight).sum(2) / total.clamp_min(1e-6)
    there = (total > 0).to(tags)
    pairs = there[:, :, None] * there[:, None] * (1 - torch.eye(tags.shape[1], device=tags.device))
    alike = (-(mean[:, :, None] - mean[:, None]).square() / 2).exp()
    return weighted_mean(spread, there), weighted_mean(alike, pairs)
