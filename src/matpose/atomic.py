"""Files appear whole or not at all: written beside their place, then moved there in one step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from uuid import uuid4

from matpose.errors import MatposeError

_UNFINISHED = ".unfinished-"


@contextmanager
def atomic_path(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a path to write to; move it to its place if the block succeeds, remove it if not.

    Args:
        path: where the file shall stand; missing folders are made.

    Returns:
        A context manager that yields a free name in the same folder, with the same suffix.

    Raises:
        MatposeError: the file cannot be written there.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with atomic_path(f"{folder}/new/answer.txt") as temporary:
        ...         _ = temporary.write_text("42")
        ...     Path(folder, "new", "answer.txt").read_text()
        '42'
    """
    target = Path(path)
    temporary = target.with_name(f"{_UNFINISHED}{uuid4().hex}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:  # on the disk before it takes the old file's place
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise MatposeError(
            f"cannot be written: {error.strerror or error}",
            mend="choose another place, or make room",
            path=target,
        ) from error
    finally:
        if temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed writers left in a folder of which this process is the only writer.

    Args:
        folder: the folder, without those in it; it may be missing.
    """
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too, so that files written one after the other survive a power cut in that order."""
    with suppress(OSError):  # not every system can; the file itself is whole either way
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
