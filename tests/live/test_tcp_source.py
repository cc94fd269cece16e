"""Frames over TCP, from mats that come and go."""

from __future__ import annotations

import asyncio
import runpy
import time
from contextlib import aclosing, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from listening import LIMIT_S, SMALL, counts, quick, run, taken, until

from matpose.errors import MatposeError
from matpose.live.sources.tcp import TcpClient, TcpListener
from matpose.live.wire import encode
from matpose.mat import Mat
from matpose.recording import Flag


class FakeMat:
    """Listens on a free port and says to each who connects the next of its speeches.

    Args:
        speeches: bytes for the first, second ... connection; it then hangs up, unless the last word is None.
    """

    def __init__(self, *speeches: tuple[bytes | None, ...]) -> None:
        self._speeches = list(speeches)
        self.connections = 0
        self.open = 0

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        speech = self._speeches[min(self.connections, len(self._speeches) - 1)]
        self.connections += 1
        self.open += 1
        try:
            for words in speech:
                if words is None:
                    await reader.read()  # until the other side hangs up
                else:
                    writer.write(words)
                    await writer.drain()
                    await asyncio.sleep(0.005)
        except OSError:
            pass
        finally:
            self.open -= 1
            writer.close()

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._speak, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await until(lambda: self.open == 0)
        await asyncio.sleep(0.01)


def wire(number: int, **known) -> bytes:
    return encode(counts(number), sequence=number, scale_kpa=0.5, **known)


def test_frames_come_in_kpa_with_their_time_in_any_pieces():
    epoch_s = 1.7e9  # long ago: a clock behind ours is let be
    stream = b"".join(wire(n, epoch_s=epoch_s + n) for n in range(5))
    pieces = tuple(stream[start : start + 17] for start in range(0, len(stream), 17))

    async def work():
        async with FakeMat((*pieces, None)) as port:
            source = TcpClient("127.0.0.1", port, mat=SMALL, bed="7", backoff=quick())
            found = await taken(source, 5)
            assert source.line.state == "closed"
            return source, found

    source, found = run(work())
    assert (source.unit, source.beds) == ("kPa", ("7",))
    for number, one in enumerate(found):
        np.testing.assert_allclose(one.frame, counts(number) * 0.5)
        assert (one.bed, one.epoch_s, one.sequence, one.flags) == ("7", epoch_s + number, number, Flag(0))


def test_text():
    lines = b"".join(b",".join(b"%d" % n for n in counts(k).ravel()) + b"\r\n" for k in range(3))

    async def work():
        async with FakeMat((lines, b"nonsense\r\n", lines, None)) as port:
            return await taken(TcpClient("127.0.0.1", port, mat=SMALL, unit="mmHg", format="text"), 7)

    found = run(work())
    np.testing.assert_allclose(found[1].frame, counts(1) * 0.133322, rtol=1e-6)
    assert [Flag.WRONG_SIZE in one.flags for one in found] == [False] * 3 + [True] + [False] * 3


def test_a_mat_that_dies_in_the_midst_of_a_frame_comes_back_with_a_gap():
    async def work():
        mat = FakeMat((wire(0), wire(1), wire(2)[:40]), (wire(3), None))
        async with mat as port:
            source = TcpClient("127.0.0.1", port, mat=SMALL, backoff=quick())
            found = await taken(source, 3)
            assert mat.connections == 2
            return found

    assert [(one.sequence, one.flags) for one in run(work())] == [(0, Flag(0)), (1, Flag(0)), (3, Flag.GAP)]


def test_after_a_cut_a_mat_that_does_not_count_has_a_gap():
    line = b" ".join([b"1"] * 12) + b"\n"

    async def work():
        async with FakeMat((line, line), (line, line, None)) as port:
            return await taken(TcpClient("127.0.0.1", port, mat=SMALL, format="text", backoff=quick()), 4)

    assert [one.flags for one in run(work())] == [Flag(0), Flag(0), Flag.GAP, Flag(0)]


def test_a_silent_line_is_connected_anew():
    async def work():
        mat = FakeMat((wire(0), None), (wire(1), None))
        async with mat as port:
            source = TcpClient("127.0.0.1", port, mat=SMALL, silence_s=0.05, backoff=quick())
            whys = []
            async with asyncio.timeout(LIMIT_S), aclosing(source.arrivals()) as arrivals:
                async for one in arrivals:
                    if one.sequence == 1:
                        break
                    await until(lambda: source.line.state == "waiting")
                    whys.append(source.line.why)
            return whys

    assert run(work()) == ["nothing came for 0.05 s"]


