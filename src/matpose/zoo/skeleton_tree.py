"""The skeleton as a tree: 13 bones between the 14 joints, from the thorax outwards."""

from __future__ import annotations

import torch

from matpose.recording import JOINT_NAMES

_PARENT = {
    "head_top": "thorax",
    **{f"{side}_{joint}": "thorax" for side in ("right", "left") for joint in ("shoulder", "hip")},
    **{
        f"{side}_{joint}": f"{side}_{parent}"
        for side in ("right", "left")
        for joint, parent in (("elbow", "shoulder"), ("wrist", "elbow"), ("knee", "hip"), ("ankle", "knee"))
    },
}
ROOT = JOINT_NAMES.index("thorax")
PARENTS = tuple(JOINT_NAMES.index(_PARENT[name]) if name in _PARENT else -1 for name in JOINT_NAMES)
"""Of each joint the one next to it towards the thorax, whose own is -1."""


def neighbourhoods(parents: tuple[int, ...] = PARENTS) -> torch.Tensor:
    """S_n: every joint with those that share a bone with it.

    Args:
        parents: of each of J joints, -1 for a root.

    Returns:
        (J, J) of 0 and 1; row n is 1 at joint n and at its neighbours.

    Example:
        >>> neighbourhoods((-1, 0, 1)).tolist()
        [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """
    groups = torch.eye(len(parents))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            groups[joint, parent] = groups[parent, joint] = 1
    return groups


def paths_from_origin(parents: tuple[int, ...] = PARENTS) -> torch.Tensor:
    """Which bones lie between the origin and every joint; a root's bone comes from the origin.

    Args:
        parents: of each of J joints, -1 for a root.

    Returns:
        (J, J) of 0 and 1; this matrix times the bones (J, 2) is the joints, its inverse times the joints the bones.

    Example:
        >>> paths_from_origin((-1, 0, 1)).tolist()
        [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    """
    paths = torch.zeros(len(parents), len(parents))
    for joint in range(len(parents)):
        bone = joint
        while bone >= 0:
            paths[joint, bone] = 1
            bone = parents[bone]
    return paths
