"""Our own recording file with its frames left on the disk: hours of them in the memory of a few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from matpose.errors import MatposeError, UnreadableFile
from matpose.readers.hdf5 import recording_in
from matpose.readers.hdf5_write import problem_of
from matpose.readers.safe_hdf5 import SafeGroup
from matpose.recording import Recording

_NEEDED = ("frames", "time_s", "flags", "events", "meta")


class FramesOnDisk:
    """What stands for an array of frames: it has a shape, and a slice of it is read when asked for.

    Args:
        dataset: (T, rows, cols) float32, checked.
        path: the file, for messages.
    """

    def __init__(self, dataset: h5py.Dataset, path: Path) -> None:
        self._dataset = dataset
        self._path = path
        self.shape = dataset.shape
        self.dtype = dataset.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        try:
            return self._dataset[index]
        except Exception as error:  # damaged chunks fail in every way the library knows
            raise _unreadable(error, self._path) from error


@contextmanager
def opened(path: str | PathLike[str]) -> Iterator[Recording]:
    """A file of :func:`matpose.readers.write_recording`, readable while the block lasts.

    Its frames are read as they are sliced; ``select`` gives an ordinary recording. Labels (joints, parts, postures)
    are left out. The checks are those of reading it whole.

    Args:
        path: the file.

    Returns:
        A context manager of the recording, whose ``frames`` are a :class:`FramesOnDisk`.

    Raises:
        UnreadableFile: damaged, forged, of another origin, or of a newer version; also later, where a slice is.
    """
    path = Path(path)
    try:
        file = h5py.File(path, "r")
    except Exception as error:
        raise _unreadable(error, path) from error
    with file:
        try:
            recording = recording_in(_Lazy(file, path))
            problem = problem_of(recording)
        except UnreadableFile:
            raise
        except Exception as error:
            raise _unreadable(error, path) from error
        if problem:
            raise UnreadableFile(problem, mend="convert the original again", path=path)
        yield recording


class _Lazy(SafeGroup):
    """Gives only what a detector needs, and the frames unread."""

    def array(self, name: str, dtype: str | np.dtype, shape: tuple[int | None, ...]) -> np.ndarray | None:
        if name not in _NEEDED:
            return None
        if name != "frames":
            return super().array(name, dtype, shape)
        dataset = self._member(name)
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype != np.dtype(dtype) or dataset.ndim != len(shape):
            raise self._error(name, "is missing, or no array of frames")
        if dataset.shape[1:] != shape[1:]:
            raise self._error(name, f"has shape {dataset.shape}, not the mat's {shape[1:]}")
        self._check_storage(name, dataset)
        return cast(np.ndarray, FramesOnDisk(dataset, self.path))


def _unreadable(error: Exception, path: Path) -> UnreadableFile:
    reason = error.problem if isinstance(error, MatposeError) else str(error)
    return UnreadableFile(
        f"this HDF5 file cannot be read: {reason}".splitlines()[0][:200], mend="fetch or convert it again", path=path
    )
