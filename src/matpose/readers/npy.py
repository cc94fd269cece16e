"""NumPy arrays: ``.npy`` files of (N, rows, cols), (rows, cols) or (N, cells), never unpickled."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from matpose.errors import UnreadableFile
from matpose.readers.contents import Contents, array_contents
from matpose.readers.files import refuse_too_many


def sniff(head: bytes) -> bool:
    """Whether these are the first bytes of a ``.npy`` file."""
    return head.startswith(npy_format.MAGIC_PREFIX)


def read(path: Path) -> Contents:
    """Contents of a ``.npy`` file of numbers.

    Raises:
        UnreadableFile: a forged or cut-off file, objects, or an array of another rank.
    """
    try:
        with path.open("rb") as file:
            version = npy_format.read_magic(file)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"version {version} of the format is not known")
            header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
            shape, _, dtype = header(file)
            if dtype.kind not in "biuf":
                raise ValueError(f"it holds {dtype}, not numbers")
            if len(shape) not in (2, 3):
                raise ValueError(f"it has the shape {shape}")
            refuse_too_many(prod(shape), path)
            left = path.stat().st_size - file.tell()
            if left != prod(shape) * dtype.itemsize:
                raise ValueError(f"its header promises {prod(shape) * dtype.itemsize} bytes, there are {left}")
        array = np.load(path, allow_pickle=False)
    except UnreadableFile:
        raise
    except Exception as error:  # the header is parsed as Python source: it can fail in many ways
        raise UnreadableFile(
            f"this .npy file cannot be read: {error}".splitlines()[0][:200],
            mend="save an array of numbers of shape (N, rows, cols) or (rows, cols) with numpy.save",
            path=path,
        ) from error
    return array_contents(path, "npy", array, framed=array.ndim == 3)
