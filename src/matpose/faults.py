"""Which cells and frames are faulty: one function a kind, on windows of frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from matpose.mat import Mat
from matpose.recording import Flag, Recording

# Thresholds in kPa. Raw frames are first brought to a like scale by `_like_kpa`.
TOUCHED = 0.133  # 1 mmHg: something lies on the cell
LOADED = 1.0  # 7.5 mmHg: a body presses on the cell
SILENT = 0.05  # a cell that reads nothing
NEGATIVE = -0.2  # below the rounding left by a subtracted baseline
HOT_EXCESS = 6.0  # 45 mmHg above every neighbour ...
HOT_RATIO = 6.0  # ... and as many times the highest of them
TYPICAL_PEAK = 6.5  # 49 mmHg: the 99.5th percentile over a bed mat under an adult
SPREAD = 1.5 * TOUCHED  # what a mean of nine cells must exceed to count as weight
EMPTY_FORCE_N = 12.0  # a newborn of 2 kg presses with 20 N
EMPTY_STRUCTURE = 0.3  # share of variance that outlives a 3 x 3 mean: white noise .11 to .2, a body above .4
HOT_PITCH_M = 0.045  # in wider cells one heel or elbow looks like a hot cell
CEILINGS = (255, 1023, 4095, 65535)  # full counts of 8, 10, 12 and 16 bit converters
LOW, HIGH = 0.3, 3.0  # a total is impossible beside such multiples of the typical one
HUGE = 1e6  # keeps sums and squares of nonsense finite
WINDOW = 10  # frames after which a constant cell is stuck
SAMPLE = 256  # frames from which a recording's levels are read

Faults = dict[Flag, np.ndarray]


def fault_windows(recording: Recording) -> Iterator[tuple[slice, np.ndarray, np.ndarray, Faults]]:
    """(frames, pressures as if in kPa, which frames are empty, faulty cells by kind), a window at a time.

    Cells without a reading come as -inf: neither loaded nor silent, like whatever lies beyond the mat.
    Windows hold ``WINDOW`` frames or a few more: enough to tell a stuck cell, few enough to bound memory.
    """
    total = len(recording)
    floor, gain = _like_kpa(recording)
    edges = np.linspace(0, total, max(1, total // WINDOW) + 1).astype(int) if total else np.zeros(1, int)
    for start, stop in pairwise(edges):
        part = slice(int(start), int(stop))
        yield part, *window_faults(recording.frames[part], recording.mat, recording.unit, floor, gain)


def window_faults(
    frames: np.ndarray, mat: Mat, unit: str, floor: float, gain: float
) -> tuple[np.ndarray, np.ndarray, Faults]:
    """What is faulty in some frames that follow each other.

    Args:
        frames: (T, rows, cols) in ``unit``; cells are judged stuck from ``WINDOW`` frames on.
        mat: that made them.
        unit: "kPa" or "raw".
        floor, gain: that bring them to kPa or the like of it, see :func:`scale_of`; 0 and 1 for kPa.

    Returns:
        (pressures as if in kPa, which frames are empty, faulty cells by kind).
    """
    lowest = lowest_sound(floor, gain)
    missing = ~np.isfinite(frames)
    like_kpa = np.clip((frames - np.float32(floor)) * np.float32(gain), -HUGE, HUGE)
    known = np.where(missing, np.float32(-np.inf), like_kpa)
    around = neighbours(known, fill=-np.inf)
    highest = around.max(0)
    saturated = _saturated(mat, unit, frames) & ~missing
    empty = _empty(mat, unit, np.minimum(known, highest))
    dead = _dead(known, around) & ~empty[:, None, None]
    return (
        known,
        empty,
        {
            Flag.NAN: missing,
            Flag.DEAD: dead,
            Flag.STUCK: stuck_cells(known) & ~saturated,
            Flag.SATURATED: saturated,
            Flag.HOT: _hot(mat, known, highest),
            Flag.NEGATIVE: (frames < lowest) & ~missing,
        },
    )


def lowest_sound(floor: float, gain: float) -> float:
    """Below it a cell is negative, in the unit of the frames."""
    return min(NEGATIVE / gain, 4 * floor)  # noise around zero has its 5th percentile at -1.6 sd


def _like_kpa(recording: Recording) -> tuple[float, float]:
    """(floor, gain) that bring frames to kPa, or counts to the range that kPa would have."""
    if recording.unit == "kPa" or not len(recording):
        return 0.0, 1.0
    return scale_of(*levels(recording.frames[:: -(-len(recording) // SAMPLE)]))


def levels(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """5th and 99.5th percentile of every frame that has a reading: (T,) each."""
    known = np.isfinite(frames)
    if known.all():
        low, high = np.percentile(frames.reshape(len(frames), -1), (5, 99.5), axis=1)  # a stream cannot wait for NaNs
        return low, high
    cells = np.where(known, frames, np.nan).reshape(len(frames), -1)
    cells = cells[~np.isnan(cells).all(1)]
    if not len(cells):
        return np.empty(0), np.empty(0)
    low, high = np.nanpercentile(cells, (5, 99.5), axis=1)
    return low, high


def scale_of(low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """(floor, gain) from the :func:`levels` of frames: counts minus the floor, times the gain, are like kPa."""
    if not len(low):
        return 0.0, 1.0
    floor = float(np.median(low))
    peak = float(np.percentile(high, 90)) - floor
    return floor, TYPICAL_PEAK / peak if peak > 0 else 1.0


def neighbours(frames: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """The eight neighbours of every cell, ``fill`` beyond the mat: (8, T, rows, cols)."""
    rows, cols = frames.shape[1:]
    padded = np.pad(frames, ((0, 0), (1, 1), (1, 1)), constant_values=frames.dtype.type(fill))
    return np.stack([padded[:, y : y + rows, x : x + cols] for y in range(3) for x in range(3) if (y, x) != (1, 1)])


def _saturated(mat: Mat, unit: str, frames: np.ndarray) -> np.ndarray:
    """Cells at full scale; counts of unknown scale are so where three or more share a converter's ceiling."""
    counts = mat.counts
    if unit == "kPa":
        if counts is None:
            return np.zeros(frames.shape, bool)
        return frames >= np.float32(counts.full_scale_kpa * (1 - 1e-6))
    peak = np.nanmax(np.nan_to_num(frames, nan=-np.inf), (1, 2), keepdims=True)
    at_peak = frames == peak
    return at_peak & np.isin(peak, CEILINGS) & (at_peak.sum((1, 2), keepdims=True) >= 3)


