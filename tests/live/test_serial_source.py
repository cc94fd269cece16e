"""Frames over a serial line: a pair of pseudo-terminals stands for mat and port."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import aclosing, suppress
from pathlib import Path

import numpy as np
import pytest
from listening import LIMIT_S, SMALL, counts, quick, run, taken, until

from matpose.errors import MatposeError
from matpose.live.sources.serial_port import SerialSource
from matpose.live.wire import encode
from matpose.recording import Flag

pytest.importorskip("serial", reason="serial ports need pyserial, of the extra live")
if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals on Windows", allow_module_level=True)


class Cable:
    """A serial cable with a mat at its end; its port has a name that stays when it is plugged in anew."""

    def __init__(self, folder: Path) -> None:
        self.port = str(folder / "ttyUSB0")
        self.plug_in()

    def plug_in(self) -> None:
        self._mat, self._end = os.openpty()
        with suppress(FileNotFoundError):
            os.unlink(self.port)
        os.symlink(os.ttyname(self._end), self.port)

    def say(self, words: bytes) -> None:
        while words:
            words = words[os.write(self._mat, words) :]

    def unplug(self) -> None:
        os.close(self._mat)
        os.close(self._end)


@pytest.fixture
def cable(tmp_path):
    made = Cable(tmp_path)
    yield made
    with suppress(OSError):
        made.unplug()


def wire(number: int) -> bytes:
    return encode(counts(number), sequence=number, scale_kpa=0.5)


def source_of(cable: Cable, **how) -> SerialSource:
    return SerialSource(cable.port, mat=SMALL, bed="7", backoff=quick(), **how)


async def heard(source: SerialSource, script) -> list:
    """The frames that come while the script runs, which is given the list as it grows."""
    found: list = []

    async def listen() -> None:
        async with aclosing(source.arrivals()) as arrivals:
            async for one in arrivals:
                found.append(one)

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(LIMIT_S):
        await until(lambda: source.line.state == "connected" or listening.done())
        await script(found)
    listening.cancel()
    (ended,) = await asyncio.gather(listening, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended
    assert source.line.state == "closed"
    return found


def test_frames_among_noise(cable):
    async def script(found):
        cable.say(wire(0)[-20:] + wire(1) + wire(2)[:50])
        await until(lambda: len(found) == 1)
        cable.say(wire(2)[50:] + wire(3))
        await until(lambda: len(found) == 3)

    found = run(heard(source_of(cable), script))
    assert [(one.bed, one.sequence, one.flags) for one in found] == [("7", n, Flag(0)) for n in (1, 2, 3)]
    np.testing.assert_allclose(found[1].frame, counts(2) * 0.5)
    assert not [thread for thread in threading.enumerate() if thread.name == "serial port"]


def test_bytes_of_every_value_pass(cable):
    values = np.arange(256, dtype=np.uint8)[: SMALL.rows * SMALL.cols].reshape(4, 3)
    control = [np.full((4, 3), code, np.uint8) for code in (3, 4, 10, 13, 17, 19, 26, 127, 255)]  # ^C, ^D, XON ...

    async def script(found):
        for number, frame in enumerate([values, *control]):
            cable.say(encode(frame, sequence=number, scale_kpa=1))
        await until(lambda: len(found) == 10)

    found = run(heard(source_of(cable), script))
    for one, frame in zip(found[1:], control, strict=True):
        np.testing.assert_array_equal(one.frame, frame)


def test_text_begins_with_the_second_line(cable):
    async def script(found):
        cable.say(b"2,3,4,5,6,7,8,9,10,11,12,13\r\n")  # the end of a line, by chance of the right length
        cable.say(b"1,2,3\r\n" * 4 + b"\r\n")
        await until(lambda: len(found) == 1)

    found = run(heard(source_of(cable, format="text", unit="kPa", baud=9600), script))
    np.testing.assert_array_equal(found[0].frame, [[1, 2, 3]] * 4)


def test_a_port_that_is_unplugged_comes_back(cable):
    source = source_of(cable)

    async def script(found):
        cable.say(wire(0) + wire(1)[:30])
        await until(lambda: len(found) == 1)
        cable.unplug()
        os.unlink(cable.port)
        await until(lambda: source.line.state == "waiting" and source.line.tries >= 2)
        assert source.line.why == "No such file or directory"
        cable.plug_in()
        await until(lambda: source.line.state == "connected")
        cable.say(wire(5))
        await until(lambda: len(found) == 2)

    found = run(heard(source, script))
    assert [(one.sequence, one.flags) for one in found] == [(0, Flag(0)), (5, Flag.GAP)]


def test_a_port_that_was_never_there():
    source = SerialSource("/dev/nothing-here", mat=SMALL)
    with pytest.raises(MatposeError, match="no such serial port") as caught:
        run(taken(source, 1))
    assert "the ports are" in caught.value.mend


def test_a_port_that_another_program_reads(cable):
    async def script(found):
        with pytest.raises(MatposeError, match="another program"):
            await taken(source_of(cable), 1)

    run(heard(source_of(cable), script))


@pytest.mark.parametrize("baud", [0, -9600, 10**9])
def test_bauds_that_no_port_has(baud):
    with pytest.raises(MatposeError, match="baud"):
        SerialSource("/dev/ttyUSB0", mat=SMALL, baud=baud)
