"""Anny's model, its bones gathered into the body's sixteen segments.

Anny: Brégier et al., "Human Mesh Modeling for Anny Body", arXiv:2511.03589; its code is Apache-2.0, its assets CC0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from matpose.errors import MatposeError
from matpose.simulate.anthropometry import SEGMENTS

TOPOLOGY = "anny-noeyes-notongue"  # one closed surface; other makers' topologies would fetch data that are not free
SIDES = ("left", "right")
_SEGMENT_OF = {
    "root": "pelvis", "pelvis": "pelvis", "spine05": "pelvis", "spine04": "abdomen", "spine03": "abdomen",
    "spine02": "thorax", "spine01": "thorax", "clavicle": "thorax", "shoulder01": "thorax",
    "neck": "head", "head": "head", "eye": "head",
    "upperarm": "upper_arm", "lowerarm": "forearm", "wrist": "hand", "metacarpal": "hand", "finger": "hand",
    "upperleg": "thigh", "lowerleg": "shank", "foot": "foot", "toe": "foot",
}  # fmt: skip
"""How a bone's name begins to the segment that it belongs to."""
_JOINT = {
    "pelvis": "root", "abdomen": "spine04", "thorax": "spine02", "head": "neck01",
    "upper_arm": "upperarm01", "forearm": "lowerarm01", "hand": "wrist", "knuckle": "finger3-1",
    "thigh": "upperleg01", "shank": "lowerleg01", "foot": "foot",
}  # fmt: skip
"""Segment to the bone whose head is its joint; and the middle finger's knuckle."""


@dataclass(frozen=True)
class Rig:
    """Anny's model, and what of it is the same for everybody.

    Args:
        model: anny's.
        faces: (F, 3) corners of the triangles, counter-clockwise seen from outside.
        moves: (V, 16) how much each vertex moves with each segment; rows add up to 1.
        bones: names, in the model's order.
    """

    model: Any
    faces: np.ndarray
    moves: np.ndarray
    bones: list[str]

    def standing(self, traits: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) and heads of the bones (B, 3) as anny stands, arms out; body axes, any origin, metres."""
        made = self.model(phenotype_kwargs=traits)
        points = (made[name][0].double().numpy() for name in ("rest_vertices", "rest_bone_heads"))
        vertex_m, head_m = (at[:, [0, 2, 1]] * [1, 1, -1] for at in points)  # anny's z is up, and it faces -y
        return vertex_m, head_m

    def joint(self, head_m: np.ndarray, segment: str) -> np.ndarray:
        """A segment's joint, or "left_knuckle": (3,)."""
        side, _, bare = segment.partition("_") if segment.startswith(SIDES) else ("", "", segment)
        return head_m[self.bones.index(_JOINT[bare] + {"": "", "left": ".L", "right": ".R"}[side])]


@lru_cache(maxsize=1)
def load_rig() -> Rig:
    """Anny's model: a minute or two the first time on a machine, then some seconds a process.

    Raises:
        MatposeError: anny is not installed.
    """
    try:
        from anny import Anny
    except ModuleNotFoundError as error:
        raise MatposeError(
            f"realistic bodies need the package {error.name!r}", mend="pip install 'matpose[bodies]'"
        ) from error
    model = Anny(topology=TOPOLOGY, skinning_method="lbs").float()  # the other skinning compiles kernels
    bones = list(model.bone_labels)
    moved_by = np.array([SEGMENTS.index(_segment(bone)) for bone in bones])[model.vertex_bone_indices.numpy()]
    moves = np.zeros((len(moved_by), len(SEGMENTS)))
    np.add.at(moves, (np.arange(len(moved_by))[:, None], moved_by), model.vertex_bone_weights.double().numpy())
    return Rig(model, model.faces.numpy(), moves, bones)


def _segment(bone: str) -> str:
    """The segment that a bone belongs to."""
    bare, _, side = bone.partition(".")
    name = next(segment for start, segment in _SEGMENT_OF.items() if bare.startswith(start))
    return name if name in SEGMENTS else {"L": "left_", "R": "right_"}[side] + name
