"""The monitor's memory: one SQLite file with the events, minutes and doses of every bed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from os import PathLike
from pathlib import Path
from threading import RLock

import numpy as np

from matpose.errors import MatposeError
from matpose.monitor.kept_frames import unpacked, write_frames
from matpose.monitor.moment import Event, Moment
from matpose.monitor.queries import TIMES, Queries
from matpose.monitor.schema import IN_MEMORY, open_database
from matpose.monitor.tally import Span, Tally
from matpose.monitor.tally_rows import DOSE_COLUMNS, MINUTE_COLUMNS, write_tally
from matpose.recording import PART_NAMES

TICK_S = 1.0  # between commits
TURNS = 10  # a bed's running minute is written at every tenth commit: so many seconds a crash may lose
RETRY_S = 5.0  # after the disk refused
PRUNE_S = 3600.0
PRUNED_AT_ONCE = 5  # beds a commit, so that none takes long
WAITING_EVENTS = 100_000  # kept in memory while the disk refuses
WAITING_MINUTES = 100_000
FREED_PAGES = 2000


class Store:
    """Keeps what the monitors of many beds say.

    SQLite in WAL mode with ``synchronous=FULL``: an event is on the disk, synced, when :meth:`add` returns its number;
    it then survives a killed process, and a power cut as far as SQLite, the file system and the disk keep their word.
    Minutes, doses and spans are written every ten seconds and may lose so much; frames, where kept, one second.

    When the disk is full or refuses, ``trouble`` says so, the moments still come in, and what was not written waits in
    memory, tried again every five seconds; ``lost`` counts what there was no room for even there. Frames do not wait.
    One thread adds; any may read.

    Args:
        path: the file, made if it is not there; ":memory:" keeps nothing.
        keep_days: older rows are deleted, by this machine's clock; None keeps all.
        frames_mb: frames beyond so many megabytes, compressed, are deleted, the oldest first.
        read_only: whether nothing may be changed, for reports.

    Raises:
        MatposeError: another program's file, a damaged one, or one of another version.

    Example:
        >>> with Store(":memory:") as store:
        ...     store.beds()
        []
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        keep_days: float | None = None,
        frames_mb: float = 1024,
        read_only: bool = False,
    ) -> None:
        if keep_days is not None and not keep_days > 0:
            raise MatposeError(f"rows are to be kept for {keep_days:g} days", mend="give a number above 0")
        self.trouble: str | None = None
        self.lost = 0
        self._path = IN_MEMORY if str(path) == IN_MEMORY else Path(path)
        self._keep_s = None if keep_days is None else keep_days * 86400
        self._frames_bytes = frames_mb * 1e6
        self._lock = RLock()
        self._db = open_database(self._path, read_only=read_only)
        self._read_only = read_only
        self._query = Queries(self._db, self._path)
        self._ids: dict[str, int] = dict(self._query.rows("SELECT name, id FROM beds"))
        self._tallies: dict[str, Tally] = {}
        self._intervals_s: dict[str, float] = {}
        self._events: deque[tuple[str, Event]] = deque(maxlen=WAITING_EVENTS)
        self._frames: list[tuple[str, Moment]] = []
        self._kept_bytes: int | None = None  # of all frames, once it has been counted
        self._turn, self._next_s = 0, time.monotonic() + TICK_S
        self._to_prune: list[int] = []
        self._prune_at_s = time.monotonic()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def add(self, bed: str, moment: Moment, *, frames: bool = False) -> list[int]:
        """Keep one moment of a bed.

        Args:
            bed: its name.
            moment: the next one of this bed.
            frames: whether to keep its frame too.

        Returns:
            The numbers of its events once they are on the disk; none while there is ``trouble``: then they wait.
        """
        with self._lock:
            tally = self._tallies.setdefault(bed, Tally())
            new = tally.add(moment)
            if moment.turned_at_s is not None and moment.turn_due_s is not None:
                self._intervals_s[bed] = moment.turn_due_s - moment.turned_at_s
            if frames and new and self.trouble is None:
                self._frames.append((bed, moment))
            for event in moment.events:
                self.lost += len(self._events) == WAITING_EVENTS
                self._events.append((bed, event))
            now_s = time.monotonic()
            if now_s >= self._next_s:
                ids = self._tick(now_s)
            elif moment.events and self.trouble is None:
                ids = self._save(())
            else:
                return []
            return ids[len(ids) - len(moment.events) :] if moment.events else []

    def flush(self) -> bool:
        """Write all that waits in memory; whether that succeeded."""
        with self._lock:
            self._save(self._tallies)
            return self.trouble is None

    def close(self) -> None:
        """Write what waits, and close the file; a second time it does nothing."""
        with self._lock:
            if not self._read_only:
                self.flush()
                self._read_only = True
            self._db.close()

    def beds(self) -> list[dict]:
        """``{"bed", "first_s", "last_s", "turn_interval_h"}`` of every bed, by name; epoch seconds."""
        with self._lock:
            self._write_for_reading(None)
            return self._query.beds()

    def events(
        self,
        bed: str | None = None,
        *,
        since_s: float | None = None,
        until_s: float | None = None,
        kinds: Iterable[str] | None = None,
        limit: int | None = 1000,
    ) -> list[dict]:
        """The latest events, the oldest of them first.

        Args:
            bed: of this bed; by default of all.
            since_s, until_s: epoch seconds, from and including, to and excluding.
            kinds: only these.
            limit: at most so many; None for all.

        Returns:
            ``{"id", "bed", "epoch_s", "kind", "detail"}`` each.
        """
        with self._lock:
            return self._query.events(bed, since_s, until_s, None if kinds is None else tuple(kinds), limit)

    def doses(self, bed: str, *, since_s: float | None = None, until_s: float | None = None) -> list[dict]:
        """What each part bore, minute by minute; a part that bore nothing has no row.

        Returns:
            ``{"minute", "part", "mmhg_h", "peak_mmhg", "mean_mmhg", "loaded_s"}`` each; pressures are None where they
            have no unit. Sums of ``mmhg_h`` are the monitor's doses: below 0 in minutes of recovery.
        """
        names = ("minute", "part", *DOSE_COLUMNS)
        rows = self._of_bed("doses", names, bed, since_s, until_s)
        return [row | {"part": PART_NAMES[row["part"]]} for row in rows]

    def minutes(self, bed: str, *, since_s: float | None = None, until_s: float | None = None) -> list[dict]:
        """How each minute was: a dictionary of the table's columns each, ``minute`` being its first epoch second."""
        return self._of_bed("minutes", ("minute", *MINUTE_COLUMNS), bed, since_s, until_s)

    def spans(self, bed: str, what: str, *, since_s: float | None = None, until_s: float | None = None) -> list[Span]:
        """Times in which one thing held: see :class:`matpose.monitor.tally.Span`; cut to what is asked for."""
        low, high = -np.inf if since_s is None else since_s, np.inf if until_s is None else until_s
        with self._lock:
            self._write_for_reading(bed)
            rows = self._query.spans(self._ids.get(bed, -1), what, low, high)
        return [Span(what, value, max(start, low), min(stop, high)) for value, start, stop in rows]

    def postures(self, bed: str, *, since_s: float | None = None, until_s: float | None = None) -> list[dict]:
        """``{"posture", "from_s", "until_s"}`` each; times that nobody watched are in none."""
        return [
            {"posture": span.value, "from_s": span.from_s, "until_s": span.until_s}
            for span in self.spans(bed, "posture", since_s=since_s, until_s=until_s)
        ]

    def frames(
        self, bed: str, *, since_s: float | None = None, until_s: float | None = None
    ) -> Iterator[tuple[float, np.ndarray]]:
        """(epoch_s, (rows, cols) float32) of the frames kept, one at a time."""
        names = ("id", "epoch_s", "rows", "cols")
        for row in self._of_bed("frames", names, bed, since_s, until_s):
            with self._lock:
                found = self._query.rows("SELECT data FROM frames WHERE id = ?", row["id"])
            if found:  # not pruned meanwhile
                yield row["epoch_s"], unpacked(found[0][0], row["rows"], row["cols"])

    def prune(self, now_s: float) -> int:
        """Delete what is older than ``keep_days`` before ``now_s`` (epoch seconds); the number of rows."""
        with self._lock:
            return 0 if self._keep_s is None else self._guarded(self._prune_beds, [*self._ids.values()], now_s) or 0

    def _tick(self, now_s: float) -> list[int]:
        """One commit: events, and the running minutes of a tenth of the beds."""
        self._turn += 1
        due = self._tallies  # after trouble, all
        if self.trouble is None:
            due = {
                name: one for name, one in self._tallies.items() if (self._ids.get(name, 0) + self._turn) % TURNS == 0
            }
        ids = self._save(due)
        self._next_s = time.monotonic() + (TICK_S if self.trouble is None else RETRY_S)
        if self._keep_s is not None and self.trouble is None:
            if now_s >= self._prune_at_s:
                self._to_prune, self._prune_at_s = [*self._ids.values()], now_s + PRUNE_S
            some, self._to_prune = self._to_prune[:PRUNED_AT_ONCE], self._to_prune[PRUNED_AT_ONCE:]
            if some:
                self._guarded(self._prune_beds, some, time.time())
        return ids

    def _save(self, due: Iterable[str]) -> list[int]:
        """Write events, frames and the named beds' tallies in one transaction; the numbers of the events."""
        ids = self._guarded(self._write, list(due))
        if ids is None:
            self._frames.clear()
            self._forget_the_oldest()
            minutes = sum(len(one.minutes) for one in self._tallies.values())
            self.trouble = f"{self.trouble}; {len(self._events)} events and {minutes} minutes of beds wait in memory"
            self.trouble += f", {self.lost} were lost" if self.lost else ""
            return []
        self._events.clear()
        self._frames.clear()
        return ids

    def _guarded(self, work, *given):
        """The work's answer, or None where the disk refused: then nothing of it was done."""
        begun = False
        try:
            self._db.execute("BEGIN IMMEDIATE")
            begun = True
            answer, after = work(*given)
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.ProgrammingError):
                raise
            if begun and self._db.in_transaction:  # SQLite has rolled back by itself when the disk is full
                self._db.execute("ROLLBACK")
            self.trouble = f"nothing can be written: {error}"
            return None
        after()
        self.trouble = None
        return answer

    def _write(self, due: list[str]):
        new: dict[str, int] = {}

        def number(name: str) -> int:
            if name not in self._ids and name not in new:
                new[name] = self._db.execute("INSERT INTO beds (name) VALUES (?) RETURNING id", (name,)).fetchone()[0]
            return self._ids.get(name) or new[name]

        ids = []
        for name, event in self._events:
            done = self._db.execute(
                "INSERT INTO events (bed, epoch_s, kind, detail) VALUES (?, ?, ?, ?)",
                (number(name), event.epoch_s, event.kind, json.dumps(dict(event.detail))),
            )
            ids.append(done.lastrowid)
        for name in due:
            write_tally(self._db, number(name), self._tallies[name])
            self._db.execute(
                "UPDATE beds SET turn_interval_s = ? WHERE id = ?", (self._intervals_s.get(name), number(name))
            )
        kept_bytes = self._kept_bytes
        if self._frames:
            frames = [(number(name), moment) for name, moment in self._frames]
            kept_bytes = write_frames(self._db, frames, kept_bytes, self._frames_bytes)

        def after() -> None:
            self._ids |= new
            self._kept_bytes = kept_bytes
            for name in due:
                self._tallies[name].clear()

        return ids, after

    def _prune_beds(self, beds: list[int], now_s: float):
        before_s, count = now_s - (self._keep_s or 0), 0
        for bed in beds:
            for table, column in TIMES.items():
                count += self._db.execute(
                    f"DELETE FROM {table} WHERE bed = ? AND {column} < ?", (bed, before_s)
                ).rowcount
        return count, self._give_room_back

    def _give_room_back(self) -> None:
        self._kept_bytes = None
        with suppress(sqlite3.OperationalError):  # on a full disk even this may fail; the pages are free all the same
            self._db.execute(f"PRAGMA incremental_vacuum({FREED_PAGES})").fetchall()

    def _forget_the_oldest(self) -> None:
        """While the disk refuses, memory must not fill either."""
        most = max(1, WAITING_MINUTES // max(1, len(self._tallies)))
        for tally in self._tallies.values():
            for start in sorted(tally.minutes)[:-most]:
                del tally.minutes[start]
                self.lost += 1
            del tally.closed[:-most]

    def _write_for_reading(self, bed: str | None) -> None:
        """What is read shall include the running minute."""
        if not self._read_only and self.trouble is None:
            due = [name for name in self._tallies if bed in (None, name)]
            if any(self._tallies[name].minutes for name in due):
                self._save(due)

    def _of_bed(
        self, table: str, names: tuple[str, ...], bed: str, since_s: float | None, until_s: float | None
    ) -> list[dict]:
        with self._lock:
            self._write_for_reading(bed)
            return self._query.of_bed(table, names, self._ids.get(bed, -1), since_s, until_s)
