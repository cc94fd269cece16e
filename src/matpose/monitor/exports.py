"""Tables of a night for other programs: events, postures and doses, as CSV or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

from matpose.atomic import atomic_path
from matpose.errors import MatposeError
from matpose.monitor.store import Store

COLUMNS = {
    "events": {"bed": str, "time": str, "epoch_s": float, "kind": str, "detail": str},
    "postures": {"bed": str, "from": str, "until": str, "from_s": float, "until_s": float, "posture": str},
    "doses": {
        "bed": str, "time": str, "minute": int, "part": str, "mmhg_h": float, "peak_mmhg": float, "mean_mmhg": float,
        "loaded_s": float,
    },
}  # fmt: skip
"""Each table's columns. ``time``, ``from`` and ``until`` are ISO 8601 in UTC; ``_s`` and ``minute`` epoch seconds."""


def export_csv(
    store: Store, bed: str, folder: str | PathLike[str], *, since_s: float | None = None, until_s: float | None = None
) -> list[Path]:
    """Write ``events.csv``, ``postures.csv`` and ``doses.csv``; what has no value is empty.

    Args:
        store: what was kept.
        bed: of this bed.
        folder: made if missing.
        since_s, until_s: epoch seconds.

    Returns:
        The files.

    Raises:
        MatposeError: they cannot be written.
    """
    written = []
    for name, rows in _tables(store, bed, since_s, until_s):
        path = Path(folder) / f"{name}.csv"
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[name], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        written.append(path)
    return written


def export_parquet(
    store: Store, bed: str, folder: str | PathLike[str], *, since_s: float | None = None, until_s: float | None = None
) -> list[Path]:
    """Like :func:`export_csv`, as Parquet; what has no value is null.

    Raises:
        MatposeError: pyarrow is not installed, or they cannot be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MatposeError(
            "Parquet needs the package 'pyarrow'", mend="pip install 'matpose[cluster]', or export CSV"
        ) from None
    types = {str: pyarrow.string(), float: pyarrow.float64(), int: pyarrow.int64()}
    written = []
    for name, rows in _tables(store, bed, since_s, until_s):
        path = Path(folder) / f"{name}.parquet"
        schema = pyarrow.schema([(column, types[kind]) for column, kind in COLUMNS[name].items()])
        with atomic_path(path) as temporary:
            parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema=schema), temporary)
        written.append(path)
    return written


def _tables(
    store: Store, bed: str, since_s: float | None, until_s: float | None
) -> Iterable[tuple[str, Iterable[dict]]]:
    events = store.events(bed, since_s=since_s, until_s=until_s, limit=None)
    yield (
        "events",
        (
            {
                "bed": bed,
                "time": _iso(row["epoch_s"]),
                "epoch_s": row["epoch_s"],
                "kind": row["kind"],
                "detail": json.dumps(row["detail"], ensure_ascii=False),
            }
            for row in events
        ),
    )
    yield (
        "postures",
        (
            {"bed": bed, "from": _iso(row["from_s"]), "until": _iso(row["until_s"]), **row}
            for row in store.postures(bed, since_s=since_s, until_s=until_s)
        ),
    )
    yield (
        "doses",
        (
            {"bed": bed, "time": _iso(row["minute"]), **row}
            for row in store.doses(bed, since_s=since_s, until_s=until_s)
        ),
    )


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")
