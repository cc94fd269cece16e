"""Poses and events told to an MQTT broker, which may go away and come back."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from matpose.live.mqtt_broker import KEPT_MESSAGES, ROOT, Broker, LoginRefused, json_payload, login_wanted
from matpose.live.reconnect import Backoff, Line, keep_open

if TYPE_CHECKING:
    from aiomqtt import Client


class MqttPublisher:
    """Publishes poses and events; never waits for the broker, and never sends an old pose as a new one.

    Of every bed only the newest pose waits, and it is dropped once it is older than ``fresh_s``. Events wait until the
    broker is back; of too many the oldest go.

    Args:
        broker: where it is.
        announce: whether to say on the status topic that we are there; False where a source does it already.
        fresh_s: so old may a pose be.
        backoff: waits between tries.

    Attributes:
        line: the state of the line.
        dropped: events that went unsaid.
    """

    def __init__(
        self, broker: Broker, *, announce: bool = True, fresh_s: float = 5.0, backoff: Backoff | None = None
    ) -> None:
        self.line = Line(of="broker")
        self.dropped = 0
        self._broker = broker
        self._announce = announce
        self._fresh_s = fresh_s
        self._backoff = backoff
        self._poses: dict[str, tuple[float, bytes]] = {}
        self._events: deque[tuple[str, bytes]] = deque()
        self._wake = asyncio.Event()
        self._was_connected = False

    def pose(self, bed: str, said: Mapping[str, Any]) -> None:
        """The newest of a bed: JSON-able, on ``matpose/v1/<bed>/pose``."""
        self._poses[bed] = (time.monotonic(), json_payload(said))
        self._wake.set()

    def event(self, bed: str, said: Mapping[str, Any]) -> None:
        """Something happened: JSON-able, on ``matpose/v1/<bed>/events``."""
        if len(self._events) >= KEPT_MESSAGES:
            self._events.popleft()
            self.dropped += 1
        self._events.append((bed, json_payload(said)))
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled.

        Raises:
            MatposeError: the broker does not let us in from the first.
        """
        async with aclosing(keep_open(self._connection, self.line, self._backoff)) as sent:
            async for _ in sent:
                pass

    async def _connection(self) -> AsyncGenerator[None, None]:
        identifier = f"{self._broker.service}-{uuid4().hex[:12]}"
        try:
            async with self._broker.connected(identifier, announce=self._announce) as client:
                self._was_connected = True
                self.line.connected()
                cut = asyncio.ensure_future(_until_cut(client))
                try:
                    while True:
                        self._wake.clear()
                        await self._send(client)
                        yield
                        waiting = asyncio.create_task(self._wake.wait())
                        try:
                            await asyncio.wait((waiting, cut), return_when=asyncio.FIRST_COMPLETED)
                        finally:
                            waiting.cancel()
                        if cut.done():
                            cut.result()
                finally:
                    cut.cancel()
                    await asyncio.gather(cut, return_exceptions=True)
        except LoginRefused as error:
            if not self._was_connected:
                raise login_wanted(error) from error
            raise

    async def _send(self, client: Client) -> None:
        while self._events or self._poses:
            while self._events:
                bed, payload = self._events[0]
                await client.publish(f"{ROOT}/{bed}/events", payload, qos=1)
                if self._events and self._events[0][1] is payload:  # else it went for being the oldest
                    self._events.popleft()
            if self._poses:
                bed = next(iter(self._poses))
                made_s, payload = self._poses.pop(bed)
                if time.monotonic() - made_s <= self._fresh_s:
                    await client.publish(f"{ROOT}/{bed}/pose", payload, qos=0)


async def _until_cut(client: Client) -> None:
    async for _ in client.messages:  # there are none: it ends with the line, by raising
        pass
