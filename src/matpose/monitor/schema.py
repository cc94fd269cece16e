"""The monitor's file: its tables, and opening it or saying why not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from matpose.errors import MatposeError
from matpose.recording import POSTURES, Flag

APPLICATION_ID = 0x4D70_6F73  # "Mpos": tells our files from other programs' SQLite files
SCHEMA_VERSION = 1
POSTURE_COLUMNS = tuple(f"{name}_s" for name in POSTURES)
FLAG_COLUMNS = tuple(f"{flag.name.lower()}_frames" for flag in Flag if flag.name)
IN_MEMORY = ":memory:"
BUSY_S = 2.0  # how long to wait for another process that writes
WAL_BYTES = 16 << 20

# bed: id in beds; epoch_s, from_s, until_s, minute: seconds since 1970, UTC, a minute by its first second
_TABLES = f"""
CREATE TABLE beds (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, turn_interval_s REAL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, bed INTEGER NOT NULL, epoch_s REAL NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (bed, epoch_s);
CREATE TABLE spans (
    bed INTEGER, what TEXT, from_s REAL, until_s REAL NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bed, what, from_s)
) WITHOUT ROWID;
CREATE TABLE minutes (
    bed INTEGER, minute INTEGER, seconds REAL NOT NULL, frames INTEGER NOT NULL, movement REAL NOT NULL,
    poses INTEGER NOT NULL, confidence REAL NOT NULL,
    {", ".join(f"{name} REAL NOT NULL" for name in POSTURE_COLUMNS)},
    {", ".join(f"{name} INTEGER NOT NULL" for name in FLAG_COLUMNS)},
    PRIMARY KEY (bed, minute)
) WITHOUT ROWID;
CREATE TABLE doses (
    bed INTEGER, minute INTEGER, part INTEGER, mmhg_h REAL, peak_mmhg REAL, mean_mmhg REAL, loaded_s REAL NOT NULL,
    PRIMARY KEY (bed, minute, part)
) WITHOUT ROWID;
CREATE TABLE frames (
    id INTEGER PRIMARY KEY, bed INTEGER NOT NULL, epoch_s REAL NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
    bytes INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX frames_by_time ON frames (bed, epoch_s);
"""


def is_sqlite(path: Path) -> bool:
    """Whether the file begins as SQLite's do."""
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


def open_database(path: str | Path, *, read_only: bool) -> sqlite3.Connection:
    """The database, made if it is not there and may be written; commits are on the disk when they return.

    Args:
        path: the file, or ":memory:".
        read_only: whether nothing may be changed.

    Returns:
        A connection that begins and ends its transactions by command, for use behind a lock.

    Raises:
        MatposeError: no such file, another program's, a damaged one, or one of another version.
    """
    if str(path) == IN_MEMORY:
        database = _connect(f"file:{IN_MEMORY}")
        _create(database)
        return database
    path = Path(path)
    if read_only and not path.is_file():
        raise MatposeError("there is no such file", mend="give a monitor's database", path=path)
    try:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        database = _connect(f"{path.absolute().as_uri()}?mode={_mode(path, read_only)}")
    except (OSError, sqlite3.Error) as error:
        raise MatposeError(
            f"cannot be opened: {error}", mend="choose another place, or its rights", path=path
        ) from None
    try:
        _prepare(database, path, read_only)
    except sqlite3.DatabaseError as error:
        database.close()
        raise damaged(error, path) from None
    except MatposeError:
        database.close()
        raise
    return database


def damaged(error: sqlite3.Error, path: str | Path) -> MatposeError:
    """What to say of a database that cannot be read."""
    if isinstance(error, sqlite3.OperationalError):  # locked, no rights, no room: the file itself is sound
        return MatposeError(f"cannot be used: {error}", mend="see to its rights and room, then try again", path=path)
    return MatposeError(
        f"it is damaged, or no monitor's database ({error})",
        mend="move it away, and save what can be: sqlite3 FILE .recover | sqlite3 SAVED",
        path=path,
    )


def _mode(path: Path, read_only: bool) -> str:
    if not read_only:
        return "rwc"
    # who writes has a journal there; without one the file is whole, and may lie on a disk that takes no journal
    return "ro" if path.with_name(path.name + "-wal").exists() else "ro&immutable=1"


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def _prepare(database: sqlite3.Connection, path: Path, read_only: bool) -> None:
    if not read_only and not _number(database, "SELECT count(*) FROM sqlite_master") and not _application(database):
        _create(database)
    if _application(database) != APPLICATION_ID:
        raise MatposeError("another program's database", mend="give a monitor's, or a new file", path=path)
    version = _number(database, "PRAGMA user_version")
    if version != SCHEMA_VERSION:
        when, mend = ("an older", "keep it") if version < SCHEMA_VERSION else ("a newer", "update Matpose")
        raise MatposeError(
            f"written by {when} Matpose: its schema is {version}, this one's {SCHEMA_VERSION}",
            mend=f"{mend}, or give a new file",
            path=path,
        )
    for table in ("beds", "events", "spans", "minutes", "doses", "frames"):
        database.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
    if not read_only:
        _settle(database)


def _create(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table, or not at all
    _settle(database)
    database.executescript(
        f"BEGIN;\n{_TABLES}\nPRAGMA application_id = {APPLICATION_ID};\n"
        f"PRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
    )


def _settle(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")  # in WAL mode: the journal is synced at every commit
    database.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")


def _application(database: sqlite3.Connection) -> int:
    return _number(database, "PRAGMA application_id")


def _number(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0])
