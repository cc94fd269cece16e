"""What fuzzing has found, each file kept so that it stays mended: ``(reader, bytes, what it did)``.

A new one goes in as the failing test prints it; where code says it more plainly than bytes, as code.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import h5py
import numpy as np
from seeds import SEEDS


def _recording(forge: Callable[[h5py.File], object]) -> bytes:
    """The full sound recording with something changed in it."""
    memory = io.BytesIO(SEEDS["hdf5"][1])
    with h5py.File(memory, "r+") as file:
        forge(file)
    return memory.getvalue()


def _many_postures(file: h5py.File) -> None:
    legend = file["posture"].attrs["legend"]
    del file["posture"]
    file.create_dataset("posture", (1 << 24,), "u1").attrs["legend"] = legend


def _many_frames(file: h5py.File) -> None:
    _many_postures(file)
    for name in [name for name in file if name not in ("mat", "posture")]:
        del file[name]
    file["mat"].attrs.update(rows=1, cols=1)
    for name, sides, dtype in (("frames", (1, 1), "<f4"), ("time_s", (), "<f8"), ("flags", (), "<u2")):
        file.create_dataset(name, (1 << 24, *sides), dtype)


def _event_at_no_time(file: h5py.File) -> None:
    del file["events"]
    file["events"] = np.frombuffer(b'[[NaN, "turn"]]', np.uint8)


FINDINGS: list[tuple[str, bytes, str]] = [
    ("hdf5", _recording(_many_postures), "spelled out millions of postures beside seven frames: 0.5 GiB and more"),
    ("hdf5", _recording(_many_frames), "took minutes and gigabytes over millions of frames that are not in the file"),
    ("hdf5", _recording(_event_at_no_time), "gave an event at the time NaN"),
    (
        "hdf5",
        _recording(lambda file: file["mat"].attrs.modify("full_scale_kpa", np.nan)),
        "gave a full scale of NaN, to which cleaning clipped every cell",
    ),
    (
        "npy",
        b"\x93NUMPY\x01\0:\0{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2)}\n\x0a\x7d\0\0",
        "let a signalling NaN through, which warned in every sum",
    ),
    ("text", b"\x0c\n1,5 0\n", "took a form feed for a row of no cells, and failed on rows of unlike width"),
    ("text", b"9" * 20_000 + b"x 1\n", "took minutes to see that a long run of digits is no number"),
    (
        "npy",
        b"\x93NUMPY\x01\0\x42\0{'descr': '|u1', 'fortran_order': False, 'shape': (1, 4097, 1), }\n" + bytes(4097),
        "refused a frame larger than any mat without saying of which file",
    ),
    ("tekscan", b"ASCII_DATA @@\n\nFrame 1\n;\n", "looked for the first row of a matrix of padding"),
    (
        "pliance",
        SEEDS["pliance"][0].replace(b"x[1]\t1.00\t2.00\t1.00\t2.00", b"x[1]\t\t\t\t"),
        "took a line of corners without numbers for corners",
    ),
]
