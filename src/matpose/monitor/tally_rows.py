"""A bed's tally as rows: pieces of a minute, written apart, add up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np

from matpose.monitor.schema import FLAG_COLUMNS, POSTURE_COLUMNS
from matpose.monitor.tally import Minute, Tally

MINUTE_COLUMNS = ("seconds", "frames", "movement", "poses", "confidence", *POSTURE_COLUMNS, *FLAG_COLUMNS)
_MEANS = {"movement": "frames", "confidence": "poses"}  # kept as means, weighted by these
DOSE_COLUMNS = ("mmhg_h", "peak_mmhg", "mean_mmhg", "loaded_s")


def _mean(name: str, weight: str) -> str:
    return (
        f"{name} = coalesce(({name} * {weight} + excluded.{name} * excluded.{weight}) / "
        f"nullif({weight} + excluded.{weight}, 0), 0)"
    )


_ADD_MINUTE = (
    f"INSERT INTO minutes (bed, minute, {', '.join(MINUTE_COLUMNS)}) VALUES (?, ?{', ?' * len(MINUTE_COLUMNS)}) "
    "ON CONFLICT DO UPDATE SET "
    + ", ".join(
        _mean(name, _MEANS[name]) if name in _MEANS else f"{name} = {name} + excluded.{name}" for name in MINUTE_COLUMNS
    )
)
_ADD_DOSE = (
    f"INSERT INTO doses (bed, minute, part, {', '.join(DOSE_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET mmhg_h = coalesce(mmhg_h + excluded.mmhg_h, excluded.mmhg_h, mmhg_h), "
    "peak_mmhg = coalesce(max(peak_mmhg, excluded.peak_mmhg), excluded.peak_mmhg, peak_mmhg), mean_mmhg = "
    "coalesce((mean_mmhg * loaded_s + excluded.mean_mmhg * excluded.loaded_s) / "
    "nullif(loaded_s + excluded.loaded_s, 0), excluded.mean_mmhg, mean_mmhg), loaded_s = loaded_s + excluded.loaded_s"
)
_PUT_SPAN = (
    "INSERT INTO spans (bed, what, from_s, until_s, value) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET until_s = excluded.until_s, value = excluded.value"
)


def write_tally(database: sqlite3.Connection, bed: int, tally: Tally) -> None:
    """Write all that a tally holds, within the caller's transaction.

    Args:
        database: of the store's schema.
        bed: its number there.
        tally: to be cleared once the transaction has succeeded.
    """
    database.executemany(_ADD_MINUTE, [(bed, start, *_minute_row(one)) for start, one in tally.minutes.items()])
    database.executemany(
        _ADD_DOSE, [(bed, start, *row) for start, one in tally.minutes.items() for row in _dose_rows(one)]
    )
    spans = (*tally.closed, *tally.open.values())
    database.executemany(_PUT_SPAN, [(bed, one.what, one.from_s, one.until_s, one.value) for one in spans])


def _minute_row(one: Minute) -> tuple:
    return (
        one.seconds, one.frames, one.movement / max(one.frames, 1), one.poses, one.confidence / max(one.poses, 1),
        *one.posture_s.tolist(), *one.flags.tolist(),
    )  # fmt: skip


def _dose_rows(one: Minute) -> Iterator[tuple]:
    """(part, mmhg_h, peak, mean, loaded seconds) of the parts that bore something or recovered."""
    told = one.loaded_s > 0
    if one.mmhg_h is not None:
        told = told | (one.mmhg_h != 0)
    told[0] = False
    for part in np.flatnonzero(told).tolist():
        loaded_s = float(one.loaded_s[part])
        if one.mmhg_h is None:
            yield part, None, None, None, loaded_s
            continue
        mean = float(one.mean_mmhg_s[part]) / loaded_s if loaded_s else None
        yield part, float(one.mmhg_h[part]), float(one.peak_mmhg[part]), mean, loaded_s
