"""From counts to kPa: by a known factor, or by the known weight of somebody who lies on the mat."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import CountScale, Mat
from matpose.quality import assess
from matpose.recording import Flag, Recording
from matpose.weighing import Load, weigh

GRAVITY = 9.80665  # standard, m/s2
REJUDGED = Flag.NEGATIVE | Flag.EMPTY_BED  # what a zero and newtons decide; other flags stay


@dataclass(frozen=True)
class CalibrationReport:
    """How counts became kPa, and how firm the ground for it is.

    Args:
        kpa_per_count: pressure of one count above zero, kPa.
        zero_count: count of an unloaded cell; the median over cells where each has its own.
        full_scale_kpa: pressure above which a cell is saturated, kPa; None where nobody knows.
        body_weight_kg: mass that the mat was made to read, kg; None where the factor was given.
        frames: of the recording.
        frames_used: those in which somebody lies wholly on the mat; the force was read from these.
        force_n: lower quartile, median and upper quartile of the force in them as now read, N; None
            where there are none or the pitch is not known.
        spread: interquartile range of the force as a share of its median; None where there are none.
        saturated_share: part of that force which saturated cells carry, 0..1.
        remarks: what casts doubt on the result.
    """

    kpa_per_count: float
    zero_count: float
    full_scale_kpa: float | None
    body_weight_kg: float | None
    frames: int
    frames_used: int
    force_n: tuple[float, float, float] | None
    spread: float | None
    saturated_share: float
    remarks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it, in plain types."""
        return asdict(self)

    def __str__(self) -> str:
        said = [f"{self.kpa_per_count:.6g} kPa per count above {self.zero_count:g}"]
        if self.force_n is not None:
            said.append(f"{self.force_n[1]:.0f} N ({self.force_n[1] / GRAVITY:.1f} kgf) on the mat")
        weighed = f"{self.frames_used} of {self.frames} frames weighed"
        said.append(weighed if self.spread is None else f"{weighed}, spread {self.spread:.1%}")
        return "; ".join(said)


def calibrate(
    recording: Recording,
    *,
    body_weight_kg: float | None = None,
    kpa_per_count: float | None = None,
    zero: float | Recording | None = None,
) -> tuple[Recording, CalibrationReport]:
    """Turn raw counts into kPa, ``(count - zero) * kpa_per_count``, and say how it was done.

    By body weight, the median force over the frames in which somebody lies wholly on the mat becomes
    mass * 9.80665 N; :func:`matpose.weighing.weigh` says which those are. Faulty cells are mended for the
    weighing alone, the recording's own stay as they are.

    The mat then reads the whole weight. Real mats do not: pillows, the bed's edges and gaps between cells
    carry some (two mats in use read .84 of a supine person's weight, and 1.0 to 1.07 lying on the side), so
    pressures come out that much too high. Weigh in the posture that matters most.

    Args:
        recording: in ``raw`` counts.
        body_weight_kg: mass of the person who lies there, kg; this or ``kpa_per_count``.
        kpa_per_count: pressure of one count, kPa, where it is known.
        zero: count of an unloaded cell, or a raw recording of the empty mat, whose median is each cell's own
            zero; by default the mat's, else 0.

    Returns:
        (the recording in kPa, how it was calibrated). Cells below zero stay so and are flagged; saturated
        cells stay flagged, and the mat knows its full scale; ``meta["calibration"]`` holds the facts as JSON.

    Raises:
        MatposeError: already in kPa; neither or both of weight and factor; an impossible one; a zero of
            another mat, or far too high; nobody to weigh; no pitch to weigh with.

    Example:
        >>> counts = np.zeros((3, 50, 20), np.float32) + 40
        >>> counts[:, 10:40, 5:15] += 500
        >>> raw = Recording(counts, Mat(50, 20, 0.04, 0.04), "raw", np.arange(3.0), np.zeros(3, np.uint16))
        >>> calibrated, report = calibrate(raw, body_weight_kg=72, zero=40)
        >>> round(float(calibrated.frames[0].sum()) * 1000 * 0.04**2 / 9.80665, 4)
        72.0
        >>> print(report)
        0.002942 kPa per count above 40; 706 N (72.0 kgf) on the mat; 3 of 3 frames weighed, spread 0.0%
    """
    _check(recording, body_weight_kg, kpa_per_count)
    zero_map = _zero_map(recording, zero)
    zero_count = float(np.nanmedian(zero_map))
    full_count = _full_scale_count(recording)
    if full_count is not None and full_count <= zero_count:
        raise MatposeError(
            f"a zero of {zero_count:g} counts, where {full_count:g} is full scale",
            mend="give the count of an unloaded cell",
            path=recording.source,
        )
    kept = recording.flags & ~np.uint16(REJUDGED)
    zeroed = replace(recording, frames=recording.frames - zero_map, flags=kept)
    load = weigh(assess(zeroed), np.inf if full_count is None else full_count - zero_map)
    if body_weight_kg is not None:
        kpa_per_count = _factor(recording, load, body_weight_kg)
    assert kpa_per_count is not None  # _check has seen that one of the two is given
    full_scale_kpa = None if full_count is None else (full_count - zero_count) * kpa_per_count
    report = CalibrationReport(
        kpa_per_count=kpa_per_count,
        zero_count=zero_count,
        full_scale_kpa=full_scale_kpa,
        body_weight_kg=body_weight_kg,
        frames=len(recording),
        frames_used=0 if load is None else load.frames,
        force_n=_force_n(recording.mat, load, kpa_per_count),
        spread=None if load is None else load.spread,
        saturated_share=0.0 if load is None else load.saturated,
        remarks=() if load is None else load.doubts(),
    )
    facts = {"at": datetime.now(UTC).isoformat(timespec="seconds")} | report.as_dict()
    facts["zero_source"] = zero.source if isinstance(zero, Recording) else None
    calibrated = replace(
        zeroed,
        frames=zeroed.frames * np.float32(kpa_per_count),
        unit="kPa",
        mat=_with_scale(recording.mat, kpa_per_count, zero_count, full_scale_kpa),
        meta={**recording.meta, "calibration": json.dumps(facts)},
    )
    return assess(calibrated), report


