"""One simulated person on a mat at one moment: what the mat reads, and the truth about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Sample:
    """What one simulated moment gives.

    Args:
        pressure_kpa: (rows, cols) float32, canonical; of an ideal sensor or of a real one, as its maker says.
        posture: one of ``matpose.recording.POSTURES``.
        joints_m: (14, 3) float32 in the mat's frame, in the order of ``JOINT_NAMES``.
        joint_contact: (14,) bool, whether the part at a joint presses on the mat.
        landmarks_m: (12, 3) float32, in the order of ``matpose.recording.LANDMARK_NAMES``.
        parts: (rows, cols) uint8, the body part over every loaded cell, as ``PART_NAMES`` codes them; else 0.
        facts: of the person and the bed: stature, mass, sex, preset, mattress.
    """

    pressure_kpa: np.ndarray
    posture: str
    joints_m: np.ndarray
    joint_contact: np.ndarray
    landmarks_m: np.ndarray
    parts: np.ndarray
    facts: Mapping[str, str] = field(default_factory=dict)
