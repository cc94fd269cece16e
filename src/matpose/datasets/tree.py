"""What dataset folders have in common: numbered entries, arrays without pickle, single maps as recordings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from matpose.errors import DatasetError
from matpose.recording import Recording


def numbered(folder: Path, pattern: str) -> dict[int, Path]:
    """Entries whose name is the pattern around a number, in numeric order.

    Args:
        folder: where to look; it may be missing.
        pattern: a regular expression with one group, the number.
    """
    entries = folder.iterdir() if folder.is_dir() else ()
    found = {int(match[1]): entry for entry in entries if (match := re.fullmatch(pattern, entry.name))}
    return dict(sorted(found.items()))


def load_array(path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """An array of numbers from a ``.npy`` file, memory-mapped, never unpickled.

    Args:
        path: the file.
        shape: what it must be; None where any length will do.

    Raises:
        DatasetError: missing, damaged, not numbers, or of another shape.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(
            f"this array cannot be read: {str(error).splitlines()[0][:120]}",
            mend="copy it again from the dataset",
            path=path,
        ) from error
    fits = isinstance(array, np.ndarray) and array.dtype.kind in "biuf" and array.ndim == len(shape)
    if not fits or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        raise DatasetError(
            f"the array is {getattr(array, 'dtype', 'not numbers')} of shape {getattr(array, 'shape', None)}",
            mend=f"it should hold numbers of shape {tuple('any' if n is None else n for n in shape)}",
            path=path,
        )
    return array


def single_maps(
    together: Recording,
    names: Sequence[str],
    sources: Sequence[str],
    metas: Sequence[Mapping[str, str]] | None = None,
) -> Iterator[Recording]:
    """Part maps that were flagged together into recordings of one map each: every map is its own pose."""
    for index, (name, source) in enumerate(zip(names, sources, strict=True)):
        one = together.select(slice(index, index + 1))
        meta = together.meta if metas is None else metas[index]
        yield replace(one, time_s=np.zeros(1), name=name, source=source, meta=meta)
