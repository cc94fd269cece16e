"""Frames in the store's file: compressed, and the oldest deleted where they take too much."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable

import numpy as np

from matpose.monitor.moment import Moment


def write_frames(
    database: sqlite3.Connection, frames: Iterable[tuple[int, Moment]], kept_bytes: int | None, most_bytes: float
) -> int:
    """Write the frames of moments within the open transaction, and delete what is too much, the oldest first.

    Args:
        database: the store's.
        frames: numbers of beds, and their moments.
        kept_bytes: what all frames take so far; None where it has not been counted.
        most_bytes: what they may take.

    Returns:
        The bytes that all frames then take.
    """
    kept = kept_bytes
    if kept is None:
        kept = int(database.execute("SELECT coalesce(sum(bytes), 0) FROM frames").fetchone()[0])
    for bed, moment in frames:
        data = zlib.compress(np.ascontiguousarray(moment.frame, "<f4").tobytes(), 1)
        database.execute(
            "INSERT INTO frames (bed, epoch_s, rows, cols, bytes, data) VALUES (?, ?, ?, ?, ?, ?)",
            (bed, moment.epoch_s, *moment.frame.shape, len(data), data),
        )
        kept += len(data)
    oldest = database.execute("SELECT id, bytes FROM frames ORDER BY id")
    gone = []
    while kept > most_bytes and (row := oldest.fetchone()):
        gone.append(row[:1])
        kept -= row[1]
    database.executemany("DELETE FROM frames WHERE id = ?", gone)
    return kept


def unpacked(data: bytes, rows: int, cols: int) -> np.ndarray:
    """A frame as it was written: (rows, cols) float32."""
    return np.frombuffer(zlib.decompress(data), "<f4").reshape(rows, cols)
