"""The state of a bed as clients get it: one JSON object, and never an old pose in it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np

from matpose.mat import Mat
from matpose.monitor.moment import Event, Moment

THUMB_ROWS, THUMB_COLS = 32, 16
"""A tile's picture has no more cells than these."""


@dataclass(frozen=True)
class BedFacts:
    """What does not change from frame to frame.

    Args:
        bed: its name.
        mat: under it.
        unit: "kPa" or "raw".
        turn_interval_h: within which the person shall be turned.
    """

    bed: str
    mat: Mat
    unit: str
    turn_interval_h: float


def live_fields(facts: BedFacts, moment: Moment, *, full: bool) -> dict[str, Any]:
    """What a client is told of a bed with signal, but for the age, which is of the time of telling.

    Args:
        facts: of the bed.
        moment: the last one.
        full: with pressure and keypoints, for the page of one bed; else with a thumbnail, for a ward's tiles.

    Returns:
        JSON-able fields as the documentation of ``/v1/live`` names them.
    """
    picture = (
        {"pressure": picture_of(moment.frame), "keypoints": moment.pose.to_dict()["keypoints"]}
        if full
        else {"thumb": picture_of(thumbnail(moment.frame))}
    )
    return {
        **_heading(facts, moment.epoch_s, "live"),
        **picture,
        "posture": {
            "label": moment.posture,
            "since_s": moment.posture_since_s,
            "totals_s": {name: round(float(seconds), 1) for name, seconds in moment.posture_s.items()},
        },
        "occupancy": moment.occupancy,
        "turn": _turn(facts, moment),
        "movement": round(float(moment.movement), 4),
        "heels_off": {side: moment.heels_off.get(side) for side in ("left", "right")},
        "parts": moment.part_rows(),
        "flags": moment.flags.names,
        "fresh": bool(moment.fresh),
    }


def silent_fields(facts: BedFacts, moment: Moment | None) -> dict[str, Any]:
    """What a client is told of a bed without signal: when it was last seen and turned, and nothing of how it lies.

    Args:
        facts: of the bed.
        moment: the last one; None where no frame ever came.
    """
    return {
        **_heading(facts, None if moment is None else moment.epoch_s, "none"),
        "occupancy": "unknown",
        "turn": _turn(facts, moment),
        "movement": None,
        "heels_off": {"left": None, "right": None},
        "parts": [],
        "flags": [],
        "fresh": False,
    }


def event_fields(bed: str, event: Event) -> dict[str, Any]:
    """What a client is told of an event."""
    return {"bed": bed, "epoch_s": event.epoch_s, "kind": event.kind, "detail": dict(event.detail)}


def as_json(what: Any) -> str:
    """JSON text; a number that is none becomes null, for a browser refuses a whole message with NaN in it.

    Example:
        >>> as_json({"a": float("nan"), "b": [1.5]})
        '{"a":null,"b":[1.5]}'
    """
    try:
        return json.dumps(what, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(what), allow_nan=False, separators=(",", ":"))


def picture_of(cells: np.ndarray) -> dict[str, Any]:
    """A pressure map in bytes.

    Args:
        cells: (rows, cols) pressure; cells without a reading are sent as unloaded.

    Returns:
        ``{"rows", "cols", "full_scale", "data"}``: base64 of rows * cols uint8, 255 = full scale, row by row from the
        head edge.

    Example:
        >>> picture_of(np.array([[0.0, 2.0]], np.float32))
        {'rows': 1, 'cols': 2, 'full_scale': 2.0, 'data': 'AP8='}
    """
    known = np.clip(np.nan_to_num(cells, nan=0.0, posinf=0.0, neginf=0.0), 0.0, None)
    full_scale = max(float(known.max(initial=0.0)), 1e-3)
    data = np.rint(known * np.float32(255.0 / full_scale)).astype(np.uint8)
    return {
        "rows": cells.shape[0],
        "cols": cells.shape[1],
        "full_scale": round(full_scale, 4),
        "data": base64.b64encode(data.tobytes()).decode("ascii"),
    }


def thumbnail(cells: np.ndarray) -> np.ndarray:
    """A smaller map of block means, which may leave a rest at the foot and right edge smaller blocks.

    Args:
        cells: (rows, cols) pressure; NaN = no reading.

    Returns:
        (at most 32, at most 16) float32.

    Example:
        >>> thumbnail(np.ones((64, 27), np.float32)).shape
        (32, 14)
    """
    known = np.nan_to_num(cells, nan=0.0)
    for axis, most in enumerate((THUMB_ROWS, THUMB_COLS)):
        starts = np.arange(0, known.shape[axis], ceil(known.shape[axis] / most))
        sizes = np.diff(starts, append=known.shape[axis]).astype(np.float32)
        known = np.add.reduceat(known, starts, axis=axis) / (sizes[:, None] if axis == 0 else sizes)
    return known.astype(np.float32, copy=False)


def _heading(facts: BedFacts, epoch_s: float | None, signal: str) -> dict[str, Any]:
    mat = facts.mat
    return {
        "bed": facts.bed,
        "epoch_s": epoch_s,
        "signal": signal,
        "mat": {"rows": mat.rows, "cols": mat.cols, "pitch_y_m": mat.pitch_y_m, "pitch_x_m": mat.pitch_x_m},
        "unit": facts.unit,
    }


def _turn(facts: BedFacts, moment: Moment | None) -> dict[str, float | None]:
    return {
        "last_s": None if moment is None else moment.turned_at_s,
        "due_s": None if moment is None else moment.turn_due_s,
        "interval_h": facts.turn_interval_h,
    }


def _finite(what: Any) -> Any:
    if isinstance(what, dict):
        return {key: _finite(value) for key, value in what.items()}
    if isinstance(what, (list, tuple)):
        return [_finite(value) for value in what]
    return None if isinstance(what, float) and not isfinite(what) else what
