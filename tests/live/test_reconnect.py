"""A line that comes back, and the inbox behind it."""

from __future__ import annotations

import asyncio
import socket
from itertools import pairwise

import numpy as np
import pytest
from listening import quick, run

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.inbox import Inbox, through_inbox
from matpose.live.reconnect import Backoff, Line, LineCut, keep_open, words_for
from matpose.recording import Flag


def test_waits_grow_within_bounds_and_differ():
    waits = [[backoff.next_s() for _ in range(12)] for backoff in (Backoff(), Backoff())]
    assert waits[0] != waits[1]
    for number, wait_s in enumerate(waits[0]):
        longest_s = min(30.0, 0.5 * 2**number)
        assert max(0.5, longest_s / 2) <= wait_s <= longest_s
    backoff = Backoff()
    for _ in range(5000):
        backoff.next_s()
    assert backoff.next_s() <= 30
    backoff.reset()
    assert backoff.next_s() == 0.5


def test_a_line_is_opened_again_and_says_why():
    line, tries, seen = Line(), [], []

    async def connect():
        tries.append(1)
        seen.append((line.state, line.why, line.tries))
        if len(tries) == 1:
            raise ConnectionRefusedError(111, "at 10.0.0.7")
        if len(tries) == 2:
            raise LineCut("nothing came for 30 s")
        line.connected()
        yield f"{len(tries)}a"
        yield f"{len(tries)}b"

    async def work():
        found = []
        lines = keep_open(connect, line, quick())
        async for item in lines:
            assert line.state == "connected"
            found.append(item)
            if len(found) == 4:
                break
        await lines.aclose()
        return found

    assert run(work()) == ["3a", "3b", "4a", "4b"]
    assert seen == [
        ("waiting", "not yet opened", 0), ("waiting", "Connection refused", 1), ("waiting", "nothing came for 30 s", 2),
        ("waiting", "the other side closed the line", 1),
    ]  # fmt: skip
    told = line.as_dict()
    assert told == {"state": "closed", "why": None, "since_s": told["since_s"], "tries": 0, "notes": {}}


def test_the_other_sides_own_faults_are_not_hidden():
    async def connect():
        raise MatposeError("no such port", mend="plug it in")
        yield

    async def work():
        async for _ in keep_open(connect, Line(), quick()):
            pass

    with pytest.raises(MatposeError, match="no such port"):
        run(work())


def test_waiting_can_be_cancelled_at_once():
    line = Line()

    async def connect():
        raise ConnectionResetError(104, "cut")
        yield

    async def listen():
        async for _ in keep_open(connect, line, Backoff(20, 30)):
            pass

    async def work():
        task = asyncio.create_task(listen())
        await asyncio.sleep(0.02)
        assert line.why == "Connection reset by peer"
        task.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(task, return_exceptions=True)
        assert line.state == "closed"

    run(work())


def test_words_name_no_place():
    for error in (
        FileNotFoundError(2, "No such file", "/dev/secret"), ConnectionRefusedError(111, "('10.0.0.7', 1)"),
        socket.gaierror(-2, "secret.example unknown"), OSError("Multiple exceptions: 10.0.0.7"), TimeoutError(),
    ):  # fmt: skip
        said = words_for(error)
        assert said
        assert "secret" not in said
        assert "10.0" not in said


def test_notes_are_bounded():
    line = Line()
    for number in range(5000):
        line.note(str(number), "strange")
    assert len(line.notes) <= 256
    line.note("0", "stranger")
    assert line.notes["0"] == "stranger"


def arrival(number: int, bed: str = "a", flags: Flag = Flag(0)) -> Arrival:
    return Arrival(bed, float(number), np.zeros((1, 1), np.float32), flags, number)


async def emptied(inbox: Inbox) -> list[Arrival]:
    inbox.close()
    found = []
    while (one := await inbox.take()) is not None:
        found.append(one)
    return found


def test_a_full_inbox_drops_the_oldest_and_says_so():
    async def work():
        inbox = Inbox(depth=3)
        for number in range(10):
            inbox.put(arrival(number, flags=Flag.CLOCK if number == 5 else Flag(0)))
        inbox.put(arrival(0, "b"))
        return inbox.dropped, await emptied(inbox)

    dropped, found = run(work())
    assert dropped == 7
    assert [(one.bed, one.sequence, one.flags) for one in found] == [
        ("a", 7, Flag.GAP | Flag.CLOCK), ("b", 0, Flag(0)), ("a", 8, Flag(0)), ("a", 9, Flag(0)),
    ]  # fmt: skip


def test_beds_take_turns():
    async def work():
        inbox = Inbox()
        for number in range(3):
            inbox.put(arrival(number, "busy"))
        inbox.put(arrival(0, "quiet"))
        return await emptied(inbox)

    assert [one.bed for one in run(work())] == ["busy", "quiet", "busy", "busy"]


def test_what_came_before_an_error_is_not_lost():
    async def listen(inbox: Inbox) -> None:
        inbox.put(arrival(1))
        inbox.put(arrival(2))
        raise MatposeError("it broke", mend="mend it")

    async def work():
        found = []

        async def take() -> None:
            async for one in through_inbox(listen):
                found.append(one.sequence)

        with pytest.raises(MatposeError, match="it broke"):
            await take()
        return found

    assert run(work()) == [1, 2]


def test_an_end_is_an_end_and_a_slow_taker_stops_nobody():
    async def listen(inbox: Inbox) -> None:
        for number in range(200):
            inbox.put(arrival(number))
            await asyncio.sleep(0)

    async def work():
        found = []
        async for one in through_inbox(listen, depth=8):
            found.append(one)
            await asyncio.sleep(0.01)
        return found

    found = run(work())
    assert len(found) <= 10
    assert found[-1].sequence == 199
    missing = [one for before, one in pairwise(found) if one.epoch_s != before.epoch_s + 1]
    assert missing
    assert all(one.flags == Flag.GAP for one in missing)


def test_the_log_says_whose_line_it_is(caplog):
    caplog.set_level("INFO", "matpose.live")
    line = Line(of="bed-7")
    line.connected()
    line.waiting("the other side closed the line")
    assert caplog.messages == ["bed-7: connected", "bed-7: waiting: the other side closed the line"]
