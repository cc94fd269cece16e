"""What a source gives: frames as they come, each with when and what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from matpose.mat import Mat
from matpose.recording import Flag


@dataclass(frozen=True)
class Arrival:
    """One frame of one bed.

    Args:
        bed: its name: letters, digits, "-" and "_".
        epoch_s: when the mat made it, seconds since 1970, UTC.
        frame: (rows, cols) float32, canonical, in the source's unit; all NaN where it had the wrong size.
        flags: ``WRONG_SIZE``, ``GAP`` or ``CLOCK`` where the source saw it.
        sequence: the mat's own counter, where it has one.
    """

    bed: str
    epoch_s: float
    frame: np.ndarray
    flags: Flag
    sequence: int | None = None


class Source(Protocol):
    """Where frames come from, for one bed or many.

    Args:
        mat: of all its beds.
        unit: "kPa" or "raw".
        beds: names of those it is known to have; others may appear.
    """

    mat: Mat
    unit: str
    beds: tuple[str, ...]

    def arrivals(self) -> AsyncIterator[Arrival]:
        """Frames without end, or until the source is done; it comes back by itself after its line was cut.

        Raises:
            MatposeError: what no waiting will mend: no such port, a mat that fits no frame.
        """
        ...
