"""What is wrong with a frame, and the one named step that mends what can be mended."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from matpose.faults import LOADED, Faults, corrupted, fault_windows, neighbours
from matpose.mat import Mat
from matpose.recording import Flag, Recording

__all__ = ["LOADED", "CleaningReport", "assess", "clean", "mend"]


def assess(recording: Recording) -> Recording:
    """Flag every frame for what is wrong with it; pressures stay as they are.

    Works on counts of unknown scale too: these are judged relative to the recording's own floor and peak.
    ``EMPTY_BED`` and ``CORRUPTED`` may meet: a blank frame amid loaded ones is both. ``HOT`` is not judged
    where cells are so wide that a heel fills only one.

    Args:
        recording: any recording; bits already set are kept.

    Returns:
        The recording with its ``flags`` (T,) uint16 completed.

    Example:
        >>> from matpose.mat import Mat
        >>> frames = np.zeros((1, 64, 32), np.float32)
        >>> blank = Recording(frames, Mat(64, 32, 0.03, 0.03), "kPa", np.zeros(1), np.zeros(1, np.uint16))
        >>> Flag(int(assess(blank).flags[0])).names
        ['empty_bed']
    """
    flags = recording.flags.astype(np.uint16)
    total = np.zeros(len(recording))
    for part, known, empty, faults in fault_windows(recording):
        for flag, cells in faults.items():
            flags[part][cells.any((1, 2))] |= np.uint16(flag)
        flags[part][empty] |= np.uint16(Flag.EMPTY_BED)
        total[part] = np.maximum(known, 0).sum((1, 2), dtype=np.float64)
    flags[corrupted(total, (flags & Flag.EMPTY_BED) > 0)] |= np.uint16(Flag.CORRUPTED)
    return replace(recording, flags=flags)


@dataclass(frozen=True)
class CleaningReport:
    """Cells that :func:`clean` changed, by kind, counted over all frames.

    Args:
        nan_filled, nan_left: cells without a reading that were interpolated, and that were left so.
        hot, dead, stuck: cells replaced by the median of their sound neighbours.
        unmended: such cells that have no sound neighbour and were left as they are.
        clipped: cells above full scale brought down to it.
        negative: cells below zero set to zero.
    """

    nan_filled: int = 0
    nan_left: int = 0
    hot: int = 0
    dead: int = 0
    stuck: int = 0
    unmended: int = 0
    clipped: int = 0
    negative: int = 0

    def as_dict(self) -> dict[str, int]:
        """Counts by kind."""
        return asdict(self)

    def __str__(self) -> str:
        words = {
            "nan_filled": "isolated cells without a reading interpolated",
            "nan_left": "cells without a reading left so",
            "hot": "hot cells replaced by their neighbours' median",
            "dead": "dead cells interpolated",
            "stuck": "stuck cells interpolated",
            "unmended": "faulty cells left, having no sound neighbour",
            "clipped": "cells clipped to full scale",
            "negative": "negative cells set to zero",
        }
        said = [f"{count} {words[kind]}" for kind, count in self.as_dict().items() if count]
        return "; ".join(said) or "nothing to clean"


def clean(recording: Recording) -> tuple[Recording, CleaningReport]:
    """Mend what the neighbours can mend, and say how much that was; flags stay, for they tell of the source.

    Hot, dead and stuck cells, and isolated cells without a reading, take the median of their sound
    neighbours; then cells above the sensor's full scale are clipped to it and negative ones set to zero.
    Larger patches without a reading stay NaN.

    Args:
        recording: any recording.

    Returns:
        (the cleaned recording, what was changed).

    Example:
        >>> from matpose.mat import Mat
        >>> frames = np.full((1, 8, 8), 2, np.float32)
        >>> frames[0, 4, 4] = np.nan
        >>> rec = Recording(frames, Mat(8, 8, 0.03, 0.03), "kPa", np.zeros(1), np.zeros(1, np.uint16))
        >>> cleaned, report = clean(rec)
        >>> float(cleaned.frames[0, 4, 4]), str(report)
        (2.0, '1 isolated cells without a reading interpolated')
    """
    frames = recording.frames.astype(np.float32, copy=True)
    count = dict.fromkeys(CleaningReport().as_dict(), 0)
    for part, _, _, faults in fault_windows(recording):
        for kind, cells in mend(frames[part], faults, recording.mat, recording.unit).items():
            count[kind] += cells
    return replace(recording, frames=frames), CleaningReport(**count)


def mend(frames: np.ndarray, faults: Faults, mat: Mat, unit: str) -> dict[str, int]:
    """Mend some frames in place, as :func:`clean` says, and count the cells by the names of its report.

    Args:
        frames: (T, rows, cols) float32, writeable.
        faults: by kind, from :func:`matpose.faults.window_faults`.
        mat: that made them.
        unit: "kPa" or "raw".
    """
    missing = faults[Flag.NAN]
    isolated = missing & (neighbours(missing).sum(0) == 0)
    faulty = faults[Flag.HOT] | faults[Flag.DEAD] | faults[Flag.STUCK]
    count = {
        "unmended": _interpolate(frames, faulty | isolated, faulty | missing),
        "nan_filled": int(isolated.sum()),
        "nan_left": int((missing & ~isolated).sum()),
        **{kind.names[0]: int(faults[kind].sum()) for kind in (Flag.HOT, Flag.DEAD, Flag.STUCK)},
    }
    if unit == "kPa" and mat.counts is not None:
        count["clipped"] = int((frames > mat.counts.full_scale_kpa).sum())
        np.minimum(frames, np.float32(mat.counts.full_scale_kpa), out=frames)
    count["negative"] = int((frames < 0).sum())
    np.maximum(frames, 0, out=frames)
    return count


def _interpolate(frames: np.ndarray, wanted: np.ndarray, unsound: np.ndarray) -> int:
    """Give the wanted cells the median of their sound neighbours, in place; return how many have none."""
    sound = np.pad(np.where(unsound, np.nan, frames), ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    t, y, x = np.nonzero(wanted)
    if not len(t):
        return 0
    around = np.stack([sound[t, y + dy, x + dx] for dy in range(3) for dx in range(3) if (dy, dx) != (1, 1)])
    has_one = ~np.isnan(around).all(0)
    frames[t[has_one], y[has_one], x[has_one]] = np.nanmedian(around[:, has_one], axis=0)
    return int((~has_one).sum())
