"""From what a sender said to a frame of a bed: turned, in the source's unit, in its place in time."""

from __future__ import annotations

import re

import numpy as np

from matpose.errors import MatposeError
from matpose.intake import to_kpa
from matpose.live.arrival import Arrival
from matpose.live.continuity import Continuity
from matpose.live.reconnect import Line
from matpose.live.wire import Frame
from matpose.mat import Mat
from matpose.recording import Flag

MAX_BEDS = 256
"""Beds of one source: more are somebody's mistake, or ill will."""
_BED = re.compile(r"[A-Za-z0-9_-]{1,64}")


def bed_name(name: str) -> str:
    """The same name, if a bed may have it.

    Raises:
        MatposeError: it is none.
    """
    if _BED.fullmatch(name) is None:
        raise MatposeError(f"{name[:80]!r} is no name of a bed", mend='use up to 64 letters, digits, "-" and "_"')
    return name


class Receiver:
    """Takes the frames of a source's beds.

    Args:
        mat: of all beds.
        unit: of the numbers, as for :func:`matpose.intake.intake`. A scale that a frame states goes before it, unless
            the unit is "raw".
        scaled: whether frames can state a scale. Then None means that they do, or that the mat has one for its
            counts; frames of neither are refused, for a source has one unit.
        line: where is told what is refused, and whose clock is wrong.

    Attributes:
        unit: "kPa" or "raw".

    Raises:
        MatposeError: an unknown unit, or counts of a mat without a scale.

    Example:
        >>> receiver = Receiver(Mat(1, 2, 0.03, 0.03, mirror=True), "mmHg", scaled=False, line=Line())
        >>> arrival = receiver.receive("7", Frame(np.ones((1, 2), np.float32)), received_s=1.7e9)
        >>> arrival.bed, arrival.epoch_s, round(float(arrival.frame[0, 0]), 6)
        ('7', 1700000000.0, 0.133322)
    """

    def __init__(self, mat: Mat, unit: str | None, *, scaled: bool, line: Line) -> None:
        self.mat = mat
        self.unit = to_kpa(np.zeros((), np.float32), mat, unit)[1]
        self._needs_scale = scaled and unit is None and mat.counts is None
        if self._needs_scale:
            self.unit = "kPa"
        self._said_unit = unit
        self._line = line
        self._order: dict[str, Continuity] = {}

    def receive(self, bed: str, frame: Frame, received_s: float) -> Arrival | None:
        """A frame of a bed.

        Args:
            bed: its name.
            frame: what the sender said.
            received_s: epoch seconds at which it came.

        Returns:
            The arrival; None where the frame came already, or cannot be used (then ``line.notes`` says why).
        """
        order = self._order.get(bed)
        if order is None:
            if len(self._order) >= MAX_BEDS:
                self._line.note("-", f"there are more than {MAX_BEDS} beds; the others are not taken")
                return None
            order = self._order[bed] = Continuity()
        if frame.scale_kpa is None and self._needs_scale:
            self._line.note(bed, "frames are counts without a scale: state the mat's scale, or the unit raw")
            return None
        placed = order.place(
            received_s, epoch_s=frame.epoch_s, sequence=frame.sequence, lost=frame.after_loss
        )  # fmt: skip
        if placed is None:
            return None
        if order.ahead_s is not None and Flag.CLOCK in placed.flags:
            self._line.note(bed, f"its clock is {order.ahead_s:.0f} s ahead of ours; frames have our time")
        values, flags = frame.values, placed.flags
        if values.shape != self.mat.stored_shape:
            flags |= Flag.WRONG_SIZE
            values = np.full(self.mat.stored_shape, np.nan, np.float32)
        return Arrival(bed, placed.epoch_s, self._pressure(values, frame.scale_kpa), flags, frame.sequence)

    def _pressure(self, values: np.ndarray, scale_kpa: float | None) -> np.ndarray:
        stated = scale_kpa is not None and self.unit == "kPa"
        frame = values * np.float32(scale_kpa) if stated else to_kpa(values, self.mat, self._said_unit)[0]
        return np.ascontiguousarray(self.mat.canonical(frame), np.float32)
