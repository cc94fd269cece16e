from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from listening import run
from mosquitto import Mosquitto, needs_mosquitto, statuses

pytestmark = needs_mosquitto


@pytest.fixture
def mosquitto(tmp_path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as program:
        yield program


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
