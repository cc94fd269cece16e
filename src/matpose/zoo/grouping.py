"""Several people on one mat, from below: joints of everybody, each with a tag; joints of one person have like tags.

Source: Newell, Huang and Deng, "Associative Embedding: End-to-End Learning for Joint Detection and Grouping", NeurIPS
2017, arXiv 1611.05424, section 3. Tags h, of joint k of person n: pull = 1/N sum_n mean_k (h_nk - h_n)^2 with h_n their
mean, push = mean over pairs n /= m of exp(-(h_n - h_m)^2 / 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.losses.heatmap_mse import heatmap_mse
from matpose.losses.weighted import weighted_mean
from matpose.zoo.coding.gaussian import Peak, gaussian_maps, in_frame, nearest_cell
from matpose.zoo.coding.parabola import beside_peak, decode_parabola
from matpose.zoo.finer import FINEST, Finer, map_layer
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth

LEAST = 0.2  # height of a peak that may be somebody's joint
REACH = 1.0  # of a tag, to the mean of its person's
LEAST_JOINTS = 3  # fewer peaks are not a person


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
    weight 0. Parts: "heatmap", half the mean square from the highest Gaussian at each cell; "pull" and "push".
    :meth:`answer` is of one person, the surest peak of each joint; :meth:`everybody` of all.

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
        return {
            "heatmap": heatmap_mse(output.heatmaps, gaussians.amax(1), weight.amax(1)),
            "pull": pull,
            "push": push,
        }

    @torch.no_grad()
    def everybody(self, output: Tagged) -> list[Answer]:
        """People found on each map: joints (P, J, 2) and scores (P, J), the surest person first.

        A joint that no peak of a person's showed is where the heatmap, less the tags' distance from theirs, is
        highest, with the heatmap's value there as its score.
        """
        return [_people(heat, tags) for heat, tags in zip(*output, strict=True)]


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


def group(joints: Sequence[int], tags: Sequence[float], scores: Sequence[float], reach: float = REACH) -> list[int]:
    """Which person each peak is of: greedily, the highest first, each to the person of the nearest mean tag.

    Nobody has a joint twice; a peak whose tag is near nobody's is the first of somebody new.

    Args:
        joints, tags, scores: of N peaks.
        reach: the farthest that a tag may be from its person's mean.

    Returns:
        N numbers, from 0 in the order in which people were found.

    Example:
        >>> group([0, 0, 1, 1], [5.0, 0.0, 0.1, 5.1], [0.9, 0.8, 0.7, 0.6])
        [0, 1, 1, 0]
    """
    whose = [0] * len(joints)
    known: list[dict[int, float]] = []  # of each person, joints and their tags
    for index in sorted(range(len(joints)), key=lambda n: -scores[n]):
        joint, tag = joints[index], tags[index]
        far = {person: abs(tag - sum(own.values()) / len(own)) for person, own in enumerate(known) if joint not in own}
        nearest = min(far, key=lambda person: far[person], default=None)
        if nearest is None or far[nearest] > reach:
            nearest = len(known)
            known.append({})
        known[nearest][joint] = tag
        whose[index] = nearest
    return whose


def _people(heat: torch.Tensor, tags: torch.Tensor) -> Answer:
    """Everybody on one map, from (J, h, w) heatmaps and tags."""
    count, _, cols = heat.shape
    top = (heat == F.max_pool2d(heat[None], 3, 1, 1)[0]) & (heat > LEAST)
    joint, cell = top.flatten(1).nonzero().unbind(1)
    tag, score = tags.flatten(1)[joint, cell], heat.flatten(1)[joint, cell]
    whose = torch.tensor(group(joint.tolist(), tag.tolist(), score.tolist()), dtype=torch.long)
    found = []
    for person in range(int(whose.max()) + 1 if len(whose) else 0):
        own = whose == person
        if int(own.sum()) < min(LEAST_JOINTS, count):
            continue
        like = heat.flatten(1) - (tags.flatten(1) - tag[own].mean()).abs()
        at = like.argmax(1).index_put((joint[own],), cell[own])  # (J,)
        peak = Peak(at % cols, at // cols, heat.flatten(1).gather(1, at[:, None])[:, 0])
        found.append(beside_peak(heat[None], Peak(*(values[None] for values in peak))))
    if not found:
        return Answer(heat.new_zeros(0, count, 2), heat.new_zeros(0, count))
    found.sort(key=lambda one: -one.score.sum().item())
    return Answer(torch.cat([one.xy_norm for one in found]), torch.cat([one.score for one in found]))
