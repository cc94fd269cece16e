"""Which part of the body every loaded cell carries."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from matpose.mat import Mat
from matpose.monitor.body_size import stature_m
from matpose.monitor.limb_parts import Limbs
from matpose.monitor.trunk_parts import Trunk
from matpose.pose import Pose
from matpose.recording import JOINT_NAMES

FLOOR, HIGH = 0.05, 0.995  # quantiles of a frame: what unloaded cells read, and what the most loaded ones do
LOADED = 0.02  # of the way from the one to the other; 1 mmHg under an adult
BESIDE_LIMB, BESIDE_TRUNK = 0.12, 0.18
"""Shares of stature: further from every bone, and from the spine, nothing is of the body; hands and toes are within."""
UNKNOWN = (np.nan, np.nan, 0.0, 0.0)


def part_map(pose: Pose, frame: np.ndarray, mat: Mat) -> np.ndarray:
    """The part of the body over every loaded cell.

    Head and limbs are rounded bones between the pose's joints, the trunk is a rolled cylinder between hips and neck;
    the one that is nearest in its own radii has the cell. Bones that do not press, by the contact of their joints, are
    taken to be further away.

    Args:
        pose: joints may be None, and are then left out with what hangs on them.
        frame: (rows, cols) pressure in any unit; NaN = no reading.
        mat: the mat, its pitch known.

    Returns:
        (rows, cols) uint8 codes of ``PART_NAMES``; 0 where nothing presses, or what presses is no part of the body.

    Raises:
        MatposeError: the mat's pitch is not known.
    """
    parts = np.zeros(mat.rows * mat.cols, np.uint8)
    joints = [pose.keypoints.get(name) for name in JOINT_NAMES]
    if not any(joints):
        return parts.reshape(mat.rows, mat.cols)
    loaded = np.flatnonzero(_loaded(frame.ravel()))
    told = tuple(UNKNOWN if joint is None else (*joint.xy_m, joint.contact, joint.confidence) for joint in joints)
    parts[loaded] = _parts_at(_centres_m(mat)[loaded], *_pieces(told, pose.posture))
    return parts.reshape(mat.rows, mat.cols)


@lru_cache(maxsize=256)  # a bed's pose is often the same for many frames
def _pieces(joints: tuple[tuple[float, ...], ...], posture: str) -> tuple[Trunk, Limbs]:
    """Trunk and limbs of a pose: x, y, contact and confidence of its joints, and its posture."""
    told = np.array(joints, np.float64)
    trunk = Trunk.of(told[:, :2], posture, stature_m(told[:, :2]))
    return trunk, Limbs.of(told[:, :2], told[:, 2], told[:, 3], trunk)


def _parts_at(cells_m: np.ndarray, trunk: Trunk, limbs: Limbs) -> np.ndarray:
    """The part over each of some places (N, 2): (N,) uint8."""
    to_trunk, from_trunk_m, of_trunk = trunk.near(cells_m)
    to_limb, from_limb_m, of_limb = limbs.near(cells_m)
    code = np.where(to_limb < to_trunk, of_limb, of_trunk)
    size_m = trunk.stature_m
    code[(from_limb_m > BESIDE_LIMB * size_m) & (from_trunk_m > BESIDE_TRUNK * size_m)] = 0
    return code


def _loaded(cells: np.ndarray) -> np.ndarray:
    """Which cells press, whatever the unit: (N,) bool."""
    cells = np.nan_to_num(cells, nan=0.0)
    low, high = int(FLOOR * (len(cells) - 1)), int(HIGH * (len(cells) - 1))
    levels = np.partition(cells, (low, high))
    return cells > levels[low] + LOADED * max(levels[high] - levels[low], 1e-6)


@lru_cache(maxsize=16)
def _centres_m(mat: Mat) -> np.ndarray:
    """(rows * cols, 2) float32, x y of the cells' middles."""
    pitch_y_m, pitch_x_m = mat.pitch_m
    row, col = np.divmod(np.arange(mat.rows * mat.cols), mat.cols)
    centres = np.column_stack([(col + 0.5) * pitch_x_m, (row + 0.5) * pitch_y_m]).astype(np.float32)
    centres.flags.writeable = False
    return centres
