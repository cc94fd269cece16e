"""Damage that keeps a file's structure: what plain bytes flipped at random would take ages to reach."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from math import prod
from random import Random

from forge_hdf5 import mutate_hdf5
from seeds import SEEDS

Mutator = Callable[[bytes, Random], bytes]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
SIDES = (0, 1, 2, 3, 255, 4096, 4097, 65535, 1 << 31, (1 << 32) - 1)
WORDS = (
    b"", b" ", b"\t", b",", b";", b'"', b"'", b"#", b"\0", b"\r", b"\n", b"\n\n", b"\r\n", b"B", b"b", b"-", b"+", b".",
    b"NaN", b"nan", b"-nan", b"inf", b"-Infinity", b"1e7", b"-1e7", b"1e8", b"1e400", b"1e-400", b"-0", b"0x10", b"1_0",
    b"1.2.3", b"1,2,3", b"1,5", b".", b"e5", b"9" * 30, b"0" * 5000 + b"1", b"4096", b"4294967296", b"2048", b"-1",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xd9\xa3", b"\xb2", b"\x85", b"\xa0", b"\x1b[2J", b"\xe2\x80\xa8",
    b"mmHg", b"kPa", b"raw", b"@@", b"true", b"None", b"()", b"{", b"[", b"%s", b"2024-02-30", b"24:61:00", b"12:00:00",
)  # fmt: skip


def mutate_bytes(data: bytes, rng: Random) -> bytes:
    """Flip, cut, repeat or insert somewhere: for runs without a fuzzing engine."""
    start, stop = sorted(rng.choices(range(len(data) + 1), k=2))
    stop = min(stop, start + rng.choice((1, 4, 40, 4000)))
    middle = rng.choice(
        (b"", data[start:stop] * 2, bytes(len(data[start:stop])), rng.randbytes(rng.randint(1, 8)), rng.choice(WORDS))
    )
    return data[:start] + middle + data[stop:]


def mutate_text(data: bytes, rng: Random) -> bytes:
    """Lines and cells doubled, dropped, swapped and replaced by words that mean something to a reader."""
    end = rng.choice((b"\n", b"\n", b"\n", b"\r\n"))
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    for _ in range(rng.randint(1, 4)):
        index = rng.randrange(len(lines))
        match rng.randrange(8):
            case 0:
                lines.insert(index, lines[rng.randrange(len(lines))])
            case 1 if len(lines) > 1:
                del lines[index]
            case 2:
                other = rng.randrange(len(lines))
                lines[index], lines[other] = lines[other], lines[index]
            case 3:
                lines.insert(index, rng.choice(WORDS))
            case 4:
                lines[index : index + 1] = [lines[index]] * rng.choice((2, 3, 20))
            case 5:
                lines[index] = lines[index].replace(rng.choice((b" ", b",", b";", b"\t", b".")), rng.choice(WORDS))
            case _:
                lines[index] = _with_another_cell(lines[index], rng)
    return end.join(lines)


def _with_another_cell(line: bytes, rng: Random) -> bytes:
    separator = max((b" ", b",", b";", b"\t", b":"), key=line.count)
    cells = line.split(separator)
    place = rng.randrange(len(cells))
    cells[place : place + rng.randint(0, 1)] = [rng.choice(WORDS)] * rng.choice((0, 1, 1, 1, 5))
    return separator.join(cells)


def mutate_png(data: bytes, rng: Random) -> bytes:
    """Chunks forged, dropped, doubled and swapped, each with a sound checksum."""
    chunks = _chunks(data) or _chunks(rng.choice(SEEDS["png"]))
    for _ in range(rng.randint(1, 3)):
        index = rng.randrange(len(chunks))
        kind, body = chunks[index]
        match rng.randrange(7):
            case 0:
                width, height = (rng.choice(SIDES) for _ in range(2))
                depth, colour, interlace = (
                    rng.choice((1, 2, 4, 8, 16, 3)),
                    rng.choice((0, 0, 2, 3, 4, 6)),
                    rng.choice((0, 1, 2)),
                )
                chunks[0] = (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
            case 1:
                rows = rng.choice((0, 1, 5, 1000))
                chunks[index] = (b"IDAT", zlib.compress(bytes([rng.choice((0, 1, 4, 5))]) * rows * rng.randint(1, 99)))
            case 2 if len(chunks) > 1:
                del chunks[index]
            case 3:
                kinds = b"IEND tRNS PLTE iCCP zTXt iTXt tEXt pHYs acTL fcTL fdAT eXIf gAMA cHRM IDAT abcd ABCD".split()
                chunks.insert(
                    index,
                    (rng.choice(kinds), rng.choice((body, b"", b"a\0\0" + zlib.compress(bytes(99)), rng.randbytes(9)))),
                )
            case 4:
                chunks.insert(index, chunks[rng.randrange(len(chunks))])
            case 5:
                chunks[index] = (kind, mutate_bytes(body, rng))
            case _:
                chunks[index] = (kind, body[: len(body) // 2])
                chunks.insert(index + 1, (kind, body[len(body) // 2 :]))
        chunks = chunks or [(b"IEND", b"")]
    return PNG_MAGIC + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], len(PNG_MAGIC)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks


def mutate_npy(data: bytes, rng: Random) -> bytes:
    """A header of another type and shape, mostly with as many bytes behind it as it promises."""
    descr, item_bytes = rng.choice(
        (("'<f4'", 4), ("'<f8'", 8), ("'>f2'", 2), ("'|u1'", 1), ("'|b1'", 1), ("'<i8'", 8), ("'>u8'", 8),
         ("'<f16'", 16), ("'|O'", 8), ("'<c8'", 8), ("'<M8[s]'", 8), ("'S3'", 3), ("'<U2'", 8), ("'f4,f4'", 8),
         ("[('a', '<f4')]", 4), ("('<f4', (2, 2))", 16), ("'<f4", 4), ("'<f99'", 4), ("None", 8), ("{}", 8), ("''", 8))
    )  # fmt: skip
    sides = (1, 2, 3, 5) * 4 + (0, -1, 4097, 1 << 31, 1 << 63, True)
    shape = tuple(rng.choice(sides) for _ in range(rng.choice((0, 1, 2, 2, 3, 3, 3, 4))))
    said = (
        str(shape) if rng.random() < 0.8 else rng.choice(("(2, 3.0)", "[2, 3]", "3", "(((((", "(2L, 3L)", "(2, 'a')"))
    )
    header = (
        f"{{'descr': {descr}, 'fortran_order': {rng.choice(('True', 'False', 'False', '1'))}, 'shape': {said}, }}\n"
    )
    raw = header.encode()
    if rng.random() < 0.2:
        raw = mutate_bytes(raw, rng)
    size = prod(max(side, 0) for side in shape) * item_bytes
    body = rng.randbytes(size) if size <= 1 << 14 else data[-64:]
    if rng.random() < 0.3:
        body = rng.choice((bytes(len(body)), b"\xff" * len(body), mutate_bytes(body, rng)))
    version = rng.choice(((1, 0), (1, 0), (2, 0), (3, 0), (9, 9)))
    length = struct.pack("<H" if version == (1, 0) else "<I", len(raw) + rng.choice((0, 0, 0, 0, 1, -1)))
    return b"\x93NUMPY" + bytes(version) + length + raw + body


MUTATORS: dict[str, Mutator] = {"hdf5": mutate_hdf5, "npy": mutate_npy, "png": mutate_png}
"""Formats that are not text."""


def mutate(name: str, data: bytes, rng: Random) -> bytes:
    """Another file of that format, more or less."""
    return MUTATORS.get(name, mutate_text)(data, rng)