def test_nobody_there_is_waited_for_and_told():
    async def work():
        async with FakeMat(()) as port:
            pass  # now the port is free
        source = TcpClient("127.0.0.1", port, mat=SMALL, backoff=quick())
        listening = asyncio.create_task(taken(source, 1))
        await until(lambda: source.line.tries >= 3)
        assert (source.line.state, source.line.why) == ("waiting", "Connection refused")
        server = await asyncio.start_server(lambda _, writer: writer.write(wire(0)), "127.0.0.1", port)
        found = await listening
        server.close()
        return found

    assert run(work())[0].sequence == 0


def test_frames_that_cannot_be_used_are_told():
    async def work():
        async with FakeMat((encode(counts(1), sequence=1), wire(2), None)) as port:
            source = TcpClient("127.0.0.1", port, mat=SMALL, bed="7")
            return source, await taken(source, 1)

    source, found = run(work())
    assert found[0].sequence == 2
    assert "without a scale" in source.line.notes["7"]


def test_a_slow_taker_gets_the_newest_and_a_gap():
    stream = b"".join(wire(n) for n in range(500))

    async def work():
        async with FakeMat((stream, None)) as port:
            source = TcpClient("127.0.0.1", port, mat=SMALL)
            found = []
            async with asyncio.timeout(LIMIT_S), aclosing(source.arrivals()) as arrivals:
                async for one in arrivals:
                    found.append(one)
                    if one.sequence == 499:
                        return found
                    await asyncio.sleep(0.02 if len(found) == 1 else 0)
            return found

    found = run(work())
    assert len(found) < 100
    for before, one in pairwise(found):
        assert (Flag.GAP in one.flags) == (one.sequence != before.sequence + 1)


def test_the_listener_hears_who_connects_and_the_newest_has_the_word():
    async def work():
        source = TcpListener("127.0.0.1", 0, mat=SMALL, bed="7")
        found: list = []

        async def listen():
            async with aclosing(source.arrivals()) as arrivals:
                async for one in arrivals:
                    found.append(one)

        listening = asyncio.create_task(listen())
        await until(lambda: source.port is not None)
        assert source.line.why == "no sender has connected yet"
        first = await asyncio.open_connection("127.0.0.1", source.port)
        first[1].write(wire(0) + wire(1)[:30])
        await until(lambda: len(found) == 1)
        second = await asyncio.open_connection("127.0.0.1", source.port)
        second[1].write(wire(5))
        await until(lambda: len(found) == 2)
        assert await first[0].read() == b""  # hung up
        assert source.line.state == "connected"
        second[1].close()
        await until(lambda: source.line.state == "waiting")
        assert source.line.why == "the sender closed the line"
        third = await asyncio.open_connection("127.0.0.1", source.port)
        third[1].write(wire(6))
        await until(lambda: len(found) == 3)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        assert await third[0].read() == b""  # nothing is left open
        with suppress(OSError):
            for _, writer in (first, second, third):
                writer.close()
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", source.port)
        return found

    found = run(work())
    assert [(one.sequence, one.flags) for one in found] == [(0, Flag(0)), (5, Flag.GAP), (6, Flag(0))]


def test_the_example_sends_frames(monkeypatch):
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "send_over_tcp.py"))
    monkeypatch.setattr(time, "sleep", lambda _: None)

    async def work():
        source = TcpListener("127.0.0.1", 0, mat=Mat(64, 32, 0.0278, 0.0278))
        listening = asyncio.create_task(taken(source, 3))
        await until(lambda: source.port is not None)
        await asyncio.to_thread(example["main"], "127.0.0.1", str(source.port), seconds=3)
        return await listening

    found = run(work())
    assert [one.sequence for one in found] == [0, 1, 2]
    assert found[2].frame.max() == pytest.approx(420 * 0.0133322)
    assert found[2].epoch_s == pytest.approx(time.time(), abs=10)


def test_a_port_that_is_taken():
    async def work():
        async with FakeMat((None,)) as port:
            await taken(TcpListener("127.0.0.1", port, mat=SMALL), 1)

    with pytest.raises(MatposeError, match="cannot be listened on"):
        run(work())


def test_a_format_nobody_speaks():
    with pytest.raises(MatposeError, match="use wire or text"):
        TcpClient("127.0.0.1", 1, mat=SMALL, format="morse")
