"""Many beds over a broker: a real mosquitto on a free port."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from listening import LIMIT_S, SMALL, counts, quick, run, taken, until

from matpose.errors import MatposeError
from matpose.live.sources.mqtt import Broker, MqttPublisher, MqttSource
from matpose.live.wire import encode
from matpose.recording import Flag

aiomqtt = pytest.importorskip("aiomqtt", reason="MQTT needs aiomqtt, of the extra live")
PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no mosquitto here")


class Mosquitto:
    """The broker's program, on a port of its own."""

    def __init__(self, folder: Path, *, passwords: Path | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        login = "allow_anonymous true" if passwords is None else f"password_file {passwords}"
        self._config.write_text(f"listener {self.port} 127.0.0.1\n{login}\npersistence false\nuser root\n")
        self.start()

    def start(self) -> None:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until_s = time.monotonic() + LIMIT_S
        while time.monotonic() < until_s:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        pytest.fail("mosquitto does not start")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(LIMIT_S)

    def broker(self, **how) -> Broker:
        return Broker("127.0.0.1", self.port, **how)

    def client(self, **how):
        return aiomqtt.Client("127.0.0.1", self.port, **how)


@pytest.fixture
def mosquitto(tmp_path):
    program = Mosquitto(tmp_path)
    yield program
    program.stop()


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


async def statuses(mosquitto, script) -> list[str]:
    """What the service's status was while the script ran."""
    said: list[str] = []
    async with mosquitto.client() as listener:
        await listener.subscribe("matpose/v1/ward-3/status", qos=1)

        async def listen() -> None:
            async for message in listener.messages:
                said.append(json.loads(message.payload)["state"])

        listening = asyncio.create_task(listen())
        await script()
        await until(lambda: said[-1:] == ["offline"])
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return said


def test_the_status_says_whether_we_are_there(mosquitto):
    async def script():
        source = MqttSource(mosquitto.broker(service="ward-3"), mat=SMALL)

        async def nothing(found):
            pass

        await heard(source, nothing)

    assert run(statuses(mosquitto, script)) == ["online", "offline"]


def test_the_last_will_speaks_for_who_cannot(mosquitto):
    async def script():
        async def cut_off() -> None:
            async with mosquitto.broker(service="ward-3").connected("x", announce=True) as client:
                client._client.socket().shutdown(socket.SHUT_RDWR)  # the cable is pulled
                async for _ in client.messages:
                    pass

        with pytest.raises(OSError, match="not to be reached"):
            await cut_off()

    assert run(statuses(mosquitto, script)) == ["online", "offline"]


def test_who_may_not_in_is_told_at_once(tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    passwords.chmod(0o600)
    program = Mosquitto(tmp_path, passwords=passwords)
    try:
        for broker in (program.broker(), program.broker(user="nurse", password="secret")):
            assert "secret" not in repr(broker)
            with pytest.raises(MatposeError, match="does not let us in"):
                run(taken(MqttSource(broker, mat=SMALL), 1))
    finally:
        program.stop()


def test_poses_and_events_are_published_and_survive_the_broker(mosquitto):
    async def work():
        said: list = []

        async def listen() -> None:
            async with mosquitto.client() as listener:
                await listener.subscribe([("matpose/v1/+/pose", 0), ("matpose/v1/+/events", 1)])
                said.append("listening")
                async for message in listener.messages:
                    said.append((str(message.topic), json.loads(message.payload)))

        publisher = MqttPublisher(mosquitto.broker(), fresh_s=0.2, backoff=quick())
        publishing = asyncio.create_task(publisher.run())
        listening = asyncio.create_task(listen())
        await until(lambda: publisher.line.state == "connected" and len(said) == 1)
        publisher.pose("7", {"epoch_s": 1, "x": 0.25})
        publisher.event("7", {"kind": "turn"})
        await until(lambda: len(said) == 3)
        assert ("matpose/v1/7/pose", {"epoch_s": 1, "x": 0.25}) in said
        assert ("matpose/v1/7/events", {"kind": "turn"}) in said
        await asyncio.to_thread(mosquitto.stop)
        await until(lambda: publisher.line.state == "waiting")
        await asyncio.gather(listening, return_exceptions=True)
        for number in range(3):
            publisher.pose("7", {"old": number})
            publisher.event("8", {"kind": "edge", "number": number})
        await asyncio.sleep(0.25)
        publisher.pose("9", {"new": True})
        said.clear()
        await asyncio.to_thread(mosquitto.start)
        # events are not lost; but who is not connected yet, when they are sent, hears none of them
        await until(lambda: publisher.line.state == "connected")
        listening = asyncio.create_task(listen())
        await until(lambda: "listening" in said)
        publisher.event("7", {"kind": "turn"})
        publisher.pose("7", {"new": True})
        await until(lambda: ("matpose/v1/7/events", {"kind": "turn"}) in said)
        await until(lambda: ("matpose/v1/7/pose", {"new": True}) in said)
        for task in (publishing, listening):
            task.cancel()
        await asyncio.gather(publishing, listening, return_exceptions=True)
        assert publisher.line.state == "closed"
        return said, publisher

    said, publisher = run(work())
    assert not [one for one in said if "old" in str(one)]
    assert not publisher._events
    assert publisher.dropped == 0


def test_what_waits_is_bounded_and_no_pose_is_old():
    class Recorder:
        def __init__(self) -> None:
            self.sent: list = []

        async def publish(self, topic, payload, qos):
            self.sent.append((topic, json.loads(payload)))

    async def work():
        publisher, client = MqttPublisher(Broker("127.0.0.1"), fresh_s=0.05), Recorder()
        for number in range(1500):
            publisher.event("7", {"number": number})
        for number in range(1500):
            publisher.pose("7", {"number": number})
        publisher.pose("8", {"number": 1})
        await asyncio.sleep(0.06)
        publisher.pose("7", {"number": 1500})
        await publisher._send(client)  # type: ignore
        return publisher, client.sent

    publisher, sent = run(work())
    assert publisher.dropped == 1500 - 1024
    events = [said["number"] for topic, said in sent if topic.endswith("events")]
    assert events == list(range(476, 1500))
    assert [(topic, said) for topic, said in sent if topic.endswith("pose")] == [
        ("matpose/v1/7/pose", {"number": 1500})
    ]  # fmt: skip
