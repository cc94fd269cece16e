"""The recording: canonical pressure frames over time, in kPa and metres, with what is known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntFlag

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat

JOINT_NAMES = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist",
    "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "thorax", "head_top",
)  # fmt: skip
LANDMARK_NAMES = (
    "occiput", "left_scapula", "right_scapula", "left_elbow", "right_elbow", "sacrum", "left_trochanter",
    "right_trochanter", "left_knee", "right_knee", "left_heel", "right_heel",
)  # fmt: skip
"""Where bones come close to the skin: the second set of points, on the skin and not in the joint."""
PART_NAMES = (
    "none", "head", "left_shoulder", "right_shoulder", "upper_back", "lower_back", "sacrum", "left_hip",
    "right_hip", "left_upper_arm", "right_upper_arm", "left_forearm_hand", "right_forearm_hand",
    "left_thigh", "right_thigh", "left_knee", "right_knee", "left_calf", "right_calf", "left_heel_foot",
    "right_heel_foot", "chest_belly",
)  # fmt: skip
"""Parts of the body, by their codes in ``parts``: 0 is nobody, 21 bears only of those who lie prone."""
POSTURES = ("supine", "prone", "left", "right", "sitting", "empty", "unknown")
COLUMNS = (
    "frames", "time_s", "flags", "posture", "joints_m", "joint_contact", "landmarks_m", "parts", "person",
    "partner_posture", "partner_joints_m", "partner_joint_contact", "whose", "facts", "partner_facts",
)  # fmt: skip
"""Fields of a recording that hold one row a frame."""
FACTS = np.dtype(
    [("stature_m", "<f4"), ("mass_kg", "<f4"), ("sex", "S8"), ("style", "S24"), ("raised_deg", "<f4"),
     ("posture17", "u1")]
)  # fmt: skip
"""Of a frame's person and bed: NaN, empty or 0 where it is not known."""


class Flag(IntFlag):
    """What is wrong with a frame; a frame carries any number of these."""

    NAN = 1  # a cell of the mat has no reading
    DEAD = 2  # cells read zero in the midst of loaded ones
    STUCK = 4  # cells never change while their neighbours do
    SATURATED = 8  # cells at or above the sensor's full scale
    HOT = 16  # single cells far above all their neighbours
    NEGATIVE = 32  # cells below zero
    WRONG_SIZE = 64  # the frame did not have the mat's grid; it is all NaN
    EMPTY_BED = 128  # nobody is on the mat
    CORRUPTED = 256  # the transfer failed: the total force is impossible
    OUTSIDE = 512  # force falls outside the canvas
    GAP = 1024  # frames are missing before this one
    CLOCK = 2048  # the clock jumped before this one

    @property
    def names(self) -> list[str]:
        """Lower-case names of the flags set, in order.

        Example:
            >>> (Flag.NAN | Flag.HOT).names
            ['nan', 'hot']
        """
        return [flag.name.lower() for flag in Flag if flag in self and flag.name]


