"""Many beds over one MQTT broker: frames in, poses and events out.

Topics: ``matpose/v1/<bed>/frames`` (in; one frame of ``docs/wire.md`` a message), ``matpose/v1/<bed>/pose`` and
``matpose/v1/<bed>/events`` (out; JSON), ``matpose/v1/<service>/status`` (out; JSON, retained, ours also as last will).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.inbox import Inbox, through_inbox
from matpose.live.receiver import Receiver, bed_name
from matpose.live.reconnect import Backoff, Line, LineCut, keep_open
from matpose.live.wire import MAX_FRAME_BYTES, decode
from matpose.mat import Mat

if TYPE_CHECKING:
    from aiomqtt import Client

ROOT = "matpose/v1"
KEPT_MESSAGES = 1024
SESSION_S = 300
"""So long the broker keeps frames for us while we are away."""
BACKLOG_S = 2.0
"""So long after the line is back, frames without a time may be old ones, and are left out."""
CONNECT_S = 10.0
REFUSED_LOGIN = (134, 135)  # MQTT 5: bad user or password, not authorised


@dataclass(frozen=True)
class Broker:
    """Where the broker is and how it lets us in.

    Args:
        host, port: of the broker.
        user, password: if it asks for them.
        tls: whether to speak TLS, with the system's certificates.
        service: our name, in topics and towards the broker.

    Raises:
        MatposeError: aiomqtt is missing, or no such service name.
    """

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    service: str = "matpose"

    def __post_init__(self) -> None:
        bed_name(self.service)
        try:
            import aiomqtt  # noqa: F401
        except ImportError as error:
            raise MatposeError("MQTT needs aiomqtt", mend="pip install 'matpose[live]'") from error

    @property
    def status_topic(self) -> str:
        """Where is said whether we are there."""
        return f"{ROOT}/{self.service}/status"

    @asynccontextmanager
    async def connected(
        self, identifier: str, *, announce: bool, first: bool = True, kept_s: int = 0
    ) -> AsyncIterator[Client]:
        """A client that is connected.

        Args:
            identifier: unique among the broker's clients.
            announce: whether to say on ``status_topic`` that we are there, and with a last will that we are not.
            first: whether nothing kept from before is wanted.
            kept_s: how long the broker shall keep messages for us after the line was cut.

        Raises:
            LineCut: it failed, at first or later.
            _Refused: the broker does not let us in.
        """
        import ssl

        from aiomqtt import Client, MqttCodeError, MqttError, ProtocolVersion, Will
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = kept_s
        client = Client(
            self.host, self.port, username=self.user, password=self.password, identifier=identifier,
            protocol=ProtocolVersion.V5, clean_start=first, properties=session, timeout=CONNECT_S, keepalive=20,
            will=Will(self.status_topic, _json({"state": "offline"}), qos=1, retain=True) if announce else None,
            max_queued_incoming_messages=KEPT_MESSAGES,
            tls_context=ssl.create_default_context() if self.tls else None,
        )  # fmt: skip
        try:
            async with client:
                if announce:
                    await client.publish(self.status_topic, _json({"state": "online"}), qos=1, retain=True)
                try:
                    yield client
                finally:
                    if announce:  # a farewell in order does not set off the will
                        with suppress(MqttError):
                            await client.publish(
                                self.status_topic, _json({"state": "offline"}), qos=1, retain=True, timeout=1.0
                            )
        except MqttError as error:
            if isinstance(error, MqttCodeError) and getattr(error.rc, "value", None) in REFUSED_LOGIN:
                raise _Refused("the broker does not let us in: wrong user or password") from error
            raise LineCut("the broker is not to be reached") from error


class _Refused(LineCut):
    """The broker knows neither user nor password."""


class MqttSource:
    """Frames of all beds of a broker.

    Args:
        broker: where it is.
        mat: of all beds.
        unit: as for :class:`Receiver`.
        beds: only these; by default all that send.
        backoff: waits between tries.

    Raises:
        MatposeError: an unknown unit, or no name of a bed.
    """

    def __init__(
        self, broker: Broker, *, mat: Mat, unit: str | None = None, beds: Sequence[str] = (),
        backoff: Backoff | None = None,
    ) -> None:  # fmt: skip
        self.line = Line(of="broker")
        self._receiver = Receiver(mat, unit, scaled=True, line=self.line)
        self.mat = mat
        self.unit = self._receiver.unit
        self.beds = tuple(map(bed_name, beds))
        self.unreadable = 0
        self._broker = broker
        self._backoff = backoff
        self._identifier = f"{broker.service}-{uuid4().hex[:12]}"  # two services must not throw each other out
        self._was_connected = False
        self._backlog_until_s = 0.0

    def arrivals(self) -> AsyncGenerator[Arrival, None]:
        """Frames without end; MatposeError where the broker does not let us in from the first."""
        return through_inbox(self._listen)

    async def _listen(self, inbox: Inbox) -> None:
        async with aclosing(keep_open(self._connection, self.line, self._backoff)) as messages:
            async for bed, payload in messages:
                arrival = self._arrival(bed, payload)
                if arrival is not None:
                    inbox.put(arrival)

    async def _connection(self) -> AsyncGenerator[tuple[str, bytes], None]:
        try:
            async with self._broker.connected(
                self._identifier, announce=True, first=not self._was_connected, kept_s=SESSION_S
            ) as client:
                topics = self.beds or ("+",)
                await client.subscribe([(f"{ROOT}/{bed}/frames", 1) for bed in topics])
                self._backlog_until_s = time.monotonic() + BACKLOG_S * self._was_connected
                self._was_connected = True
                self.line.connected()
                async for message in client.messages:
                    # a retained frame is of any age
                    if isinstance(message.payload, bytes | bytearray) and not message.retain:
                        yield str(message.topic).split("/")[-2], bytes(message.payload)
        except _Refused as error:
            if not self._was_connected:
                raise _login_wanted(error) from error
            raise

    def _arrival(self, bed: str, payload: bytes) -> Arrival | None:
        try:
            bed_name(bed)
            if len(payload) > MAX_FRAME_BYTES:
                raise MatposeError(f"a message of {len(payload)} bytes", mend="let the sender follow docs/wire.md")
            frame = decode(payload)
        except MatposeError as error:
            self.unreadable += 1
            self.line.note(bed[:64], f"messages that are no frames: {error.problem}")
            return None
        if frame.epoch_s is None and time.monotonic() < self._backlog_until_s:
            return None  # the broker kept it for us, nobody knows since when
        return self._receiver.receive(bed, frame, time.time())


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
        self._poses[bed] = (time.monotonic(), _json(said))
        self._wake.set()

    def event(self, bed: str, said: Mapping[str, Any]) -> None:
        """Something happened: JSON-able, on ``matpose/v1/<bed>/events``."""
        if len(self._events) >= KEPT_MESSAGES:
            self._events.popleft()
            self.dropped += 1
        self._events.append((bed, _json(said)))
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
        except _Refused as error:
            if not self._was_connected:
                raise _login_wanted(error) from error
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


def _login_wanted(error: _Refused) -> MatposeError:
    return MatposeError(
        str(error), mend="give mqtt://USER:PASSWORD@HOST/, or set MATPOSE_MQTT_USER and MATPOSE_MQTT_PASSWORD"
    )


async def _until_cut(client: Client) -> None:
    async for _ in client.messages:  # there are none: it ends with the line, by raising
        pass


def _json(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":"), allow_nan=False).encode()
