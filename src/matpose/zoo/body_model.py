"""A differentiable body: from shape, place and turns to joints in space, skin, and how hard every patch of it presses.

The body is the simulator's: sixteen rigid segments with a skin of points, each standing for an area, on an elastic
foundation that answers how deep each point lies below the surface. Lengths are metres, axes those of the simulator's
engine: x to the right, y towards the head, z up from the unloaded bed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from matpose.recording import JOINT_NAMES
from matpose.simulate import anthropometry as table
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body, light_body
from matpose.simulate.body_shape import MASS_KG, STATURE_M
from matpose.simulate.person import Person
from matpose.zoo.continuous_rotation import NO_TURN, turn_of

SHAPE = ("length", "girth", "hips", "belly", "limbs")
"""Logarithms of what a body is compared with the template: bones' length, girth of all but the head, and the girths of
hips, belly and limbs beyond that."""

_PARENT = {"abdomen": "pelvis", "thorax": "abdomen", "head": "thorax"} | {
    f"{side}_{name}": above if above in SEGMENTS else f"{side}_{above}"
    for side in ("left", "right")
    for name, above in (
        ("upper_arm", "thorax"), ("forearm", "upper_arm"), ("hand", "forearm"),
        ("thigh", "pelvis"), ("shank", "thigh"), ("foot", "shank"),
    )
}  # fmt: skip
PARENTS = tuple(SEGMENTS.index(_PARENT[name]) if name in _PARENT else -1 for name in SEGMENTS)
"""Of each segment the one that carries it, which comes before it; the pelvis is carried by none."""

_CARRIES = {"ankle": "foot", "knee": "shank", "hip": "thigh", "wrist": "hand", "elbow": "forearm",
            "shoulder": "upper_arm", "thorax": "head", "head_top": "head"}  # fmt: skip
GIRDLES = (SEGMENTS.index("left_upper_arm"), SEGMENTS.index("right_upper_arm"))


class BodyParameters(NamedTuple):
    """B bodies as they lie.

    Args:
        shape: (B, 5), see ``SHAPE``; zeros for the template.
        place_m: (B, 3), midway between the hip joints.
        turns: (B, 16, 6), of the pelvis on the bed and of every other segment on the one that carries it, as
            :func:`~matpose.zoo.continuous_rotation.turn_of` reads them. All unturned: on the back, head up, limbs
            straight down.
        girdle_m: (B, 2, 2), of the left and the right shoulder, how far it is pushed to the middle and to the front.
        stiffness_kpa_m: (B,), of the bed.
    """

    shape: torch.Tensor
    place_m: torch.Tensor
    turns: torch.Tensor
    girdle_m: torch.Tensor
    stiffness_kpa_m: torch.Tensor


class Frames(NamedTuple):
    """Where the segments are.

    Args:
        origin_m: (B, 16, 3), each in the joint that carries it.
        turn: (B, 16, 3, 3), from the segment's axes to the bed's.
    """

    origin_m: torch.Tensor
    turn: torch.Tensor


class Skin(NamedTuple):
    """Patches of skin.

    Args:
        at_m: (B, N, 3).
        normal: (B, N, 3), outward.
        area_m2: (B, N).
    """

    at_m: torch.Tensor
    normal: torch.Tensor
    area_m2: torch.Tensor


class BodyModel(nn.Module):
    """Bodies from their parameters; it learns nothing.

    The default template is the simulator's light body: it needs no optional package, and it is the one that simulated
    maps are made with unless somebody asks for another, so that its parameters can meet them exactly. Any other body
    of the simulator, such as :func:`matpose.simulate.anny_body.anny_body`'s realistic surface, may be the template.

    Args:
        template: the body that a shape of zeros is; by default of 1.75 m and 75 kg.
        soft_m: over which a patch comes into contact, so that skin just above the bed has a gradient too.

    Example:
        >>> model = BodyModel()
        >>> joints_m = model.joints_m(model.frames(resting(2)), resting(2).shape)
        >>> joints_m.shape, round(float(joints_m[0, 13, 1]), 2)  # the vertex above the hips
        (torch.Size([2, 14, 3]), 0.82)
    """

    def __init__(self, template: Body | None = None, *, soft_m: float = 0.004) -> None:
        super().__init__()
        body = light_body(Person(STATURE_M, MASS_KG, "template")) if template is None else template
        self.soft_m = soft_m
        places = [_joint(name, body) for name in JOINT_NAMES]
        self.joint_segment = [SEGMENTS.index(segment) for segment, _ in places]
        self._keep("joint_offset_m", np.stack([offset for _, offset in places]))
        self._keep("carried_m", np.stack([body.joint_m[name] for name in SEGMENTS]))
        self._keep("girths", np.array([_girth(name) for name in SEGMENTS]))
        self._keep("girdle_axes", np.array([[[-1.0, 0, 0], [0, 0, 1]], [[1, 0, 0], [0, 0, 1]]]))
        self._keep("skin_m", body.skin_m)
        self._keep("normal", body.normal)
        self._keep("area_m2", body.area_m2)
        self._keep("firmness", body.firmness)
        self._keep("narrow", body.narrow)
        self.segment: torch.Tensor
        self.register_buffer("segment", torch.from_numpy(body.segment.astype(np.int64)), persistent=False)

    joint_offset_m: torch.Tensor
    carried_m: torch.Tensor
    girths: torch.Tensor
    girdle_axes: torch.Tensor
    skin_m: torch.Tensor
    normal: torch.Tensor
    area_m2: torch.Tensor
    firmness: torch.Tensor
    narrow: torch.Tensor

    def _keep(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values, np.float32)), persistent=False)

    def frames(self, parameters: BodyParameters) -> Frames:
        """From the pelvis outwards, where every segment is."""
        long = parameters.shape[:, :1].exp()[..., None]  # (B, 1, 1)
        pushed = torch.einsum("bsa,sax->bsx", parameters.girdle_m, self.girdle_axes)  # (B, 2, 3)
        own = turn_of(parameters.turns)
        origin_m, turn = [parameters.place_m], [own[:, 0]]
        for index, parent in enumerate(PARENTS[1:], 1):
            offset = long[:, 0] * self.carried_m[index]
            if index in GIRDLES:
                offset = offset + pushed[:, GIRDLES.index(index)]
            origin_m.append(origin_m[parent] + (turn[parent] @ offset[..., None])[..., 0])
            turn.append(turn[parent] @ own[:, index])
        return Frames(torch.stack(origin_m, 1), torch.stack(turn, 1))

    def joints_m(self, frames: Frames, shape: torch.Tensor) -> torch.Tensor:
        """Centres of the joints: (B, 14, 3), in the order of ``JOINT_NAMES``; shape: (B, 5)."""
        offset_m = shape[:, :1, None].exp() * self.joint_offset_m
        turned = (frames.turn[:, self.joint_segment] @ offset_m[..., None])[..., 0]
        return frames.origin_m[:, self.joint_segment] + turned

    def skin(self, frames: Frames, shape: torch.Tensor) -> Skin:
        """Every patch of the skin; shape: (B, 5)."""
        girth = (shape @ self.girths.mT).exp()
        scale = torch.stack((girth, shape[:, :1].exp().expand_as(girth), girth), -1)[:, self.segment]  # (B, N, 3)
        turn = frames.turn[:, self.segment]
        steep = self.normal / scale
        length = steep.norm(dim=-1)
        at_m = (turn @ (self.skin_m * scale)[..., None])[..., 0] + frames.origin_m[:, self.segment]
        normal = (turn @ (steep / length[..., None])[..., None])[..., 0]
        return Skin(at_m, normal, self.area_m2 * scale.prod(-1) * length)  # Nanson: da = det(F) |F^-T n| dA

    def pressure_kpa(self, skin: Skin, stiffness_kpa_m: torch.Tensor) -> torch.Tensor:
        """How hard a flat bed presses on every patch, as :meth:`matpose.simulate.bed.Bed.pressure_kpa` has it.

        Args:
            skin: of B bodies.
            stiffness_kpa_m: (B,), pressure for each metre pressed in, at small depths and under a broad part.

        Returns:
            (B, N); 0 on skin that faces up.
        """
        bed = Bed()
        depth_m = self.soft_m * F.softplus(-skin.at_m[..., 2] / self.soft_m)
        foam, tissue = stiffness_kpa_m[:, None] * self.narrow, bed.tissue_kpa_m * self.firmness
        pressed = foam * tissue / (foam + tissue) * depth_m * (1 + 5 * (depth_m / bed.thickness_m) ** 2)
        return pressed * (skin.normal[..., 2] < 0)

    def force_n(self, skin: Skin, stiffness_kpa_m: torch.Tensor) -> torch.Tensor:
        """What every patch weighs on the bed, (B, N): its pressure times the area that it covers seen from above."""
        covers_m2 = skin.area_m2 * (-skin.normal[..., 2]).clamp_min(0)
        return 1000 * self.pressure_kpa(skin, stiffness_kpa_m) * covers_m2


def resting(count: int) -> BodyParameters:
    """So many templates on their backs, limbs straight, the hips over the origin and on the surface of the bed."""
    return BodyParameters(
        shape=torch.zeros(count, len(SHAPE)),
        place_m=torch.zeros(count, 3),
        turns=torch.tensor(NO_TURN).repeat(count, len(SEGMENTS), 1),
        girdle_m=torch.zeros(count, 2, 2),
        stiffness_kpa_m=torch.full((count,), Bed().stiffness_kpa_m),
    )


def _joint(name: str, body: Body) -> tuple[str, np.ndarray]:
    """The segment that a joint is fixed to, and its place (3,) there: the body's own, else the tables'."""
    if name in body.landmark_m:
        return body.landmark_m[name]
    side, _, bare = name.rpartition("_") if name != "head_top" else ("", "", name)
    offset = np.zeros(3)
    if name == "head_top":
        offset = np.array([0, table.HEAD_TOP_UP - table.NECK_UP, 0.012]) * body.person.stature_m
    return (f"{side}_" if side else "") + _CARRIES[bare], offset


def _girth(segment: str) -> list[float]:
    """How a segment's girth follows ``SHAPE``: heads grow with stature alone."""
    if segment == "head":
        return [1, 0, 0, 0, 0]
    return [0, 1, segment == "pelvis", segment == "abdomen", segment not in ("pelvis", "abdomen", "thorax")]
