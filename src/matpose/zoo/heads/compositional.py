"""Compositional regression: bones instead of joints, right in all their sums (Sun et al., ICCV 2017)."""

from __future__ import annotations

from typing import Literal

import torch

from matpose.losses.weighted import weighted_mean
from matpose.zoo.heads.deeppose import PooledRegression
from matpose.zoo.skeleton_tree import PARENTS, paths_from_origin
from matpose.zoo.system import Answer, Head, Seen, Truth

Paths = Literal["joints", "bones", "both", "all"]
ORIGIN = -1  # the middle of the map, where the root's bone begins


def path_ends(paths: Paths, parents: tuple[int, ...] = PARENTS) -> list[tuple[int, int]]:
    """The pairs (u, v) whose relative places are learned, u from v.

    "joints": every joint from the origin; "bones": every joint from its parent; "both"; "all": every joint from the
    origin and from every other one.

    Example:
        >>> path_ends("both", (-1, 0, 0))
        [(0, -1), (1, -1), (2, -1), (1, 0), (2, 0)]
    """
    joints = [(joint, ORIGIN) for joint in range(len(parents))]
    bones = list(enumerate(parents))
    if paths == "joints":
        return joints
    if paths == "bones":
        return bones
    if paths == "both":
        return joints + [pair for pair in bones if pair not in joints]
    return joints + [(u, v) for u in range(len(parents)) for v in range(u)]


def path_matrix(ends: list[tuple[int, int]], parents: tuple[int, ...] = PARENTS) -> torch.Tensor:
    """Which bones, with which sign, lie on the paths between the pairs' ends.

    Args:
        ends: P pairs (u, v).
        parents: of each of J joints.

    Returns:
        (P, J) of -1, 0 and 1; times the bones (J, 2) it is the place of every u from its v.

    Example:
        >>> path_matrix([(1, 2)], (-1, 0, 0)).tolist()  # out along bone 1, having come back along bone 2
        [[0.0, 1.0, -1.0]]
    """
    joints = paths_from_origin(parents)
    places = torch.cat((joints, torch.zeros_like(joints[:1])))  # ORIGIN is the last
    return torch.stack([places[u] - places[v] for u, v in ends])


class CompositionalHead(Head):
    """Pooled features to standardised bones; L1 over their signed sums along paths (arXiv 1704.00159, eq. 4 to 6).

    Every sum is compared in units of its own standard deviation over the training poses.

    Args:
        channels: C of the backbone's features.
        poses: (N, J, 2) xy_norm of training poses, N >= 2; the head keeps their means and standard deviations.
        paths: see :func:`path_ends`.
        grid: (rows, columns) that the features are pooled to.

    Example:
        >>> head = CompositionalHead(8, 2 * torch.rand(100, 14, 2) - 1)
        >>> head.answer(head(Seen(torch.zeros(2, 8, 4, 2), ()))).xy_norm.shape
        torch.Size([2, 14, 2])
    """

    joints: torch.Tensor
    sums: torch.Tensor
    ends: torch.Tensor
    bone_mean: torch.Tensor
    bone_std: torch.Tensor
    sum_std: torch.Tensor

    def __init__(
        self, channels: int, poses: torch.Tensor, *, paths: Paths = "both", grid: tuple[int, int] = (1, 1)
    ) -> None:
        super().__init__()
        self.weights = {"paths": 1.0}
        self.regression = PooledRegression(channels, 2, grid)
        ends = path_ends(paths)
        self.register_buffer("joints", paths_from_origin(), persistent=False)
        self.register_buffer("sums", path_matrix(ends), persistent=False)
        self.register_buffer("ends", torch.tensor(ends), persistent=False)
        bones = torch.linalg.inv(self.joints) @ poses
        self.register_buffer("bone_mean", bones.mean(0))
        self.register_buffer("bone_std", bones.std(0).clamp_min(1e-3))
        self.register_buffer("sum_std", (self.sums @ bones).std(0).clamp_min(1e-3))

    def forward(self, seen: Seen) -> torch.Tensor:
        """(B, J, 2): bones, each joint from its parent, in units of xy_norm."""
        return self.regression(seen.features) * self.bone_std + self.bone_mean

    def answer(self, output: torch.Tensor) -> Answer:
        """Joints at the ends of their bones; it does not know how sure they are, so every score is 1."""
        return Answer(self.joints @ output, torch.ones_like(output[..., 0]))

    def losses(self, output: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
        ends = self.ends.T
        places = torch.cat((truth.xy_norm, torch.zeros_like(truth.xy_norm[:, :1])), 1)  # ORIGIN is the last
        weight = torch.cat((truth.weight, torch.ones_like(truth.weight[:, :1])), 1)
        off = self.sums @ output - (places[:, ends[0]] - places[:, ends[1]])  # (B, P, 2)
        return {"paths": weighted_mean((off / self.sum_std).abs().sum(-1), weight[:, ends[0]] * weight[:, ends[1]])}
