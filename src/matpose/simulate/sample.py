"""One simulated moment on a mat: what the mat reads of a person, or of two, and the truth about them."""

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
        partner: who lies beside them, with the pressure that they alone make; ``pressure_kpa`` and ``parts`` are
            then of both.
        whose: (rows, cols) uint8, whose part is over each cell: 1 the person's, 2 the partner's, else 0.
    """

    pressure_kpa: np.ndarray
    posture: str
    joints_m: np.ndarray
    joint_contact: np.ndarray
    landmarks_m: np.ndarray
    parts: np.ndarray
    facts: Mapping[str, str] = field(default_factory=dict)
    partner: Sample | None = None
    whose: np.ndarray | None = None

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """The truth as arrays, by the names of a recording's columns, for one frame."""
        known = {name: getattr(self, name) for name in _LABELS}
        if self.partner is not None:
            known |= {f"partner_{name}": getattr(self.partner, name) for name in _PARTNER_LABELS}
            known["whose"] = self.whose
        return {name: np.asarray(value) for name, value in known.items()}


_LABELS = ("posture", "joints_m", "joint_contact", "landmarks_m", "parts")
_PARTNER_LABELS = ("posture", "joints_m", "joint_contact")
