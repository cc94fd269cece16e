"""HDF5 read without trust: types and sizes are checked before a byte is unpacked, no link is followed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from matpose.errors import UnreadableFile
from matpose.readers.files import MAX_FRAME_BYTES

CHUNK_BYTES = 1 << 20  # a forged deflate stream can grow a thousandfold: small chunks bound that
MAX_CHUNKS = 1 << 16
MAX_TEXT_BYTES = 1 << 14
MAX_JSON_BYTES = 16 << 20
_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)


class SafeGroup:
    """A group of an untrusted HDF5 file.

    Args:
        group: the group.
        path: the file, for messages.
    """

    def __init__(self, group: h5py.Group, path: Path) -> None:
        self._group = group
        self.path = path

    def group(self, name: str) -> SafeGroup:
        """The group of that name."""
        found = self._member(name)
        if not isinstance(found, h5py.Group):
            raise self._error(name, "is missing")
        return SafeGroup(found, self.path)

    def number(self, name: str) -> float | None:
        """The numeric attribute of that name, None where there is none."""
        value = self._attribute(self._group, name, "iuf", 16)
        return None if value is None else float(value)

    def text(self, name: str) -> str | None:
        """The text attribute of that name, None where there is none."""
        value = self._attribute(self._group, name, "S", MAX_TEXT_BYTES)
        return None if value is None else bytes(value).decode("utf-8")

    def legend(self, name: str, attribute: str, expected: tuple[str, ...]) -> tuple[str, ...]:
        """Names behind a dataset's codes; they must be the ones we write."""
        owner = self._member(name)
        value = None if owner is None else self._attribute(owner, attribute, "S", MAX_TEXT_BYTES)
        if value is None or tuple(bytes(value).decode().split(",")) != expected:
            raise self._error(name, f"has another {attribute} than {', '.join(expected)}")
        return expected

    def array(self, name: str, dtype: str | np.dtype, shape: tuple[int | None, ...]) -> np.ndarray | None:
        """The dataset of that name, type and shape (None: any length), None where there is none."""
        dataset = self._member(name)
        if dataset is None:
            return None
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype != np.dtype(dtype) or dataset.ndim != len(shape):
            raise self._error(name, f"is not an array of {np.dtype(dtype)} with {len(shape)} axes")
        if any(wanted not in (side, None) for side, wanted in zip(dataset.shape, shape, strict=True)):
            raise self._error(name, f"has shape {dataset.shape}, not {str(shape).replace('None', 'any')}")
        self._check_storage(name, dataset)
        return dataset[()]

    def required(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """The dataset of that name, which must be there."""
        array = self.array(name, dtype, shape)
        if array is None:
            raise self._error(name, "is missing")
        return array

    def json(self, name: str) -> Any:
        """The JSON in the dataset of that name, None where there is none."""
        dataset = self._member(name)
        if isinstance(dataset, h5py.Dataset) and dataset.size and dataset.size > MAX_JSON_BYTES:
            raise self._error(name, "is too large")
        array = self.array(name, "u1", (None,))
        return None if array is None else json.loads(array.tobytes())

    def _member(self, name: str) -> h5py.Group | h5py.Dataset | None:
        link = self._group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):  # soft and external links may point anywhere
            raise self._error(name, "is a link, not data")
        found = self._group[name]
        if isinstance(found, h5py.Datatype):
            raise self._error(name, "is a type, not data")
        return found

    def _check_storage(self, name: str, dataset: h5py.Dataset) -> None:
        if dataset.nbytes > MAX_FRAME_BYTES:
            raise self._error(name, f"claims {dataset.nbytes / 2**20:,.0f} MiB, more than {MAX_FRAME_BYTES >> 20} MiB")
        properties = dataset.id.get_create_plist()
        filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
        if dataset.is_virtual or dataset.external or any(code not in _FILTERS for code in filters):
            raise self._error(name, "is stored outside the file or in an unknown compression")
        if not dataset.chunks:
            return
        chunk_bytes = int(np.prod(dataset.chunks, dtype=np.float64)) * dataset.dtype.itemsize
        stored = []
        if chunk_bytes > CHUNK_BYTES or dataset.id.get_num_chunks() > MAX_CHUNKS:
            raise self._error(name, "is cut into chunks of unbearable size or number")
        dataset.id.chunk_iter(lambda chunk: stored.append(chunk.size))
        if stored and max(stored) > 2 * CHUNK_BYTES:
            raise self._error(name, "has a chunk that is larger packed than unpacked")

    def _attribute(self, owner: h5py.Group | h5py.Dataset, name: str, kinds: str, limit: int) -> Any:
        if name not in owner.attrs:
            return None
        attribute = owner.attrs.get_id(name)
        if attribute.shape != () or attribute.dtype.kind not in kinds or attribute.dtype.itemsize > limit:
            raise self._error(name, f"is an attribute of type {attribute.dtype} and shape {attribute.shape}")
        value = np.empty((), attribute.dtype)
        attribute.read(value)
        return value.item()

    def _error(self, name: str, problem: str) -> UnreadableFile:
        return UnreadableFile(f"it {problem}", mend="fetch or convert it again", path=self.path, place=f"{name!r}")