@dataclass(frozen=True)
class Recording:
    """Frames of one mat over time. Its arrays are never changed in place: steps return a new one.

    Args:
        frames: (T, rows, cols) float32, canonical view, in ``unit``; NaN = no reading.
        mat: the mat that made them.
        unit: "kPa", or "raw" while nobody has calibrated it.
        time_s: (T,) float64, seconds from the first frame.
        flags: (T,) uint16 of :class:`Flag` bits.
        name: short name of the recording, unique in its dataset ("i/S1/7").
        subject: who lies there, unique over datasets that share people.
        source: the file it came from.
        start_time: ISO 8601, where known.
        posture: (T,) str, each one of ``POSTURES``, where known.
        joints_m: (T, 14, 3) float32, x y z in metres in the mat's frame, in the order of ``JOINT_NAMES``.
        joint_contact: (T, 14) bool, whether the part at a joint presses on the mat.
        landmarks_m: (T, 12, 3) float32, like ``joints_m``, in the order of ``LANDMARK_NAMES``.
        parts: (T, rows, cols) uint8, the body part over each cell, as coded by ``PART_NAMES``.
        person: (T,) uint32, which of several people a frame shows, where its frames are not all of one.
        partner_posture, partner_joints_m, partner_joint_contact: like those without "partner", of a second person on
            the mat; "empty" and NaN where there is none.
        whose: (T, rows, cols) uint8, whose part is over each cell: 1 the person's, 2 the partner's, 0 nobody's.
        facts, partner_facts: (T,) of ``FACTS``, what else is known of the person, their bed and style of lying.
        events: (time_s, what) pairs: turns, exits, transfers.
        meta: further facts of its dataset ("posture17", "mattress").

    Raises:
        MatposeError: arrays whose shapes do not agree.

    Example:
        >>> rec = Recording(np.ones((2, 4, 3)), Mat(4, 3, 0.03, 0.03), "kPa", np.arange(2.0), np.zeros(2, int))
        >>> len(rec), rec.duration_s
        (2, 1.0)
    """

    frames: np.ndarray
    mat: Mat
    unit: str
    time_s: np.ndarray
    flags: np.ndarray
    name: str = ""
    subject: str | None = None
    source: str | None = None
    start_time: str | None = None
    posture: np.ndarray | None = None
    joints_m: np.ndarray | None = None
    joint_contact: np.ndarray | None = None
    landmarks_m: np.ndarray | None = None
    parts: np.ndarray | None = None
    person: np.ndarray | None = None
    partner_posture: np.ndarray | None = None
    partner_joints_m: np.ndarray | None = None
    partner_joint_contact: np.ndarray | None = None
    whose: np.ndarray | None = None
    facts: np.ndarray | None = None
    partner_facts: np.ndarray | None = None
    events: tuple[tuple[float, str], ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.frames)
        expected = {
            "frames": (count, self.mat.rows, self.mat.cols),
            "time_s": (count,),
            "flags": (count,),
            "posture": (count,),
            "joints_m": (count, len(JOINT_NAMES), 3),
            "joint_contact": (count, len(JOINT_NAMES)),
            "landmarks_m": (count, len(LANDMARK_NAMES), 3),
            "parts": (count, self.mat.rows, self.mat.cols),
            "person": (count,),
            "partner_posture": (count,),
            "partner_joints_m": (count, len(JOINT_NAMES), 3),
            "partner_joint_contact": (count, len(JOINT_NAMES)),
            "whose": (count, self.mat.rows, self.mat.cols),
            "facts": (count,),
            "partner_facts": (count,),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise MatposeError(
                    f"{name} has shape {value.shape}, not {shape}",
                    mend="give one row of every array for each frame, on the mat's own grid",
                    path=self.source,
                )
        if self.unit not in ("kPa", "raw"):
            raise MatposeError(f"a recording's unit cannot be {self.unit!r}", mend="convert to kPa, or say 'raw'")
        for posture in (self.posture, self.partner_posture):
            if posture is not None and (unknown := set(posture.tolist()) - set(POSTURES)):
                raise MatposeError(f"unknown postures {sorted(unknown)}", mend=f"use {', '.join(POSTURES)}")
        for facts in (self.facts, self.partner_facts):
            if facts is not None and facts.dtype != FACTS:
                raise MatposeError(f"facts are a table of {facts.dtype}", mend="use matpose.recording.FACTS")

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The arrays with one row a frame, by name; those that are not known are left out."""
        return {name: value for name in COLUMNS if (value := getattr(self, name)) is not None}

    @property
    def duration_s(self) -> float:
        """From the first frame to the last, seconds."""
        return float(self.time_s[-1] - self.time_s[0]) if len(self) else 0.0

    def select(self, index) -> Recording:
        """The same recording with only the chosen frames.

        Args:
            index: slice, or array of indices or booleans over frames.
        """
        return replace(self, **{name: value[index] for name, value in self.columns.items()})
