"""Poses and events over a broker: a real mosquitto on a free port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from listening import quick, run, until
from mosquitto import Mosquitto, needs_mosquitto

from matpose.live.mqtt_broker import Broker
from matpose.live.mqtt_publisher import MqttPublisher

pytestmark = needs_mosquitto


@pytest.fixture
def mosquitto(tmp_path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as program:
        yield program


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
