"""Anny's mesh of a person: solved for stature and mass, and stood up straight in the body's axes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from matpose.simulate import anthropometry as table
from matpose.simulate.anny_rig import SIDES, Rig, load_rig
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.person import Person

DENSITY_KG_M3 = 980.0  # as anny reckons
GENDER = {"male": 0.0, "female": 1.0}
# anny's scales, nearly: statures at height 0 and 1, and body mass indices at weight 0, 1/2 and 1 of somebody middling
_STATURE_M = {"male": (1.36, 2.45), "female": (1.22, 2.31)}
_INDEX = {"male": (19.5, 22.5, 43.0), "female": (15.5, 19.7, 35.0)}
NEAR, MOST_TRIES = 0.01, 8  # share of the mass that is left to the girth


@dataclass(frozen=True)
class Mesh:
    """Somebody's surface, limbs straight along -y.

    Args:
        vertex_m: (V, 3) from midway between the hips; x to the person's left, y towards the head, z to the front.
        joint_m: (16, 3) where each segment's joint lies.
        rig: whose faces join the vertices.
    """

    vertex_m: np.ndarray
    joint_m: np.ndarray
    rig: Rig

    @property
    def joints(self) -> dict[str, np.ndarray]:
        """Segment to where its joint lies, (3,) metres."""
        return dict(zip(SEGMENTS, self.joint_m, strict=True))


def anny_mesh(person: Person, rng: np.random.Generator) -> Mesh:
    """Somebody of that stature, mass and sex: age, muscle and proportions are drawn, height and weight solved.

    What weight cannot reach is made up by girth, so stature and mass are exact.

    Args:
        person: who.
        rng: draws what their numbers leave open.

    Raises:
        MatposeError: anny is not installed.
    """
    rig = load_rig()
    traits = {
        "gender": abs(GENDER[person.sex] - rng.uniform(0, 0.1)),
        "age": rng.uniform(0.67, 0.97),  # 2/3 is a young adult, 1 is old
        "proportions": float(np.clip(rng.normal(0.5, 0.15), 0, 1)),
        "height": float(np.interp(person.stature_m, _STATURE_M[person.sex], (0, 1))),
    }
    muscle = float(np.clip(rng.normal(0.45, 0.15), 0.1, 0.8))
    vertex_m, head_m = _weighing(rig, traits, muscle, person)
    mesh = _straight(rig, vertex_m, head_m, person.stature_m)
    longer = person.stature_m / np.ptp(mesh.vertex_m[:, 1])
    wider = np.sqrt(person.mass_kg / (DENSITY_KG_M3 * volume_m3(mesh.vertex_m, rig.faces) * longer))
    stretch = np.array([wider, longer, wider])
    return Mesh(mesh.vertex_m * stretch, mesh.joint_m * stretch, rig)


def _weighing(rig: Rig, traits: dict[str, float], muscle: float, person: Person) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and heads of the bones of somebody of those traits, as tall as the person and about as heavy."""
    index = person.mass_kg / person.stature_m**2
    weight, tried, tries = float(np.interp(index, _INDEX[person.sex], (0, 0.5, 1))), None, 0
    while True:
        # the very heavy are not muscular
        vertex_m, head_m = rig.standing({**traits, "weight": weight, "muscle": muscle * min(1, 2 - 2 * weight)})
        scale = person.stature_m / np.ptp(vertex_m[:, 1])
        over = float(np.log(volume_m3(vertex_m * scale, rig.faces) * DENSITY_KG_M3 / person.mass_kg))
        slope = (0.4 if weight < 0.5 else 1.2) if tried is None else max((over - tried[1]) / (weight - tried[0]), 0.2)
        tried, weight = (weight, over), float(np.clip(weight - over / slope, 0, 1))
        tries += 1
        if abs(over) < NEAR or weight == tried[0] or tries == MOST_TRIES:
            return vertex_m * scale, head_m * scale


def volume_m3(vertex_m: np.ndarray, faces: np.ndarray) -> float:
    """Inside a closed surface: the sum of the tetrahedra over its triangles.

    Example:
        >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> round(volume_m3(corners, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])) * 6, 9)
        1.0
    """
    a, b, c = (vertex_m[faces[:, corner]] for corner in range(3))
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def _straight(rig: Rig, vertex_m: np.ndarray, head_m: np.ndarray, stature_m: float) -> Mesh:
    """Arms and legs turned to point along -y, with elbows and knees to bend about x; the skin follows smoothly."""
    hips = (rig.joint(head_m, "left_thigh") + rig.joint(head_m, "right_thigh")) / 2
    vertex_m, head_m = vertex_m - hips, head_m - hips
    joint_m = np.stack([rig.joint(head_m, name) for name in SEGMENTS])
    joint_m[0] = 0
    turn = np.tile(np.eye(3), (len(SEGMENTS), 1, 1))
    # anny's skin moves about other places than the joints of the tables: its hips are further apart than femoral
    # heads are, its shoulders lie 4 % of stature under the acromion, and its neck bends above C7
    joint_m[SEGMENTS.index("head"), 1] = table.NECK_UP * stature_m
    for side, sign in zip(SIDES, (1, -1), strict=True):
        joint_m[SEGMENTS.index(f"{side}_thigh")] = [sign * table.HIP_SPAN / 2 * stature_m, 0, 0]
        joint_m[SEGMENTS.index(f"{side}_upper_arm"), 1] = table.SHOULDER_UP * stature_m
    placed_m = joint_m.copy()
    for side in SIDES:
        arm = [SEGMENTS.index(f"{side}_{name}") for name in ("upper_arm", "forearm", "hand")]
        leg = [SEGMENTS.index(f"{side}_{name}") for name in ("thigh", "shank", "foot")]
        shoulder, elbow, wrist = joint_m[arm]
        ends = np.stack([elbow, wrist, rig.joint(head_m, f"{side}_knuckle")])
        for segment, end in zip(arm, ends, strict=True):
            turn[segment] = _upright(end - joint_m[segment], -np.cross(elbow - shoulder, wrist - elbow))
        for segment, end in zip(leg[:2], joint_m[leg[1:]], strict=True):
            turn[segment] = _upright(end - joint_m[segment], np.array([1.0, 0, 0]))
        for limb in (arm, leg):
            for upper, lower in pairwise(limb):
                placed_m[lower] = placed_m[upper] + turn[upper] @ (joint_m[lower] - joint_m[upper])
    shift = placed_m - np.einsum("sij,sj->si", turn, joint_m)
    blend = rig.moves @ np.concatenate([turn, shift[:, :, None]], axis=2).reshape(len(SEGMENTS), 12)
    blend = blend.reshape(-1, 3, 4)
    return Mesh(np.einsum("vij,vj->vi", blend[:, :, :3], vertex_m) + blend[:, :, 3], placed_m, rig)


def _upright(along: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """The rotation that turns a direction to -y, and a hinge across it to x: (3, 3)."""
    y = -along / np.linalg.norm(along)
    x = hinge - (hinge @ y) * y
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)])
