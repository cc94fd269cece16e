"""Frames of many beds over a broker: a real mosquitto on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import numpy as np
import pytest
from listening import LIMIT_S, SMALL, counts, quick, run, taken, until
from mosquitto import Mosquitto, needs_mosquitto, statuses

from matpose.errors import MatposeError
from matpose.live.sources.mqtt import MqttSource
from matpose.live.wire import encode
from matpose.recording import Flag

pytestmark = needs_mosquitto


@pytest.fixture
def mosquitto(tmp_path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as program:
        yield program


def wire(number: int, **known) -> bytes:
    return encode(counts(number), sequence=number, scale_kpa=0.5, **known)


async def heard(source: MqttSource, script) -> list:
    """The frames that come while the script runs, which is given the list as it grows."""
    found: list = []

    async def listen() -> None:
        async with aclosing(source.arrivals()) as arrivals:
            async for one in arrivals:
                found.append(one)

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(LIMIT_S):
        await until(lambda: source.line.state == "connected")
        await script(found)
    listening.cancel()
    (ended,) = await asyncio.gather(listening, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended
    assert source.line.state == "closed"
    return found


def test_many_beds(mosquitto):
    source = MqttSource(mosquitto.broker(), mat=SMALL, backoff=quick())

    async def script(found):
        async with mosquitto.client() as mat:
            for number in range(4):
                for bed in ("1", "bed-2"):
                    if (number, bed) != (2, "1"):
                        await mat.publish(f"matpose/v1/{bed}/frames", wire(number, epoch_s=1.7e9 + number), qos=1)
            await until(lambda: len(found) == 7)

    found = run(heard(source, script))
    assert source.unit == "kPa"
    assert [(one.sequence, one.flags) for one in found if one.bed == "1"] == [(0, Flag(0)), (1, Flag(0)), (3, Flag.GAP)]
    second = [one for one in found if one.bed == "bed-2"]
    assert [(one.epoch_s, one.flags) for one in second] == [(1.7e9 + n, Flag(0)) for n in range(4)]
    np.testing.assert_allclose(second[3].frame, counts(3) * 0.5)


def test_what_is_no_frame_twice_or_old_is_left_out(mosquitto):
    source = MqttSource(mosquitto.broker(), mat=SMALL, backoff=quick())

    async def work():
        async with mosquitto.client() as mat:
            await mat.publish("matpose/v1/9/frames", wire(1), qos=1, retain=True)  # nobody knows how old it is

            async def script(found):
                for payload in (b"", b"hello", wire(1)[:-1], wire(1) + b"x", b"\0" * 300_000):
                    await mat.publish("matpose/v1/7/frames", payload, qos=1)
                await mat.publish("matpose/v1/b d/frames", wire(1), qos=1)
                await mat.publish("matpose/v1/7/frames", wire(5), qos=1)
                await mat.publish("matpose/v1/7/frames", wire(5), qos=1)
                await mat.publish("matpose/v1/8/frames", wire(6), qos=1)
                await until(lambda: len(found) == 2)

            return await heard(source, script)

    found = run(work())
    assert [(one.bed, one.sequence) for one in found] == [("7", 5), ("8", 6)]
    assert source.unreadable == 6
    assert "no frames" in source.line.notes["7"]


def test_only_the_beds_that_were_asked_for(mosquitto):
    source = MqttSource(mosquitto.broker(), mat=SMALL, beds=("1", "3"))
    assert source.beds == ("1", "3")

    async def script(found):
        async with mosquitto.client() as mat:
            for bed in ("1", "2", "3"):
                await mat.publish(f"matpose/v1/{bed}/frames", wire(0), qos=1)
        await until(lambda: len(found) == 2)

    assert sorted(one.bed for one in run(heard(source, script))) == ["1", "3"]


def test_a_broker_that_dies_is_waited_for(mosquitto):
    source = MqttSource(mosquitto.broker(), mat=SMALL, backoff=quick())

    async def script(found):
        async with mosquitto.client() as mat:
            await mat.publish("matpose/v1/7/frames", wire(0, epoch_s=1.7e9), qos=1)
            await until(lambda: len(found) == 1)
        await asyncio.to_thread(mosquitto.stop)
        await until(lambda: source.line.state == "waiting" and source.line.tries >= 2)
        assert source.line.why == "the broker is not to be reached"
        await asyncio.to_thread(mosquitto.start)
        await until(lambda: source.line.state == "connected")
        async with mosquitto.client() as mat:
            await mat.publish("matpose/v1/7/frames", wire(8), qos=1)  # of unknown age, so soon after the cut
            await mat.publish("matpose/v1/7/frames", wire(9, epoch_s=1.7e9 + 9), qos=1)
            await until(lambda: len(found) == 2)

    found = run(heard(source, script))
    assert [(one.sequence, one.flags) for one in found] == [(0, Flag(0)), (9, Flag.GAP)]


def test_the_status_says_whether_we_are_there(mosquitto):
    async def script():
        source = MqttSource(mosquitto.broker(service="ward-3"), mat=SMALL)

        async def nothing(found):
            pass

        await heard(source, nothing)

    assert run(statuses(mosquitto, script)) == ["online", "offline"]


def test_who_may_not_in_is_told_at_once(tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    passwords.chmod(0o600)
    with Mosquitto(tmp_path, passwords=passwords) as program:
        for broker in (program.broker(), program.broker(user="nurse", password="secret")):
            assert "secret" not in repr(broker)
            with pytest.raises(MatposeError, match="does not let us in"):
                run(taken(MqttSource(broker, mat=SMALL), 1))
