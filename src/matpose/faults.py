"""Which cells and frames are faulty: one function a kind, on windows of frames."""

from __future__ import annotations

from collections.abc import Iterator
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

Faults = dict[Flag, np.ndarray]


def fault_windows(recording: Recording) -> Iterator[tuple[slice, np.ndarray, np.ndarray, Faults]]:
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
        around = neighbours(known, fill=-np.inf)
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


def neighbours(frames: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """The eight neighbours of every cell, ``fill`` beyond the mat: (8, T, rows, cols)."""
    rows, cols = frames.shape[1:]
    padded = np.pad(frames, ((0, 0), (1, 1), (1, 1)), constant_values=frames.dtype.type(fill))
    return np.stack([padded[:, y : y + rows, x : x + cols] for y in range(3) for x in range(3) if (y, x) != (1, 1)])


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
    return never | (steady & (neighbours(lively[None])[:, 0].sum(0) >= 5))


def _empty(recording: Recording, calm: np.ndarray) -> np.ndarray:
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
    if recording.unit != "kPa" or recording.mat.pitch_y_m is None:
        return ~(structured & (smooth.max((1, 2)) > LOADED))
    pitch_y_m, pitch_x_m = recording.mat.pitch_m
    force_n = np.where(smooth > 1.5 * TOUCHED, smooth, 0).sum((1, 2)) * (1000 * pitch_y_m * pitch_x_m)
    return ~(structured & (force_n > EMPTY_FORCE_N))


def corrupted(total: np.ndarray, empty: np.ndarray) -> np.ndarray:
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
