"""Forged HDF5 recordings: sound to the library, false in what they say. Written by h5py, in memory."""

from __future__ import annotations

import io
from contextlib import suppress
from random import Random
from typing import Any

import h5py
import numpy as np
from seeds import SEEDS

DATASETS = (
    "frames", "time_s", "flags", "posture", "joints_m", "joint_contact", "parts", "landmarks_m", "person",
    "events", "meta",
)  # fmt: skip
NUMBERS = (
    "rows", "cols", "rotate", "mirror", "pitch_y_m", "pitch_x_m", "kpa_per_count", "zero_count", "full_scale_kpa",
)  # fmt: skip
TEXTS = (
    "unit", "name", "subject", "source", "start_time", "assumed", "legend", "joint_names", "landmark_names",
    "schema_version",
)  # fmt: skip
TYPES = ("<f4", "<f8", "<u2", "u1", ">f4", "<i8", "S8", "c8", [("a", "<f4")], h5py.string_dtype(), h5py.ref_dtype, "?")
SIDES = (0, 1, 2, 3, 7, 14, 4096, 4097, 1 << 20, 1 << 26, 1 << 40, (1 << 63) - 1)
SHAPES = (
    (), (7,), (7, 3, 2), (7, 14), (7, 14, 3), (1 << 26,), (1 << 26, 1, 1), (1 << 27, 1, 1), (1, 4096, 4096),
    (1 << 40,) * 3,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 90, 4096, 1 << 62, True, 0.0278, 1e-300, 1e300, np.nan, np.inf, 1j,
    np.float16(1), np.longdouble(1), np.uint64((1 << 64) - 1), np.array([(1, 2)], "i4,i4")[0],
    "kPa", "raw", "", "heap", b"kPa", np.bytes_(b"\xff\xfe"), np.bytes_(b"a\nb\x1b[2J"), np.bytes_(b"x" * 20000),
    [1, 1], [[1.0]], np.zeros(0), h5py.Empty("f4"),
)  # fmt: skip
JSONS = (
    b"", b"\0", b"\xff", b"{", b"{}", b"[]", b"null", b"7", b'"ab"', b"[1]", b"[[1]]", b'["ab", "cd"]',
    b"[[1, 2], [3]]",
    b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"[[" + b"9" * 4000 + b", 1]]", b"[[1e999, 1]]", b"[[NaN, null]]",
    b'[["x", 1]]', b'{"\\ud800": "\\u0000"}', b'{"a": {"b": []}}',
)  # fmt: skip


def mutate_hdf5(data: bytes, rng: Random) -> bytes:
    """One of the seeds, with up to three lies told in it; ``data`` may be unreadable and is left aside."""
    memory = io.BytesIO(rng.choice(SEEDS["hdf5"][:2]))
    with h5py.File(memory, "r+") as file:
        for _ in range(rng.randint(1, 3)):
            with suppress(Exception):  # h5py will not write every lie
                rng.choice(LIES)(file, rng)
    return memory.getvalue()


def _make(file: h5py.File, name: str, **options) -> None:
    if name in file:
        del file[name]
    file.create_dataset(name, **options)


def _dataset(file: h5py.File, rng: Random) -> None:
    """Another type, shape and layout."""
    shape = rng.choice((rng.choice(SHAPES), tuple(rng.choice(SIDES) for _ in range(rng.randint(0, 4)))))
    chunks = tuple(max(1, min(side, rng.choice((1, 256, 1 << 20)))) for side in shape)
    options = rng.choice(({}, {"chunks": chunks or None}, {"fillvalue": rng.choice((1, 6, 200))}))
    _make(file, rng.choice(DATASETS), shape=shape, dtype=rng.choice(TYPES), **options)


def _claim(file: h5py.File, rng: Random) -> None:
    """As many frames as fit the bounds, none of them in the file."""
    count = rng.choice((7, 7, 1 << 16, 1 << 20, 1 << 22, 1 << 26, 1 << 27))
    file["mat"].attrs["rows"], file["mat"].attrs["cols"] = 1, rng.choice((1, 2))
    kinds = {
        "frames": ((count, 1, 1), "<f4"), "time_s": ((count,), "<f8"), "flags": ((count,), "<u2"),
        "posture": ((count,), "u1"), "joints_m": ((count, 14, 3), "<f4"), "joint_contact": ((count, 14), "u1"),
        "parts": ((count, 1, 1), "u1"), "landmarks_m": ((count, 12, 3), "<f4"), "person": ((count,), "<u4"),
    }  # fmt: skip
    for name in (*list(kinds)[:3], *rng.sample(list(kinds)[3:], 2)):
        kept = dict(file[name].attrs) if name in file else {}
        shape, dtype = kinds[name]
        _make(file, name, shape=shape, dtype=dtype, fillvalue=rng.choice((0, 1)))
        file[name].attrs.update(kept)


def _values(file: h5py.File, rng: Random) -> None:
    """Values that no sensor, clock or legend gives, in a dataset of the right kind."""
    name = rng.choice(DATASETS[:9])
    if (
        isinstance(dataset := file.get(name), h5py.Dataset)
        and dataset.dtype.kind in "uf"
        and 0 < (dataset.size or 0) < 1000
    ):
        odd = (np.nan, np.inf, -1e30, 1e7, -1.0) if dataset.dtype.kind == "f" else (6, 7, 255)
        dataset[(rng.randrange(dataset.shape[0]),)] = rng.choice(odd)


def _attribute(file: h5py.File, rng: Random) -> None:
    """Another value, type or none at all for one attribute."""
    owner = rng.choice(
        [found for name in ("/", "mat", *DATASETS) if isinstance(found := file.get(name), h5py.Group | h5py.Dataset)]
    )
    name = rng.choice((*owner.attrs, *NUMBERS, *TEXTS))
    if name in owner.attrs:
        del owner.attrs[name]
    if rng.random() < 0.9:
        owner.attrs[name] = rng.choice(VALUES)


def _json(file: h5py.File, rng: Random) -> None:
    _make(file, rng.choice(("events", "meta")), data=np.frombuffer(rng.choice(JSONS), np.uint8))


def _link(file: h5py.File, rng: Random) -> None:
    name = rng.choice(("mat", *DATASETS))
    if name in file:
        del file[name]
    targets = (
        h5py.SoftLink("/frames"),
        h5py.SoftLink(f"/{name}"),
        h5py.ExternalLink("other.h5", "/"),
        file["/"],
        np.dtype("f4"),
    )
    file[name] = rng.choice(targets)


def _drop(file: h5py.File, rng: Random) -> None:
    name = rng.choice(("mat", *DATASETS))
    if name in file:
        del file[name]


LIES = (*[_dataset, _attribute, _attribute, _values, _json] * 2, _claim, _link, _drop)
