"""Bounds on what a file may ask of the machine, and the first look at its bytes."""

from __future__ import annotations

from pathlib import Path

from matpose.errors import UnreadableFile

MAX_FILE_BYTES = 1 << 30
MAX_FRAME_BYTES = 512 << 20
MAX_FRAMES = 1 << 22  # a night at 100 frames a second; a claim of more would keep the machine busy for hours
MAX_SIDE = 4096  # rows or columns of a mat
MAX_ABS_VALUE = 1e7  # counts or any unit of pressure: beyond it the number is no reading
HEAD_BYTES = 1 << 16


def head_of(path: Path) -> bytes:
    """The first ``HEAD_BYTES`` bytes of a regular file of bearable size.

    Raises:
        UnreadableFile: missing, a folder, a device, locked, empty, or larger than ``MAX_FILE_BYTES``.
    """
    try:
        if path.is_dir():
            raise UnreadableFile("this is a folder", mend="name one file in it; one file is one recording", path=path)
        if not path.exists():
            raise UnreadableFile("there is no such file", mend="check the path", path=path)
        if not path.is_file():  # a pipe would block, a device never ends
            raise UnreadableFile("this is no regular file", mend="save the data to a file first", path=path)
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UnreadableFile(
                f"the file holds {size / 2**30:.1f} GiB, more than {MAX_FILE_BYTES >> 30} GiB",
                mend="split it into shorter recordings",
                path=path,
            )
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UnreadableFile(
            f"cannot be opened: {reason}", mend="check the name and your permission to read it", path=path
        ) from error
    if not head:
        raise UnreadableFile("the file is empty", mend="export or fetch it again", path=path)
    return head


def refuse_too_many(cells: int, path: Path) -> None:
    """Raise UnreadableFile where that many cells exceed ``MAX_FRAME_BYTES`` as float32."""
    if cells * 4 > MAX_FRAME_BYTES:
        raise UnreadableFile(
            f"it holds {cells * 4 / 2**20:,.0f} MiB of frames, more than {MAX_FRAME_BYTES >> 20} MiB",
            mend="split it into shorter recordings",
            path=path,
        )


def refuse_too_long(frames: int, path: Path) -> None:
    """Raise UnreadableFile where there are more than ``MAX_FRAMES`` frames."""
    if frames > MAX_FRAMES:
        raise UnreadableFile(
            f"it holds {frames:,} frames, more than {MAX_FRAMES:,}",
            mend="split it into shorter recordings",
            path=path,
        )
