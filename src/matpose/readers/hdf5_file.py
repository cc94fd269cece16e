"""A new HDF5 file on a disk that may be full: the HDF5 library itself crashes the process there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

import h5py


@contextmanager
def new_hdf5(path: str | PathLike[str]) -> Iterator[h5py.File]:
    """Open a new HDF5 file for writing; an existing one is replaced.

    After a write that failed, HDF5 tries it again as it closes the file and as the process ends, and the
    process dies of a segmentation fault. So it is told that all went well, and the caller gets the failure.

    Raises:
        OSError: the disk is full, or failed otherwise. The file is then worthless.
    """
    with _Disk(path, "w+") as disk:
        try:
            with h5py.File(disk, "w") as file:
                yield file
        except Exception:
            if disk.failure is None:  # else only what comes of it
                raise
        if disk.failure is not None:
            raise disk.failure


class _Disk(io.FileIO):
    """A file that never fails to write, but remembers."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        while len(left) and self.failure is None:
            try:
                left = left[super().write(left) or 0 :]
            except OSError as error:
                self.failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return size or 0
