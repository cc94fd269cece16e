"""The frame on the wire: what goes in comes out, whatever stands around it."""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matpose.errors import MatposeError
from matpose.live.wire import CRC_BYTES, HEADER_BYTES, MAGIC, MAX_FRAME_BYTES, Decoder, Frame, decode, encode

NOW = 1.7e9
DTYPES = (np.uint8, np.uint16, np.float32)


def values_of(rows: int, cols: int, dtype: type = np.uint16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, (rows, cols)).astype(dtype)


def header(rows=2, cols=2, *, version=1, dtype=1, options=0, scale=0.0, epoch_s=0.0, sequence=0) -> bytes:
    """Built by hand from docs/wire.md, not by the code under test."""
    head = MAGIC + bytes([version, dtype])
    head += struct.pack("<HHHfdI", rows, cols, options, scale, epoch_s, sequence)
    return head + struct.pack("<I", zlib.crc32(head))


def by_hand(payload: bytes, **fields) -> bytes:
    body = header(**fields) + payload
    return body + struct.pack("<I", zlib.crc32(body))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (64, 27), (192, 84), (256, 256)])
def test_what_goes_in_comes_out(dtype, rows, cols):
    values = values_of(rows, cols, dtype)
    frame = decode(encode(values, epoch_s=NOW + 0.25, sequence=7, scale_kpa=0.5))
    assert (frame.epoch_s, frame.sequence, frame.scale_kpa, frame.after_loss) == (NOW + 0.25, 7, 0.5, False)
    assert frame.values.dtype == np.float32
    np.testing.assert_array_equal(frame.values, values)


def test_the_bytes_are_those_of_the_document():
    assert encode(np.array([[1, 2], [3, 255]], np.uint8), epoch_s=NOW, sequence=258, scale_kpa=0.5) == by_hand(
        bytes([1, 2, 3, 255]), scale=0.5, epoch_s=NOW, sequence=258
    )
    assert encode(np.array([[1, 258]], np.uint16)) == by_hand(b"\1\0\2\1", rows=1, cols=2, dtype=2)
    data = encode(np.zeros((3, 5), np.float32))
    assert len(data) == HEADER_BYTES + 60 + CRC_BYTES
    assert HEADER_BYTES == 32


def test_the_documents_example():
    document = Path(__file__).parents[2] / "docs" / "wire.md"
    rows = [line[5:53] for line in document.read_text(encoding="utf-8").splitlines() if line.startswith("0x")]
    values = np.array([[0, 100, 200], [1, 2, 65535]], np.uint16)
    data = encode(values, epoch_s=1767225600.5, sequence=258, scale_kpa=0.5, highest_is_no_reading=True)
    assert bytes.fromhex(" ".join(rows)) == data
    assert [HEADER_BYTES, len(data)] == [32, 48]


def test_no_reading_no_scale_no_clock():
    frame = decode(encode(np.array([[np.nan, np.inf, -1e9, 3]], np.float32)))
    np.testing.assert_array_equal(frame.values, np.array([[np.nan, np.nan, np.nan, 3]], np.float32))
    assert frame.scale_kpa is None
    assert frame.epoch_s is None
    for dtype, highest in ((np.uint8, 255), (np.uint16, 65535)):
        full = np.array([[highest, highest - 1]], dtype)
        assert decode(encode(full)).values.tolist() == [[highest, highest - 1]]
        marked = decode(encode(full, highest_is_no_reading=True)).values
        assert np.isnan(marked[0, 0])
        assert marked[0, 1] == highest - 1
    floats = np.array([[255.0]], np.float32)
    assert decode(encode(floats, highest_is_no_reading=True)).values.tolist() == [[255.0]]


@pytest.mark.parametrize("clock", [-1.0, 0.0, 5000.0, 1e300, float("nan"), float("inf")])
def test_a_clock_that_was_never_set_is_none(clock):
    assert decode(encode(values_of(2, 2), epoch_s=clock)).epoch_s is None


@pytest.mark.parametrize(
    "values",
    [np.zeros(4, np.uint8), np.zeros((2, 2)), np.zeros((2, 2), np.int16), np.zeros((0, 2), np.uint8),
     np.zeros((257, 256), np.uint8)],
)  # fmt: skip
def test_arrays_that_are_no_frames(values):
    with pytest.raises(MatposeError, match="is no frame"):
        encode(values)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e7])
def test_scales_that_no_sensor_has(scale):
    with pytest.raises(MatposeError, match="a scale of"):
        encode(values_of(2, 2), scale_kpa=scale)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (b"", "do not begin"),
        (by_hand(b"1234")[1:] + b"x", "do not begin"),
        (by_hand(b"1234")[:-1], "announces 40"),
        (by_hand(b"1234") + b"x", "announces 40"),
        (by_hand(b"1234")[:-5] + b"5" + by_hand(b"1234")[-4:], "the frame's CRC"),
        (b"".join((header()[:6], b"\3", header()[7:], b"1234")), "the header's CRC"),
        (by_hand(b"1234", version=2), "version 2"),
        (by_hand(b"1234", dtype=4), "numbers of kind 4"),
        (by_hand(b"1234", options=2), "options 0x2"),
        (by_hand(b"", rows=0), "frames of 0 x 2"),
        (by_hand(b"1234", rows=65535, cols=65535), "frames of 65535 x 65535"),
        (by_hand(b"1234", scale=float("nan")), "a scale of nan"),
        (by_hand(b"1234", scale=-1.0), "a scale of -1"),
    ],
)
def test_bytes_that_are_no_frame(wrong, says):
    with pytest.raises(MatposeError, match=says):
        decode(wrong)
    assert Decoder().feed(wrong + b"\0" * 100) == [] or says == "announces 40"


