"""Peaks of everybody's heatmaps to people, by their tags.

Source: Newell, Huang and Deng, "Associative Embedding: End-to-End Learning for Joint Detection and Grouping", NeurIPS
2017, arXiv 1611.05424, section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from matpose.zoo.coding.gaussian import Peak
from matpose.zoo.coding.parabola import beside_peak
from matpose.zoo.system import Answer

LEAST = 0.2  # height of a peak that may be somebody's joint
REACH = 1.0  # of a tag, to the mean of its person's
LEAST_JOINTS = 3  # fewer peaks are not a person


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


def people_of(heat: torch.Tensor, tags: torch.Tensor) -> Answer:
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
