"""The live WebSocket of a real server, and clients that do not behave."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from bed_fakes import TOKEN, Running, running, steady, watch_for
from server_clients import hear_out, listen, until
from websockets.exceptions import ConnectionClosed, InvalidStatus

from matpose.live import websocket
from matpose.live.service import Service


@pytest.fixture(scope="module")
def ward() -> Iterator[Running]:
    """Two beds, ten frames a second."""
    with running(lambda: Service([steady("a", "b")], watch_for)) as running_server:
        yield running_server


def test_a_bed_is_told_once_a_second(ward):
    with listen(ward, "a") as client:
        told = [json.loads(client.recv(timeout=3)) for _ in range(4)]
        for one in told[1:]:
            assert one["signal"] == "live"
            assert one["age_s"] < 0.5
            assert "pressure" in one
        steps_s = [after["epoch_s"] - before["epoch_s"] for before, after in pairwise(told[1:])]
        assert all(0.8 < step_s < 1.5 for step_s in steps_s), steps_s


def test_all_beds_come_as_tiles(ward):
    with listen(ward) as client:
        told = [json.loads(client.recv(timeout=3)) for _ in range(6)]
    assert {one["bed"] for one in told} == {"a", "b"}
    assert all("thumb" in one and "pressure" not in one and "keypoints" not in one for one in told)


def test_a_bed_that_is_none_is_refused(ward):
    with pytest.raises(InvalidStatus) as refused:
        listen(ward, "z")
    assert refused.value.response.status_code == 404


def test_a_client_that_never_reads_delays_nobody_and_is_cut(monkeypatch):
    monkeypatch.setattr(websocket, "SEND_S", 1.0)
    loud = [f"bed-{number}" for number in range(60)]  # a message of some 5 kB each second and bed
    with running(lambda: Service([steady(*loud, rate_hz=3.0)], watch_for)) as ward:
        deaf = socket.create_connection(("127.0.0.1", ward.port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(
            f"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{ward.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        until(lambda: ward.service.hub.listeners == 1)
        with listen(ward, "bed-7") as client:
            begun_s = time.monotonic()
            while time.monotonic() - begun_s < 5.0 and not ward.service.metrics.cut:
                asked_s = time.monotonic()
                told = json.loads(client.recv(timeout=2))
                assert time.monotonic() - asked_s < 1.5
                assert told["signal"] == "none" or told["age_s"] < 1.0
            assert ward.service.metrics.cut == 1
            assert ward.service.hub.listeners == 1
        deaf.settimeout(3)
        waited = b""
        with contextlib.suppress(ConnectionResetError):
            while more := deaf.recv(1 << 20):
                waited += more
        deaf.close()
        assert len(waited) < 2_000_000, "what waited for it is dropped"


def test_too_many_sockets_are_refused_and_the_others_go_on(ward, monkeypatch):
    monkeypatch.setattr(websocket, "MOST_SOCKETS", 5)
    until(lambda: ward.service.hub.listeners == 0)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(listen(ward, "a")) for _ in range(5)]
        for _ in range(3):
            with pytest.raises(InvalidStatus) as refused:
                listen(ward, "a")
            assert refused.value.response.status_code == 503
        for client in clients:
            assert json.loads(client.recv(timeout=2))["bed"] == "a"
    until(lambda: ward.service.hub.listeners == 0)
    with listen(ward, "a"):
        pass


def test_whoever_talks_is_sent_away(ward):
    with listen(ward, "a") as client:
        client.send("hello")
        client.recv(timeout=3)
        with contextlib.suppress(ConnectionClosed):
            for _ in range(200):
                client.send("more")
                time.sleep(0.001)
        with pytest.raises(ConnectionClosed) as closed:
            hear_out(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    with listen(ward, "a") as client:
        client.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as closed:
            hear_out(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_events_come_between():
    with running(lambda: Service([steady("a", level=7.0)], watch_for)) as ward, listen(ward, "a") as client:
        told = [json.loads(client.recv(timeout=3)) for _ in range(5)]
    events = [one["event"] for one in told if "event" in one]
    assert events
    assert events[0] == {"bed": "a", "epoch_s": events[0]["epoch_s"], "kind": "turn", "detail": {"posture": "left"}}
