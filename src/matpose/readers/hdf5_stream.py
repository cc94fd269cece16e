"""A recording that grows piece by piece over hours: constant memory, and a kill at any moment loses one piece."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

from matpose.atomic import atomic_path, remove_unfinished
from matpose.errors import MatposeError, UnreadableFile
from matpose.readers.files import refuse_too_long, refuse_too_many
from matpose.readers.hdf5 import read_hdf5
from matpose.readers.hdf5_write import write_pieces, write_recording
from matpose.recording import Recording

_SETTINGS = "settings.json"
_PIECE = re.compile(r"(\d{9})-(\d{9})\.h5")


class RecordingStream:
    """Collects the pieces of one recording in a hidden folder beside its file, and joins them at the end.

    Every piece is a recording file of its own that appears whole or not at all, so whatever kills the process
    leaves a readable beginning. HDF5 itself promises no such thing of a file that is being appended to, and
    leaves it broken when the disk is full. With the same settings another stream goes on where this one stopped.

    Args:
        path: the ``*.h5`` file that will stand there after :meth:`finish`; an existing one is replaced then.
        settings: all that decides what the pieces hold, as JSON can say it.
        force: begin anew, whatever was begun.

    Raises:
        MatposeError: pieces made with other settings are there, or the folder cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from matpose.mat import Mat
        >>> piece = Recording(np.ones((1, 4, 3)), Mat(4, 3, None, None), "raw", np.zeros(1), np.zeros(1))
        >>> with TemporaryDirectory() as folder:
        ...     stream = RecordingStream(f"{folder}/a.h5", {"seed": 7})
        ...     stream.append(piece)
        ...     again = RecordingStream(f"{folder}/a.h5", {"seed": 7})  # as if killed in between
        ...     again.frames_done, again.pieces_done
        ...     again.append(piece)
        ...     again.finish()
        ...     len(read_hdf5(f"{folder}/a.h5"))
        (1, 1)
        2
    """

    def __init__(self, path: str | PathLike[str], settings: Mapping[str, Any], *, force: bool = False) -> None:
        self.path = Path(path)
        self.folder = self.path.with_name(f".{self.path.name}.partial")
        if force and self.folder.is_dir():
            shutil.rmtree(self.folder)
        self._agree(json.loads(json.dumps(settings)))
        remove_unfinished(self.folder)
        self._pieces = self._found()

    @property
    def pieces_done(self) -> int:
        """How many pieces are safe on the disk."""
        return len(self._pieces)

    @property
    def frames_done(self) -> int:
        """How many frames are safe on the disk."""
        return self._pieces[-1][1] if self._pieces else 0

    def append(self, piece: Recording) -> None:
        """Put the next frames on the disk.

        Args:
            piece: at least one frame, with times after those before.

        Raises:
            MatposeError: no room on the disk, or more than any reader would take; what is there stays.
        """
        start, stop = self.frames_done, self.frames_done + len(piece)
        refuse_too_long(stop, self.path)
        refuse_too_many(stop * piece.mat.rows * piece.mat.cols, self.path)
        name = f"{start:09d}-{stop:09d}.h5"
        try:
            write_recording(self.folder / name, piece)
        except MatposeError as error:
            raise self._told(error) from error
        self._pieces.append((start, stop))

    def finish(self) -> None:
        """Join the pieces to the file, which appears whole or not at all, and remove them.

        Raises:
            MatposeError: no room on the disk, or a piece is damaged; the pieces stay.
        """
        pieces = (read_hdf5(self.folder / f"{start:09d}-{stop:09d}.h5") for start, stop in self._pieces)
        whole = self.folder / "whole.h5"
        try:
            write_pieces(whole, pieces, self.frames_done)
            os.replace(whole, self.path)
        except OSError as error:
            raise MatposeError(
                f"cannot be written: {error.strerror or error}", mend="give the name of a file", path=self.path
            ) from error
        except MatposeError as error:
            raise self._told(error) from error
        shutil.rmtree(self.folder, ignore_errors=True)

    def _agree(self, settings: dict[str, Any]) -> None:
        """Say with which settings the pieces are made, or see that it was these."""
        told = self.folder / _SETTINGS
        if not told.exists():
            with atomic_path(told) as temporary:
                temporary.write_text(json.dumps(settings, indent=1, sort_keys=True), encoding="utf-8")
            return
        try:
            before = json.loads(told.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        names = [name for name in {**settings, **before} if settings.get(name) != before.get(name)]
        if names:
            was = ", ".join(f"{name} {before.get(name)}, not {settings.get(name)}" for name in names[:3])
            raise MatposeError(
                f"this file was begun with other settings ({was})",
                mend="repeat those to go on with it, or give --force to begin anew",
                path=self.path,
            )

    def _found(self) -> list[tuple[int, int]]:
        """(first frame, frame after the last) of the pieces there, as far as they run without a gap."""
        matches = (_PIECE.fullmatch(entry.name) for entry in self.folder.iterdir())
        spans = sorted((int(match[1]), int(match[2])) for match in matches if match)
        unbroken = [(0, 0), *spans]
        ends = [index for index, (one, next_) in enumerate(pairwise(unbroken)) if one[1] != next_[0]]
        return spans[: ends[0]] if ends else spans

    def _told(self, error: MatposeError) -> MatposeError:
        """The error of a hidden piece as one of the file that the user knows."""
        if isinstance(error.__cause__, OSError) and not isinstance(error, UnreadableFile):
            mend = f"make room and repeat the command: its first {self.frames_done} frames are kept"
        else:
            mend = "give --force to begin anew"
        return MatposeError(error.problem, mend=mend, path=self.path)
