"""Regressing a body: shape, place and turns of a jointed body, whose joints are the answer and whose skin must press.

Sources: Kanazawa, Black, Jacobs and Malik, "End-to-end Recovery of Human Shape and Pose" (HMR), CVPR 2018, arXiv
1712.06584, for parameters by regression with losses on their joints; Clever et al., "Bodies at Rest", CVPR 2020, arXiv
2004.01166, for pressure maps and the pressure that the found body would give.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from matpose.losses.coordinate import coordinate_loss
from matpose.losses.weighted import weighted_mean
from matpose.nn.scaling import smoothed
from matpose.recording import JOINT_NAMES
from matpose.simulate.body import Body
from matpose.zoo.body_model import SHAPE, BodyModel, BodyParameters, resting
from matpose.zoo.skeleton_tree import PARENTS
from matpose.zoo.splat import splat
from matpose.zoo.system import Answer, Head, Seen, Truth

HIPS = [JOINT_NAMES.index("left_hip"), JOINT_NAMES.index("right_hip")]
MOST_SHAPE = (0.3, 0.5, 0.3, 0.4, 0.3)  # logarithms: beyond it there are no such adults
USUAL_KPA_M, MOST_STIFFNESS = 32.0, math.log(4)  # simulated beds have 12 to 80 kPa/m
GIRDLE_M = 0.03  # a shoulder goes some centimetres
LIE_M = 0.12  # the hips of a body on its back, over the bed
WIDTH = 256
LEAST_N = 1.0  # a body that hardly touches the bed is compared as if it did so with this force


class BodyParametersHead(Head):
    """Pooled features to a whole body; its joints seen from above are the answer.

    The body is metric and the map is not, as pitches are guessed: how long a metre is on it comes from the training
    poses, and who is larger there is a larger body. Cells are square, as a canvas's are.

    Parts: "place", L1 of the joints in x and y; "height", L1 of their height over the mat, where the truth knows it;
    "pressure", where the truth knows it, of the body's force on every cell from the map's, :func:`force_loss`. Zero
    with a zero gradient where the truth is this body.

    Args:
        channels: C of the features.
        poses: (N, 14, 2) in [-1, 1] over the map, of training people.
        size: (rows, columns) of the map.
        grid: (rows, columns) that the features are pooled to.
        template: as of :class:`~matpose.zoo.body_model.BodyModel`.

    Example:
        >>> head = BodyParametersHead(8, 2 * torch.rand(100, 14, 2) - 1, (64, 32))
        >>> head.answer(head(Seen(torch.zeros(2, 8, 16, 8), ()))).xy_norm.shape
        torch.Size([2, 14, 2])
    """

    per_m: torch.Tensor
    hips_m: torch.Tensor
    usual: torch.Tensor
    most_shape: torch.Tensor
    stretch: torch.Tensor

    def __init__(
        self,
        channels: int,
        poses: torch.Tensor,
        size: tuple[int, int],
        *,
        grid: tuple[int, int] = (1, 1),
        template: Body | None = None,
    ) -> None:
        super().__init__()
        self.weights = {"place": 1.0, "height": 1.0, "pressure": 0.1}
        self.body = BodyModel(template)
        still = resting(1)
        numbers = sum(value[0].numel() for value in still)
        self.regression = nn.Sequential(
            nn.AdaptiveAvgPool2d(grid),
            nn.Flatten(),
            nn.Linear(channels * grid[0] * grid[1], WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, numbers),
        )
        self.register_buffer("stretch", torch.tensor((size[1] / size[0], -1.0)), persistent=False)  # y goes down a map
        places = poses * self.stretch
        joints_m = self.body.joints_m(self.body.frames(still), still.shape)[0, :, :2]
        # lying people's limbs are mostly along the mat, so a body's bones are as long there as they are
        self.register_buffer("per_m", _bones(places).mean() / _bones(joints_m).mean())
        hips_m = places[:, HIPS].mean((0, 1)) / self.per_m
        self.register_buffer("hips_m", torch.cat((hips_m, hips_m.new_tensor([LIE_M]))))
        self.register_buffer("most_shape", torch.tensor(MOST_SHAPE), persistent=False)
        self.register_buffer("usual", still.turns[0], persistent=False)

    def forward(self, seen: Seen) -> BodyParameters:
        """The bodies; places in metres from the middle of the map, y to its head."""
        raw = self.regression(seen.features)
        shape, place, turns, girdle, stiffness = raw.split((len(SHAPE), 3, self.usual.numel(), 4, 1), 1)
        return BodyParameters(
            shape=self.most_shape * shape.tanh(),
            place_m=self.hips_m + place,
            turns=self.usual + turns.unflatten(1, self.usual.shape),
            girdle_m=GIRDLE_M * girdle.unflatten(1, (2, 2)),
            stiffness_kpa_m=USUAL_KPA_M * (MOST_STIFFNESS * stiffness[:, 0].tanh()).exp(),
        )

    def answer(self, output: BodyParameters) -> Answer:
        """The joints from above; it does not know how sure they are, so every score is 1."""
        places, _ = self.places(output)
        return Answer(places, torch.ones_like(places[..., 0]))

    def places(self, output: BodyParameters) -> tuple[torch.Tensor, torch.Tensor]:
        """Joints in space: (B, 14, 2) in [-1, 1] over the map, and (B, 14) their height in half-heights of it."""
        joints_m = self.body.joints_m(self.body.frames(output), output.shape)
        return self._seen(joints_m), joints_m[..., 2] * self.per_m

    def force_n(self, output: BodyParameters, size: tuple[int, int]) -> torch.Tensor:
        """What the bodies weigh on every cell of a map of (rows, columns): (B, 1, rows, columns)."""
        skin = self.body.skin(self.body.frames(output), output.shape)
        return splat(self._seen(skin.at_m), self.body.force_n(skin, output.stiffness_kpa_m), size)

    def losses(self, output: BodyParameters, truth: Truth) -> dict[str, torch.Tensor]:
        xy_norm, height = self.places(output)
        lost = {"place": coordinate_loss(xy_norm, truth.xy_norm, truth.weight, "l1")}
        if truth.height is not None:
            lost["height"] = weighted_mean((height - truth.height).abs(), truth.weight)
        if truth.pressure is not None:
            size = (truth.pressure.shape[2], truth.pressure.shape[3])
            lost["pressure"] = force_loss(self.force_n(output, size), truth.pressure)
        return lost

    def _seen(self, at_m: torch.Tensor) -> torch.Tensor:
        return at_m[..., :2] * self.per_m / self.stretch


def force_loss(force: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean square of a map from the true one, over that of the true one; both in shares of their whole force.

    Sensors have gains of their own, so that shares are all that maps have in common with a body. Both are blurred by
    a cell, as bed and cover do it, which also tells forces beside each other from forces far apart.

    Args:
        force: (B, 1, H, W), N.
        truth: (B, 1, H, W), any unit; a map of nothing does not count.

    Example:
        >>> one = torch.rand(2, 1, 8, 8)
        >>> force_loss(100 * one, one).item() < 1e-10, round(force_loss(torch.zeros(2, 1, 8, 8), one).item(), 6)
        (True, 1.0)
    """
    whole = truth.sum((1, 2, 3), keepdim=True)
    wanted = smoothed(truth / whole.clamp_min(1e-12))
    off = smoothed(force / force.sum((1, 2, 3), keepdim=True).clamp_min(LEAST_N)) - wanted
    relative = off.square().sum((1, 2, 3)) / wanted.square().sum((1, 2, 3)).clamp_min(1e-12)
    return weighted_mean(relative, (whole.flatten() > 0).to(relative))


def _bones(places: torch.Tensor) -> torch.Tensor:
    """Lengths of the skeleton's bones: (..., 14, 2) to (..., 13)."""
    ends = [(joint, parent) for joint, parent in enumerate(PARENTS) if parent >= 0]
    return (places[..., [joint for joint, _ in ends], :] - places[..., [parent for _, parent in ends], :]).norm(dim=-1)
