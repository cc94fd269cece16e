"""The check of a stream: what is wrong with the frame that has just come, and the frame with what can be mended."""

from __future__ import annotations

from math import inf

import numpy as np

from matpose.faults import levels, scale_of, window_faults
from matpose.mat import Mat
from matpose.quality import mend
from matpose.recording import Flag
from matpose.runtime.frame_memory import Levels, Stillness, Totals
from matpose.runtime.frame_screen import Look, Screen

HEAVIEST_N = 6000.0
"""Six hundred kilograms: no bed bears them."""


class FrameCheck:
    """Flags and cleans the frames of one bed as they come, as `assess` and `clean` of :mod:`matpose.quality` do.

    It knows the past only, which shows in three places. A stuck cell is told from its tenth equal frame on. A frame
    that is far too light right after others counts as corrupted until two more frames, or some seconds, bear it out;
    see :class:`matpose.runtime.frame_memory.Totals`. And counts of unknown scale are judged by the levels of the frames
    so far; see :class:`matpose.runtime.frame_memory.Levels`.

    Most frames are sound, and a cheap look proves it; the others are judged cell by cell with the functions that judge
    recordings.

    Args:
        mat: that makes the frames.
        unit: "kPa" or "raw".

    Example:
        >>> check = FrameCheck(Mat(64, 32, 0.03, 0.03), "kPa")
        >>> cleaned, flags = check.check(np.full((64, 32), -0.1, np.float32))
        >>> float(cleaned.min()), flags.names
        (0.0, ['empty_bed'])
    """

    def __init__(self, mat: Mat, unit: str) -> None:
        self._mat, self._unit = mat, unit
        self._screen = Screen(mat, unit)
        self._stillness = Stillness(self._screen)
        self._totals = Totals(_heaviest(mat, unit))
        self._levels = None if unit == "kPa" else Levels()
        self._screened = min(mat.rows, mat.cols) >= 3  # else a body cannot be told by its shape

    def check(self, frame: np.ndarray, epoch_s: float | None = None) -> tuple[np.ndarray, Flag]:
        """Judge and clean the next frame.

        Args:
            frame: (rows, cols) of the mat, canonical, in its unit; another size is flagged and has no reading.
            epoch_s: when it was made, seconds; without it, how brief a gap is shows in frames only.

        Returns:
            (a new (rows, cols) float32 frame, what was wrong with the one given).
        """
        flags = Flag(0)
        frame = np.asarray(frame, np.float32)
        if frame.shape != (self._mat.rows, self._mat.cols):
            frame, flags = np.full((self._mat.rows, self._mat.cols), np.nan, np.float32), Flag.WRONG_SIZE
        look, floor, gain = self._look(frame)
        stuck = self._stillness.stuck(floor, gain)
        if look is not None and stuck is None and self._screened:
            empty, total = look.empty, look.total
            if look.saturated:
                flags |= Flag.SATURATED
            cleaned = np.maximum(frame, 0)
            if self._mat.counts is not None and self._unit == "kPa":
                np.minimum(cleaned, np.float32(self._mat.counts.full_scale_kpa), out=cleaned)
        else:
            cleaned, found, empty, total = self._cell_by_cell(frame, floor, gain, stuck)
            flags |= found
        if empty:
            flags |= Flag.EMPTY_BED
        if self._totals.impossible(total / gain, empty, epoch_s):
            flags |= Flag.CORRUPTED
        return cleaned, flags

    def _look(self, frame: np.ndarray) -> tuple[Look | None, float, float]:
        """(what a cheap look shows, floor, gain); counts are looked at again where they change the scale much."""
        if self._levels is None:
            return self._screen.look(frame, 0.0, 1.0), 0.0, 1.0
        scale = self._levels.of(frame)
        look = self._screen.look(frame, *scale)
        structured = self._has_a_body(frame) if look is None else look.structured
        if structured and self._levels.learn(frame):
            scale = self._levels.of(frame)
            look = self._screen.look(frame, *scale)
        return look, *scale

    def _has_a_body(self, frame: np.ndarray) -> bool:
        """Whether counts show somebody when judged by their own levels, so that wrong ones can be unlearned."""
        _, empty, _ = window_faults(frame[None], self._mat, self._unit, *scale_of(*levels(frame[None])))
        return not empty[0]

    def _cell_by_cell(
        self, frame: np.ndarray, floor: float, gain: float, stuck: np.ndarray | None
    ) -> tuple[np.ndarray, Flag, bool, float]:
        """(cleaned, flags, whether it is empty, total) by the functions that judge recordings."""
        known, empty, faults = window_faults(frame[None], self._mat, self._unit, floor, gain)
        if stuck is not None:
            faults[Flag.STUCK] = stuck[None] & ~faults[Flag.SATURATED]
        flags = Flag(0)
        for kind, cells in faults.items():
            if cells.any():
                flags |= kind
        cleaned = frame[None].copy()
        mend(cleaned, faults, self._mat, self._unit)
        return cleaned[0], flags, bool(empty[0]), float(np.maximum(known, 0).sum(dtype=np.float64))


def _heaviest(mat: Mat, unit: str) -> float:
    """The highest total that can be, in kPa; infinite where force is not known."""
    if unit != "kPa" or mat.pitch_y_m is None:
        return inf
    return HEAVIEST_N / (1000 * mat.pitch_m[0] * mat.pitch_m[1])
