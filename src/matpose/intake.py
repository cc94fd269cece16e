"""The way in: from stored arrays, in whatever turn and unit, to a flagged canonical recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import KPA_PER_UNIT, Mat
from matpose.quality import assess
from matpose.recording import Flag, Recording


def intake(
    stored: np.ndarray | Sequence[np.ndarray],
    mat: Mat,
    *,
    unit: str | None = None,
    time_s: np.ndarray | None = None,
    rate_hz: float = 1.0,
    **known,
) -> Recording:
    """Bring stored arrays to the canonical view and to kPa, and flag every frame.

    Args:
        stored: (T, stored rows, stored cols), or a sequence of frames of which some may have the wrong size;
            those become all NaN and are flagged.
        mat: the mat, with its rotate and mirror.
        unit: unit of the stored numbers: a key of ``KPA_PER_UNIT``, "counts" (converted with the mat's own
            scale) or "raw"; None means counts where the mat has a scale, else raw.
        time_s: (T,) seconds; else frames are ``1 / rate_hz`` apart.
        known: further fields of the recording.

    Raises:
        MatposeError: an unknown unit, or counts of a mat without a scale.

    Example:
        >>> rec = intake(np.ones((2, 4, 3)), Mat(4, 3, 0.03, 0.03), unit="mmHg", rate_hz=2)
        >>> rec.frames.shape, round(float(rec.frames[0, 0, 0]), 6), rec.time_s.tolist()
        ((2, 4, 3), 0.133322, [0.0, 0.5])
    """
    frames, wrong = _stack(stored, mat)
    frames = np.ascontiguousarray(mat.canonical(frames))
    frames, unit = to_kpa(frames, mat, unit)
    if time_s is None:
        time_s = np.arange(len(frames), dtype=np.float64) / rate_hz
    flags = np.where(wrong, np.uint16(Flag.WRONG_SIZE), np.uint16(0))
    return assess(Recording(frames=frames, mat=mat, unit=unit, time_s=time_s, flags=flags, **known))


def _stack(stored: np.ndarray | Sequence[np.ndarray], mat: Mat) -> tuple[np.ndarray, np.ndarray]:
    """(T, stored rows, stored cols) float32, and which frames had the wrong size and are NaN: (T,) bool."""
    if isinstance(stored, np.ndarray) and stored.shape[1:] == mat.stored_shape:
        return stored.astype(np.float32, copy=False), np.zeros(len(stored), bool)
    arrays = [np.asarray(frame, dtype=np.float32) for frame in stored]
    wrong = np.array([array.shape != mat.stored_shape for array in arrays], dtype=bool)
    frames = np.full((len(arrays), *mat.stored_shape), np.nan, dtype=np.float32)
    for index in np.flatnonzero(~wrong):
        frames[index] = arrays[index]
    return frames, wrong


def to_kpa(frames: np.ndarray, mat: Mat, unit: str | None) -> tuple[np.ndarray, str]:
    """Bring stored numbers to kPa, or leave them as they are.

    Args:
        frames: numbers of any shape, float32.
        mat: the mat that made them.
        unit: as for :func:`intake`.

    Returns:
        (the numbers, "kPa" or "raw").

    Raises:
        MatposeError: an unknown unit, or counts of a mat without a scale.
    """
    if unit is None:
        unit = "counts" if mat.counts else "raw"
    if unit == "raw":
        return frames, "raw"
    if unit == "counts":
        if mat.counts is None:
            raise MatposeError("this mat's counts have no known scale", mend="use --unit raw, kPa or mmHg")
        return (frames - np.float32(mat.counts.zero_count)) * np.float32(mat.counts.kpa_per_count), "kPa"
    named = {name.lower(): name for name in KPA_PER_UNIT}
    if unit.lower() not in named:
        raise MatposeError(f"unknown unit {unit!r}", mend=f"use one of {', '.join(KPA_PER_UNIT)}, counts or raw")
    return frames * np.float32(KPA_PER_UNIT[named[unit.lower()]]), "kPa"
