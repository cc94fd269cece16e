"""The MQTT broker that beds and listeners share: its topics, how to connect to it, and what it says when it refuses.

Topics: ``matpose/v1/<bed>/frames`` (in; one frame of ``docs/wire.md`` a message), ``matpose/v1/<bed>/pose`` and
``matpose/v1/<bed>/events`` (out; JSON), ``matpose/v1/<service>/status`` (out; JSON, retained, ours also as last will).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matpose.errors import MatposeError
from matpose.live.receiver import bed_name
from matpose.live.reconnect import LineCut

if TYPE_CHECKING:
    from aiomqtt import Client

ROOT = "matpose/v1"
KEPT_MESSAGES = 1024
"""So many wait in memory, for us or for the broker."""
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
            LoginRefused: the broker does not let us in.
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
            will=Will(self.status_topic, json_payload({"state": "offline"}), qos=1, retain=True) if announce else None,
            max_queued_incoming_messages=KEPT_MESSAGES,
            tls_context=ssl.create_default_context() if self.tls else None,
        )  # fmt: skip
        try:
            async with client:
                if announce:
                    await client.publish(self.status_topic, json_payload({"state": "online"}), qos=1, retain=True)
                try:
                    yield client
                finally:
                    if announce:  # a farewell in order does not set off the will
                        with suppress(MqttError):
                            await client.publish(
                                self.status_topic, json_payload({"state": "offline"}), qos=1, retain=True, timeout=1.0
                            )
        except MqttError as error:
            if isinstance(error, MqttCodeError) and getattr(error.rc, "value", None) in REFUSED_LOGIN:
                raise LoginRefused("the broker does not let us in: wrong user or password") from error
            raise LineCut("the broker is not to be reached") from error


class LoginRefused(LineCut):
    """The broker knows neither user nor password."""


def login_wanted(error: LoginRefused) -> MatposeError:
    """What to tell a user whom the broker has never let in.

    Args:
        error: of :meth:`Broker.connected`.
    """
    return MatposeError(
        str(error), mend="give mqtt://USER:PASSWORD@HOST/, or set MATPOSE_MQTT_USER and MATPOSE_MQTT_PASSWORD"
    )


def json_payload(said: Mapping[str, Any]) -> bytes:
    """A message's bytes, of compact JSON.

    Raises:
        ValueError: a number is not finite.

    Example:
        >>> json_payload({"state": "online"})
        b'{"state":"online"}'
    """
    return json.dumps(said, separators=(",", ":"), allow_nan=False).encode()
