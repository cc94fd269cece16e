"""Where things are on anny's surface: bony landmarks, what lies under the skin, and the parts of the body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matpose.simulate import anthropometry as table
from matpose.simulate.anny_mesh import Mesh
from matpose.simulate.anny_rig import SIDES
from matpose.simulate.body_shape import LENGTH, STATURE_M
from matpose.simulate.skin import BROAD_M, STIFFEST, part_codes

# bony places: on which segments, how far around the landmark, how firm, how broad; metres on the described body
_BONY = {
    "occiput": (("head",), 0.15, 1.5, 0.086),
    "scapula": (("thorax",), 0.08, 1.3, 0.076),
    "elbow": (("upper_arm", "forearm"), 0.05, 1.4, 0.042),
    "trochanter": (("pelvis", "thigh"), 0.07, 1.4, 0.057),
    "knee": (("thigh", "shank"), 0.075, 1.3, 0.055),
    "heel": (("foot",), 0.05, 2.0, 0.033),
}
_BROAD = {"head": 0.083, "pelvis": 0.09, "hand": 0.027, "foot": 0.040}  # limbs are as broad as they are thick


def carriers(mesh: Mesh, at: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """The segments that carry the skin at points, from those that anny moves it with most: (n,).

    Buttocks and hips, down to the groin and the fold behind, stay when a leg is bent; the skin over kneecap and elbow
    goes with the lower limb, whose bone shows there.
    """
    segment = segment.copy()
    for side in SIDES:
        upper_arm, forearm, thigh, shank = (
            table.SEGMENTS.index(f"{side}_{name}") for name in ("upper_arm", "forearm", "thigh", "shank")
        )
        knee, elbow = at - mesh.joint_m[shank], at - mesh.joint_m[forearm]
        seat = at[:, 1] > mesh.joint_m[thigh, 1] - 0.04 + 0.6 * at[:, 2]
        segment[(segment == thigh) & (knee[:, 1] < 0.05) & (knee[:, 2] > 0)] = shank
        segment[(segment == upper_arm) & (elbow[:, 1] < 0.035) & (elbow[:, 2] < 0)] = forearm
        segment[(segment == thigh) & seat] = table.SEGMENTS.index("pelvis")
    return segment


def landmarks(mesh: Mesh) -> dict[str, tuple[str, int]]:
    """The segments and vertices of the bony landmarks: the furthest out at the height where each is felt."""
    v, of_vertex, joint = mesh.vertex_m, mesh.rig.moves.argmax(1), mesh.joints

    def furthest(towards: tuple[int, int, int], centre: Sequence[float] | np.ndarray, reach: Sequence[float],
                 *segments: str) -> tuple[str, int]:  # fmt: skip
        there = (np.abs(v - np.asarray(centre)) < reach).all(1)
        there &= np.isin(of_vertex, [table.SEGMENTS.index(name) for name in segments])
        return segments[0], int(np.flatnonzero(there)[(v[there] @ np.array(towards)).argmax()])

    back, front, slab = (0, 0, -1), (0, 0, 1), (0.03, 0.02, np.inf)
    middle = (0.01, 0.02, np.inf)
    found = {
        "head_top": ("head", int(v[:, 1].argmax())),
        "occiput": furthest(back, (0, joint["head"][1] + 0.150, 0), middle, "head"),
        "sacrum": furthest(back, (0, 0.060, 0), middle, "pelvis", "abdomen"),
    }
    for side, sign in zip(SIDES, (1, -1), strict=True):
        upper_arm, forearm, thigh, shank, foot = (
            f"{side}_{name}" for name in ("upper_arm", "forearm", "thigh", "shank", "foot")
        )
        low = joint[foot] - (0, 0.035, 0)
        found |= {
            f"{side}_scapula": furthest(back, (sign * 0.08, 0.247 * STATURE_M, 0), slab, "thorax"),
            f"{side}_elbow": furthest(back, joint[forearm], slab, forearm, upper_arm),
            f"{side}_trochanter": furthest((sign, 0, 0), joint[thigh], (np.inf, 0.02, 0.02), "pelvis", thigh),
            f"{side}_knee": furthest(front, joint[shank], slab, shank, thigh),
            f"{side}_heel": furthest(back, low, slab, foot),
        }
    return found


def under(
    mesh: Mesh, at: np.ndarray, segment: np.ndarray, landmark: dict[str, tuple[str, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Firmness of the patches, and how much more stiffly foam answers them: (N,), (N,)."""
    bare = np.array([name.removeprefix("left_").removeprefix("right_") for name in table.SEGMENTS])[segment]
    away = at - mesh.joint_m[segment]
    thick_m = np.hypot(away[:, 0], away[:, 2])
    broad_m = np.array([_BROAD.get(name, BROAD_M) for name in bare])
    radius_m = np.where(np.isin(bare, list(LENGTH)), thick_m, broad_m)
    firmness = np.ones(len(at))
    for name, (_, vertex) in landmark.items():
        bone = _BONY.get(name.removeprefix("left_").removeprefix("right_"))
        if bone is not None:
            segments, reach_m, firm, bone_m = bone
            near = (np.linalg.norm(at - mesh.vertex_m[vertex], axis=1) < reach_m) & np.isin(bare, segments)
            firmness[near], radius_m[near] = firm, bone_m
    return firmness, np.clip(BROAD_M / radius_m, 1, STIFFEST)


def parts(mesh: Mesh, at: np.ndarray, normal: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """Codes of the body's parts, limbs measured in their own lengths: (N,) uint8."""
    code = np.zeros(len(at), np.uint8)
    for index, name in enumerate(table.SEGMENTS):
        mine, (side, _, bare) = segment == index, name.partition("_")
        points = at[mine] - mesh.joint_m[index]
        if bare in LENGTH:
            below = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shank", "shank": "foot"}[bare]
            own_m = mesh.joint_m[index, 1] - mesh.joint_m[table.SEGMENTS.index(f"{side}_{below}"), 1]
            points = points * LENGTH[bare] / own_m
        code[mine] = part_codes(name, at[mine], points, normal[mine])
    return code