def sequences(frames: list[Frame]) -> list[int | None]:
    return [frame.sequence for frame in frames]


def test_every_flipped_bit_is_seen_and_the_next_frame_is_not_lost():
    first, second = (encode(values_of(2, 3, np.uint8), epoch_s=NOW, sequence=n) for n in (1, 2))
    for bit in range(len(first) * 8):
        damaged = bytearray(first)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MatposeError):
            decode(bytes(damaged))
        found = Decoder().feed(bytes(damaged) + second)
        assert sequences(found) == [2]
        assert found[0].after_loss


def test_half_a_frame_is_dropped_as_soon_as_the_next_begins():
    first, second, third = (encode(values_of(4, 4), sequence=n) for n in (1, 2, 3))
    for cut in range(1, len(first)):
        decoder = Decoder()
        found = decoder.feed(first[:cut] + second)
        assert sequences(found) == [2], cut  # it does not wait for more
        assert found[0].after_loss
        assert decoder.lost == (cut >= HEADER_BYTES)
        assert sequences(decoder.feed(third)) == [3]


def test_a_frame_cut_many_times_over_does_not_hide_the_whole_one():
    half = encode(values_of(64, 27), sequence=1)[:-10]
    decoder = Decoder()
    assert sequences(decoder.feed(half * 20 + encode(values_of(64, 27), sequence=2))) == [2]
    assert decoder.lost == 20


def test_a_header_of_another_version_is_named_and_passed_over():
    decoder = Decoder()
    data = by_hand(b"1234", version=9) + encode(values_of(2, 2), sequence=4)
    assert sequences(decoder.feed(data)) == [4]
    assert decoder.refused is not None
    assert "version 9" in decoder.refused


noise = st.binary(max_size=80) | st.sampled_from(
    [MAGIC, MAGIC[:3], MAGIC * 5, header(), header(rows=60, cols=60), header(rows=9000), header()[:20],
     encode(values_of(2, 2), sequence=99)[:-1]]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(noise, max_size=6), st.lists(st.integers(1, 60), min_size=1, max_size=20), st.data())
def test_any_noise_any_split(pieces, cuts, data):
    frames = [encode(values_of(2, 3, seed=n), sequence=n) for n in range(len(pieces))]
    stream = b"".join(noise + frame for noise, frame in zip(pieces, frames, strict=True))
    expected = sequences(Decoder().feed(stream))
    assert expected == list(range(len(pieces)))
    decoder, found, position = Decoder(), [], 0
    while position < len(stream):
        step = cuts[position % len(cuts)]
        found += decoder.feed(stream[position : position + step])
        position += step
    assert sequences(found) == expected
    for frame in found:
        assert frame.sequence is not None
        np.testing.assert_array_equal(frame.values, values_of(2, 3, seed=frame.sequence))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_raise_nothing_but_what_is_said(data):
    assert Decoder().feed(data) == []
    with pytest.raises(MatposeError):
        decode(data)


def test_memory_is_bounded():
    decoder = Decoder()
    rng = np.random.default_rng(0)
    for _ in range(40):
        decoder.feed(rng.bytes(100_000))
        assert len(decoder._buffer) < 40
    decoder.feed(header(rows=256, cols=256, dtype=3))  # it waits for so much, and no more
    for _ in range(6):
        decoder.feed(b"\0" * 65536)
        assert len(decoder._buffer) <= MAX_FRAME_BYTES
    assert decoder.lost == 1
    assert sequences(decoder.feed(encode(values_of(3, 3), sequence=5))) == [5]


@pytest.mark.parametrize(
    "piece",
    [b"\0", MAGIC, MAGIC[:2], header(rows=256, cols=256, dtype=3), header(rows=2, cols=2) + b"x",
     encode(np.zeros((8, 8), np.uint8))[:-1] + b"?"],
    ids=["zeros", "magic", "half magic", "huge headers", "small headers", "wrong CRCs"],
)  # fmt: skip
@pytest.mark.parametrize("chunk", [1 << 20, 61])
def test_the_worst_streams_take_linear_time(piece, chunk):
    def seconds(size: int) -> float:
        data = (piece * (size // len(piece) + 1))[:size]
        began_s = time.process_time()
        decoder = Decoder()
        for start in range(0, size, chunk):
            decoder.feed(data[start : start + chunk])
        return time.process_time() - began_s

    assert seconds(1 << 18) < 1.5  # 0.1 s on an idle core; were it quadratic, it would be minutes
