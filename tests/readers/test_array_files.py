"""`.npy` and PNG: numbers come back as they were saved; forged and foreign files are refused unread."""

from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from matpose.errors import MatposeError, UnreadableFile
from matpose.readers import read

SAME_FOLDER = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused(path: Path, word: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile) as caught:
            read(path, rows=2, cols=3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert word in f"{caught.value.place}: {caught.value.problem}"  # the path holds the test's name
    assert caught.value.path == str(path)
    assert peak < 20 << 20


def npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@SAME_FOLDER
@given(
    array=st.sampled_from(["f4", "f8", "f2", "u1", "i2", "<i4", ">f4", "?"]).flatmap(
        lambda dtype: arrays(dtype, (3, 2, 3), elements={"min_value": 0, "max_value": 200} if dtype != "?" else None)
    ),
    fortran=st.booleans(),
)
def test_npy_round_trip(tmp_path, array, fortran):
    np.save(tmp_path / "a.npy", np.asfortranarray(array) if fortran else array)
    np.testing.assert_array_equal(read(tmp_path / "a.npy", rows=2, cols=3).frames, array.astype(np.float32))


def test_npy_ranks(tmp_path):
    values = np.arange(12.0)
    np.save(tmp_path / "one", values.reshape(4, 3))
    np.save(tmp_path / "flat", values.reshape(2, 6))
    assert len(read(tmp_path / "one.npy", rows=4, cols=3)) == 1
    assert len(read(tmp_path / "flat.npy", rows=2, cols=3)) == 2
    np.save(tmp_path / "three", values.reshape(2, 2, 3))
    assert read(tmp_path / "three.npy", pitch_mm=10).frames.shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.array([["a"]]), "not numbers"),
        (np.ones((2, 3), complex), "not numbers"),
        (np.ones(6), "shape"),
        (np.ones((1, 1, 2, 3)), "shape"),
        (np.ones((0, 2, 3)), "no frames"),
        (np.full((2, 3), np.inf), "row 0"),
        (np.full((2, 3), -np.inf, np.float16), "row 0"),
        (np.array([[[0, 0, 0], [0, np.nan, 0]], [[0, 0, 0], [np.nan, -1e300, 0]]]), "frame 1, row 1"),
        (np.array([[np.iinfo(np.int64).min, 0, 0]] * 2), "no sensor"),
    ],
)
def test_npy_of_something_else(tmp_path, array, word):
    np.save(tmp_path / "a.npy", array)
    refused(tmp_path / "a.npy", word)


def test_npy_of_objects_is_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[print]], dtype=object), allow_pickle=True)
    refused(tmp_path / "a.npy", "not numbers")


def test_npy_forged_header(tmp_path):
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (37, 16384, 16384)}\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + bytes(100))
    refused(tmp_path / "a.npy", "512 MiB")
    head = head.replace(b"(37, 16384, 16384)", b"(1, 4096, 4096)")
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + bytes(100))
    refused(tmp_path / "a.npy", "there are 100")


def test_npy_truncated(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy_bytes(np.ones((2, 3)))[:-1])
    refused(tmp_path / "a.npy", "promises 48 bytes")


@SAME_FOLDER
@given(place=st.integers(6, 150), byte=st.integers(0, 255), cut=st.integers(6, 200))
def test_npy_damaged_anywhere(tmp_path, place, byte, cut):
    content = bytearray(npy_bytes(np.ones((2, 3))))
    content[place] = byte
    (tmp_path / "a.npy").write_bytes(content[:cut])
    with contextlib.suppress(MatposeError):
        assert read(tmp_path / "a.npy", rows=2, cols=3).frames.shape[1:] == (2, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_round_trip(tmp_path, dtype):
    grey = np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, (5, 4)).astype(dtype)
    Image.fromarray(grey).save(tmp_path / "map.png")
    np.testing.assert_array_equal(read(tmp_path / "map.png", rows=5, cols=4).frames[0], grey)
    assert read(tmp_path / "map.png", pitch_mm=10, rotate=90).mat.rows == 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "1", "LA"])
def test_png_in_colour(tmp_path, mode):
    Image.new(mode, (3, 2)).save(tmp_path / "map.png")
    refused(tmp_path / "map.png", f"mode {mode}")


def png_bytes(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def test_png_bombs(tmp_path):
    (tmp_path / "wide.png").write_bytes(png_bytes(60000, 60000, bytes(1000)))
    refused(tmp_path / "wide.png", "60000")
    (tmp_path / "largest.png").write_bytes(png_bytes(4096, 4097, bytes(1000)))
    refused(tmp_path / "largest.png", "larger than any mat")
    (tmp_path / "deep.png").write_bytes(png_bytes(3, 2, bytes(64 << 20)))  # unpacks to far more than it needs
    with contextlib.suppress(MatposeError):
        read(tmp_path / "deep.png", rows=2, cols=3)


@SAME_FOLDER
@given(place=st.integers(8, 70), byte=st.integers(0, 255), cut=st.integers(8, 90))
def test_png_damaged_anywhere(tmp_path, place, byte, cut):
    content = bytearray(png_bytes(3, 2, b"\0abc\0def"))
    content[min(place, len(content) - 1)] = byte
    (tmp_path / "map.png").write_bytes(content[:cut])
    with contextlib.suppress(MatposeError):
        assert read(tmp_path / "map.png", rows=2, cols=3).frames.shape == (1, 2, 3)


def test_png_truncated(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 27)).astype(np.uint8)).save(tmp_path / "map.png")
    content = (tmp_path / "map.png").read_bytes()
    (tmp_path / "map.png").write_bytes(content[: len(content) // 2])
    refused(tmp_path / "map.png", "damaged")
