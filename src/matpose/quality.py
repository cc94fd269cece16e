"""What is wrong with a frame, and the one named step that mends what can be mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np

from matpose.recording import Flag, Recording

# Thresholds in kPa. Raw frames are first brought to a like scale by `_like_kpa`.
TOUCHED = 0.133  # 1 mmHg: something lies on the cell
LOADED = 1.0  # 7.5 mmHg: a body presses on the cell
SILENT = 0.05  # a cell that reads nothing
NEGATIVE = -0.2  # below the rounding left by a subtracted baseline
HOT_EXCESS = 6.0  # 45 mmHg above every neighbour ...
HOT_RATIO = 6.0  # ... and as many times the highest of them
TYPICAL_PEAK = 6.5  # 49 mmHg: the 99.5th percentile over a bed mat under an adult
EMPTY_FORCE_N = 12.0  # a newborn of 2 kg presses with 20 N
EMPTY_STRUCTURE = 0.3  # share of variance that outlives a 3 x 3 mean: white noise .11 to .2, a body above .4
HOT_PITCH_M = 0.045  # in wider cells one heel or elbow looks like a hot cell
CEILINGS = (255, 1023, 4095, 65535)  # full counts of 8, 10, 12 and 16 bit converters
HUGE = 1e6  # keeps sums and squares of nonsense finite
WINDOW = 10  # frames after which a constant cell is stuck
SAMPLE = 256  # frames from which a recording's levels are read


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
    for part, known, empty, faults in _windows(recording):
        for flag, cells in faults.items():
            flags[part][cells.any((1, 2))] |= np.uint16(flag)
        flags[part][empty] |= np.uint16(Flag.EMPTY_BED)
        total[part] = np.maximum(known, 0).sum((1, 2), dtype=np.float64)
    flags[_corrupted(total, (flags & Flag.EMPTY_BED) > 0)] |= np.uint16(Flag.CORRUPTED)
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
    counts = recording.mat.counts
    for part, _, _, faults in _windows(recording):
        chunk = frames[part]
        missing = faults[Flag.NAN]
        isolated = missing & (_neighbours(missing).sum(0) == 0)
        faulty = faults[Flag.HOT] | faults[Flag.DEAD] | faults[Flag.STUCK]
        count["unmended"] += _interpolate(chunk, faulty | isolated, faulty | missing)
        count["nan_filled"] += int(isolated.sum())
        count["nan_left"] += int((missing & ~isolated).sum())
        for kind in (Flag.HOT, Flag.DEAD, Flag.STUCK):
            count[kind.names[0]] += int(faults[kind].sum())
        if recording.unit == "kPa" and counts is not None:
            count["clipped"] += int((chunk > counts.full_scale_kpa).sum())
            np.minimum(chunk, np.float32(counts.full_scale_kpa), out=chunk)
        count["negative"] += int((chunk < 0).sum())
        np.maximum(chunk, 0, out=chunk)
    return replace(recording, frames=frames), CleaningReport(**count)


Faults = dict[Flag, np.ndarray]


def _windows(recording: Recording) -> Iterator[tuple[slice, np.ndarray, np.ndarray, Faults]]:
    """(frames, pressures as if in kPa, which frames are empty, faulty cells by kind), a window at a time.

    Cells without a reading come as -inf: neither loaded nor silent, like whatever lies beyond the mat.
    Windows hold ``WINDOW`` frames or a few more: enough to tell a stuck cell, few enough to bound memory.
    """
    total = len(recording)
    floor, gain = _like_kpa(recording)
    lowest = min(NEGATIVE / gain, 4 * floor)  # noise around zero has its 5th percentile at -1.6 sd
    edges = np.linspace(0, total, max(1, total // WINDOW) + 1).astype(int) if total else np.zeros(1, int)
    for start, stop in pairwise(edges):
        part = slice(int(start), int(stop))
        frames = recording.frames[part]
        missing = ~np.isfinite(frames)
        like_kpa = np.clip((frames - np.float32(floor)) * np.float32(gain), -HUGE, HUGE)
        known = np.where(missing, np.float32(-np.inf), like_kpa)
        around = _neighbours(known, fill=-np.inf)
        highest = around.max(0)
        saturated = _saturated(recording, frames) & ~missing
        empty = _empty(recording, np.minimum(known, highest))
        dead = _dead(known, around) & ~empty[:, None, None]
        yield (
            part,
            known,
            empty,
            {
                Flag.NAN: missing,
                Flag.DEAD: dead,
                Flag.STUCK: _stuck(known) & ~saturated,
                Flag.SATURATED: saturated,
                Flag.HOT: _hot(recording, known, highest),
                Flag.NEGATIVE: (frames < lowest) & ~missing,
            },
        )


def _like_kpa(recording: Recording) -> tuple[float, float]:
    """(floor, gain) that bring frames to kPa, or counts to the range that kPa would have."""
    if recording.unit == "kPa" or not len(recording):
        return 0.0, 1.0
    sample = recording.frames[:: -(-len(recording) // SAMPLE)]
    cells = np.where(np.isfinite(sample), sample, np.nan).reshape(len(sample), -1)
    cells = cells[~np.isnan(cells).all(1)]
    if not len(cells):
        return 0.0, 1.0
    low, high = np.nanpercentile(cells, (5, 99.5), axis=1)
    floor = float(np.median(low))
    peak = float(np.percentile(high, 90)) - floor
    return floor, TYPICAL_PEAK / peak if peak > 0 else 1.0


def _neighbours(frames: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """The eight neighbours of every cell, ``fill`` beyond the mat: (8, T, rows, cols)."""
    rows, cols = frames.shape[1:]
    padded = np.pad(frames, ((0, 0), (1, 1), (1, 1)), constant_values=frames.dtype.type(fill))
    return np.stack(
        [padded[:, y : y + rows, x : x + cols] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    )


def _saturated(recording: Recording, frames: np.ndarray) -> np.ndarray:
    """Cells at full scale; counts of unknown scale are so where three or more share a converter's ceiling."""
    counts = recording.mat.counts
    if recording.unit == "kPa":
        if counts is None:
            return np.zeros(frames.shape, bool)
        return frames >= np.float32(counts.full_scale_kpa * (1 - 1e-6))
    peak = np.nanmax(np.nan_to_num(frames, nan=-np.inf), (1, 2), keepdims=True)
    at_peak = frames == peak
    return at_peak & np.isin(peak, CEILINGS) & (at_peak.sum((1, 2), keepdims=True) >= 3)


