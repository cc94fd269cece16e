"""Many beds over one MQTT broker: the frames that they send."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import uuid4

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival
from matpose.live.inbox import Inbox, through_inbox
from matpose.live.mqtt_broker import ROOT, Broker, LoginRefused, login_wanted
from matpose.live.receiver import Receiver, bed_name
from matpose.live.reconnect import Backoff, Line, keep_open
from matpose.live.wire import MAX_FRAME_BYTES, decode
from matpose.mat import Mat

SESSION_S = 300
"""So long the broker keeps frames for us while we are away."""
BACKLOG_S = 2.0
"""So long after the line is back, frames without a time may be old ones, and are left out."""


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
        except LoginRefused as error:
            if not self._was_connected:
                raise login_wanted(error) from error
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