def judges_hot(mat: Mat) -> bool:
    """Whether the mat's cells are small enough to tell a hot one from a heel."""
    return max(mat.pitch_y_m or 0.0, mat.pitch_x_m or 0.0) <= HOT_PITCH_M


def _hot(mat: Mat, known: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Single cells far above all their neighbours."""
    if not judges_hot(mat):
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


def stuck_cells(known: np.ndarray) -> np.ndarray:
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
    return never | (steady & (neighbours(lively[None])[:, 0].sum(0) >= 5))


def _empty(mat: Mat, unit: str, calm: np.ndarray) -> np.ndarray:
    """Frames without a body: (T,) bool. ``calm`` is pressure with single peaks cut to their surroundings.

    A body presses on neighbouring cells together, so a 3 x 3 mean keeps most of its variance, where it takes
    eight ninths of the variance of noise. Calibrated frames must moreover weigh something.
    """
    calm = np.where(np.isfinite(calm), calm, 0)
    smooth = (neighbours(calm).sum(0) + calm) / 9
    variance = calm.var((1, 2))
    structured = smooth.var((1, 2)) > EMPTY_STRUCTURE * variance
    if min(calm.shape[1:]) < 3:  # too few cells to tell a body from noise by its shape
        structured = np.ones(len(calm), bool)
    if unit != "kPa" or mat.pitch_y_m is None:
        return ~(structured & (smooth.max((1, 2)) > LOADED))
    pitch_y_m, pitch_x_m = mat.pitch_m
    force_n = np.where(smooth > SPREAD, smooth, 0).sum((1, 2)) * (1000 * pitch_y_m * pitch_x_m)
    return ~(structured & (force_n > EMPTY_FORCE_N))


def corrupted(total: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Frames whose total is impossible beside the recording's others: (T,) bool."""
    if empty.all():
        return np.zeros(len(total), bool)
    typical = np.median(total[~empty])
    low = total < LOW * typical
    # a person cannot leave and return within two frames: both sides of so short a gap are loaded
    padded = np.pad(low, 2, constant_values=True)
    before, after = ~padded[1:-3], ~padded[3:-1]
    second_before, second_after = ~padded[:-4], ~padded[4:]
    brief = low & ((before & (after | second_after)) | (second_before & after))
    return brief | (total > HIGH * typical)