def _hot(recording: Recording, known: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Single cells far above all their neighbours."""
    pitch_m = max(recording.mat.pitch_y_m or 0.0, recording.mat.pitch_x_m or 0.0)
    if pitch_m > HOT_PITCH_M:
        return np.zeros(known.shape, bool)
    base = np.maximum(highest, TOUCHED)
    return (known > HOT_RATIO * base) & (known - base > HOT_EXCESS)


def _dead(known: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Cells that read nothing while seven or eight of their neighbours are loaded, and whole such lines."""
    silent = (known <= SILENT) & np.isfinite(known)
    dead = silent & ((around >= LOADED).sum(0) >= 7)
    for axis in (1, 2):
        along, across = np.moveaxis(known, axis, 1), np.moveaxis(silent, axis, 1)
        bridged = (along[:, :-2] >= LOADED) & (along[:, 2:] >= LOADED)
        line = across[:, 1:-1].all(2) & (bridged.sum(2) >= 3)
        np.moveaxis(dead, axis, 1)[:, 1:-1] |= line[:, :, None]
    return dead


def _stuck(known: np.ndarray) -> np.ndarray:
    """Cells that press yet never change in the window, while most neighbours take five values or more there.

    Values are counted, not measured: a coarse converter also leaves sound cells unchanged over ten frames,
    but then their neighbours hop between two or three counts.
    """
    never = np.zeros(known.shape, bool)
    low = known.min(0)
    steady = (low == known.max(0)) & (low > 3 * TOUCHED) & (low < known.max())
    if len(known) < WINDOW or not steady.any():
        return never
    ordered = np.sort(known, axis=0)
    lively = (ordered[1:] > ordered[:-1]).sum(0) + 1 >= 5
    return never | (steady & (_neighbours(lively[None])[:, 0].sum(0) >= 5))


def _empty(recording: Recording, calm: np.ndarray) -> np.ndarray:
    """Frames without a body: (T,) bool. ``calm`` is pressure with single peaks cut to their surroundings.

    A body presses on neighbouring cells together, so a 3 x 3 mean keeps most of its variance, where it takes
    eight ninths of the variance of noise. Calibrated frames must moreover weigh something.
    """
    calm = np.where(np.isfinite(calm), calm, 0)
    smooth = (_neighbours(calm).sum(0) + calm) / 9
    variance = calm.var((1, 2))
    structured = smooth.var((1, 2)) > EMPTY_STRUCTURE * variance
    if min(calm.shape[1:]) < 3:  # too few cells to tell a body from noise by its shape
        structured = np.ones(len(calm), bool)
    if recording.unit != "kPa" or recording.mat.pitch_y_m is None:
        return ~(structured & (smooth.max((1, 2)) > LOADED))
    pitch_y_m, pitch_x_m = recording.mat.pitch_m
    force_n = np.where(smooth > 1.5 * TOUCHED, smooth, 0).sum((1, 2)) * (1000 * pitch_y_m * pitch_x_m)
    return ~(structured & (force_n > EMPTY_FORCE_N))


def _corrupted(total: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Frames whose total is impossible beside the recording's others: (T,) bool."""
    if empty.all():
        return np.zeros(len(total), bool)
    typical = np.median(total[~empty])
    low = total < 0.3 * typical
    # a person cannot leave and return within two frames: both sides of so short a gap are loaded
    padded = np.pad(low, 2, constant_values=True)
    before, after = ~padded[1:-3], ~padded[3:-1]
    second_before, second_after = ~padded[:-4], ~padded[4:]
    brief = low & ((before & (after | second_after)) | (second_before & after))
    return brief | (total > 3 * typical)


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
