"""What is asked of the store's file: SQL on one side, plain rows on the other."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from matpose.errors import MatposeError
from matpose.monitor.schema import damaged
from matpose.monitor.tally import MINUTE_S

TIMES = {"events": "epoch_s", "spans": "until_s", "minutes": "minute", "doses": "minute", "frames": "epoch_s"}
"""Table to the column that says when a row was."""


class Queries:
    """Questions to an open store.

    Args:
        database: its connection; the caller sees to it that one thread asks at a time.
        path: of the file, for messages.
    """

    def __init__(self, database: sqlite3.Connection, path: str | Path) -> None:
        self._db = database
        self._path = path

    def rows(self, query: str, *values) -> list[tuple]:
        """All rows of any question.

        Raises:
            MatposeError: the store is closed, or the file damaged.
        """
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.ProgrammingError as error:
            raise MatposeError(f"the store is not open: {error}", mend="open it again", path=self._path) from None
        except sqlite3.DatabaseError as error:
            raise damaged(error, self._path) from None

    def beds(self) -> list[dict]:
        """As :meth:`matpose.monitor.store.Store.beds`."""
        rows = self.rows(
            "SELECT name, (SELECT min(minute) FROM minutes WHERE bed = id), "
            "(SELECT max(minute) FROM minutes WHERE bed = id), turn_interval_s FROM beds ORDER BY name"
        )
        return [
            {
                "bed": name,
                "first_s": first,
                "last_s": None if last is None else last + MINUTE_S,
                "turn_interval_h": None if interval_s is None else interval_s / 3600,
            }
            for name, first, last, interval_s in rows
        ]

    def events(
        self,
        bed: str | None,
        since_s: float | None,
        until_s: float | None,
        kinds: tuple[str, ...] | None,
        limit: int | None,
    ) -> list[dict]:
        """As :meth:`matpose.monitor.store.Store.events`."""
        where, values = _range("epoch_s", since_s, until_s)
        if kinds is not None:
            where += f" AND kind IN ({', '.join('?' * len(kinds))})"
        if bed is not None:
            where += " AND name = ?"
        rows = self.rows(
            "SELECT events.id, name, epoch_s, kind, detail FROM events JOIN beds ON beds.id = bed "
            f"WHERE {where} ORDER BY epoch_s DESC, events.id DESC LIMIT ?",
            *values, *(kinds or ()), *(() if bed is None else (bed,)), -1 if limit is None else limit,
        )  # fmt: skip
        names = ("id", "bed", "epoch_s", "kind")
        return [dict(zip(names, row, strict=False)) | {"detail": json.loads(row[4])} for row in reversed(rows)]

    def spans(self, bed: int, what: str, low_s: float, high_s: float) -> list[tuple[str, float, float]]:
        """(value, from, until), epoch seconds, of a bed's spans that reach into the time between."""
        return self.rows(
            "SELECT value, from_s, until_s FROM spans WHERE bed = ? AND what = ? AND until_s > ? AND from_s < ? "
            "ORDER BY from_s",
            bed, what, low_s, high_s,
        )  # fmt: skip

    def of_bed(
        self, table: str, names: tuple[str, ...], bed: int, since_s: float | None, until_s: float | None
    ) -> list[dict]:
        """These columns of one bed's rows, in the order of time."""
        time_column = TIMES[table]
        where, values = _range(time_column, since_s, until_s)
        query = f"SELECT {', '.join(names)} FROM {table} WHERE bed = ? AND {where} ORDER BY {time_column}"
        return [dict(zip(names, row, strict=True)) for row in self.rows(query, bed, *values)]


def _range(column: str, since_s: float | None, until_s: float | None) -> tuple[str, list[float]]:
    bounds = [(f"{column} >= ?", since_s), (f"{column} < ?", until_s)]
    given = [(text, value) for text, value in bounds if value is not None]
    return " AND ".join(["1", *(text for text, _ in given)]), [value for _, value in given]
