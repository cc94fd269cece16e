"""Send the frames of a mat to a listening Matpose, as docs/wire.md draws them. It needs Python alone.

matpose serve --source tcp-listen://127.0.0.1:7000 --rows 64 --cols 32 --pitch-mm 27.8
python examples/send_over_tcp.py 127.0.0.1 7000
"""

from __future__ import annotations

import socket
import struct
import sys
import time
import zlib


def frame(counts: list[list[int]], sequence: int, kpa_per_count: float) -> bytes:
    rows, cols = len(counts), len(counts[0])
    head = struct.pack("<4sBBHHHfdI", b"\xd7MPF", 1, 2, rows, cols, 0, kpa_per_count, time.time(), sequence % 2**32)
    head += struct.pack("<I", zlib.crc32(head))
    body = head + b"".join(struct.pack(f"<{cols}H", *row) for row in counts)
    return body + struct.pack("<I", zlib.crc32(body))


def read_mat(second: int) -> list[list[int]]:
    """Put your sensor here: 64 x 32 counts, head edge first. This is a ball that breathes."""
    high = 300 + 60 * (second % 4)
    return [[max(0, high - 10 * ((row - 30) ** 2 + (col - 16) ** 2)) for col in range(32)] for row in range(64)]


def main(host: str, port: str, *, seconds: int | None = None) -> None:
    with socket.create_connection((host, int(port))) as line:
        sequence = 0
        while seconds is None or sequence < seconds:
            line.sendall(frame(read_mat(sequence), sequence, kpa_per_count=0.0133322))
            sequence += 1
            time.sleep(1)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
