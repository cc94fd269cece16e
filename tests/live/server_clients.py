"""Clients of a server under test: ask it, listen to it, wait for it."""

from __future__ import annotations

import time

import httpx
from bed_fakes import Running
from websockets.sync.client import ClientConnection, connect


def get(ward: Running, path: str, **options) -> httpx.Response:
    return httpx.get(ward.url + path, headers=ward.header, trust_env=False, **options)


def listen(ward: Running, bed: str | None = None, **options) -> ClientConnection:
    address = ward.live if bed is None else f"{ward.live}?bed={bed}"
    return connect(address, additional_headers=ward.header, proxy=None, **options)


def until(what, seconds: float = 5.0) -> None:
    end_s = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.02)


def hear_out(client: ClientConnection) -> None:
    """Until it raises, as it should within seconds."""
    for _ in range(10):
        client.recv(timeout=5)
