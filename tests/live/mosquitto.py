"""A real mosquitto on a free port, for the tests of what speaks MQTT."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from listening import LIMIT_S, until

from matpose.live.mqtt_broker import Broker

aiomqtt = pytest.importorskip("aiomqtt", reason="MQTT needs aiomqtt, of the extra live")
PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="there is no mosquitto here")


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

    def __enter__(self) -> Mosquitto:
        return self

    def __exit__(self, *_) -> None:
        self.stop()


async def statuses(mosquitto: Mosquitto, script: Callable[[], Awaitable[None]]) -> list[str]:
    """What the status of the service ward-3 was while the script ran."""
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