def _check(recording: Recording, body_weight_kg: float | None, kpa_per_count: float | None) -> None:
    if recording.unit != "raw":
        raise MatposeError(
            f"this recording is in {recording.unit} already",
            mend="use it as it is, or start from raw counts: plain numbers with --unit raw, or another export",
            path=recording.source,
        )
    if (body_weight_kg is None) == (kpa_per_count is None):
        raise MatposeError(
            "the scale of the counts follows from one thing", mend="give --body-weight-kg or --kpa-per-count"
        )
    if body_weight_kg is not None and not 0.3 <= body_weight_kg <= 500:
        raise MatposeError(f"a person of {body_weight_kg:g} kg", mend="give the body weight in kilograms, 0.3 to 500")
    if kpa_per_count is not None and not 0 < kpa_per_count <= 1000:
        raise MatposeError(
            f"{kpa_per_count:g} kPa per count", mend="give the pressure of one count in kPa, above 0 and up to 1000"
        )


def _factor(recording: Recording, load: Load | None, body_weight_kg: float) -> float:
    """kPa per count that make the load weigh so much."""
    pitch_y_m, pitch_x_m = recording.mat.pitch_m
    if load is None:
        raise MatposeError(
            "nobody lies on the mat in any sound frame, so there is nothing to weigh",
            mend="take a recording of somebody lying still, check the zero, or give --kpa-per-count",
            path=recording.source,
        )
    if load.below_zero > 0.5:
        raise MatposeError(
            f"readings below zero take away {load.below_zero:.0%} of the force, so the zero is wrong",
            mend="record the mat with nobody on it, or give a lower --zero-count",
            path=recording.source,
        )
    return body_weight_kg * GRAVITY / (load.quartiles[1] * 1000 * pitch_y_m * pitch_x_m)


def _force_n(mat: Mat, load: Load | None, kpa_per_count: float) -> tuple[float, float, float] | None:
    """Quartiles of the force, N, where the mat's pitch is known and somebody lies there."""
    if load is None or mat.pitch_y_m is None:
        return None
    low, median, high = np.array(load.quartiles) * (kpa_per_count * 1000 * mat.pitch_m[0] * mat.pitch_m[1])
    return float(low), float(median), float(high)


def _zero_map(recording: Recording, zero: float | Recording | None) -> np.ndarray:
    """Count of every unloaded cell: () or (rows, cols) float32; NaN where the empty mat has no reading."""
    counts = recording.mat.counts
    if zero is None:
        zero = 0.0 if counts is None else counts.zero_count
    if not isinstance(zero, Recording):
        if not isfinite(zero):
            raise MatposeError(f"a zero of {zero:g} counts", mend="give the count of an unloaded cell")
        return np.asarray(zero, np.float32)
    if zero.unit != "raw":
        raise MatposeError(
            f"the empty mat's recording is in {zero.unit}, not in counts", mend="take its raw file", path=zero.source
        )
    grid, wanted = (zero.mat.rows, zero.mat.cols), (recording.mat.rows, recording.mat.cols)
    if grid != wanted:
        raise MatposeError(
            f"the empty mat has {grid[0]} x {grid[1]} cells, the recording {wanted[0]} x {wanted[1]}",
            mend="record the same mat empty",
            path=zero.source,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a cell that never reads stays NaN, and is flagged so
        cells = np.nanmedian(zero.frames, axis=0).astype(np.float32)
    if not np.isfinite(cells).any():
        raise MatposeError("no cell of the empty mat has a reading", mend="record it again", path=zero.source)
    return cells


def _full_scale_count(recording: Recording) -> float | None:
    """Count of a saturated cell: from the mat's scale, else from the frames flagged so; None where unknown."""
    counts = recording.mat.counts
    if counts is not None:
        return counts.zero_count + counts.full_scale_kpa / counts.kpa_per_count
    saturated = recording.frames[(recording.flags & Flag.SATURATED) > 0]
    readings = saturated[np.isfinite(saturated)]
    return float(readings.max()) if len(readings) else None


def _with_scale(mat: Mat, kpa_per_count: float, zero_count: float, full_scale_kpa: float | None) -> Mat:
    """The mat with its own scale instead of a preset's, so that saturated cells are still known as such."""
    if full_scale_kpa is None:
        return mat
    still_assumed = mat.assumed if mat.assumed and "pitch" in mat.assumed else None
    return mat.with_changes(counts=CountScale(kpa_per_count, zero_count, full_scale_kpa), assumed=still_assumed)
