"""A real server on a real port: too many clients, sources that fall silent, an end in order, and what is logged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from bed_fakes import TOKEN, FakeSource, Running, arrival, given, moment, running, steady, watch_for
from server_clients import get, hear_out, listen, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from matpose.errors import MatposeError
from matpose.live import limits
from matpose.live.journal import Journal
from matpose.live.running import bound
from matpose.live.service import Service
from matpose.monitor.moment import Event
from matpose.monitor.store import Store


@pytest.fixture(scope="module")
def ward() -> Iterator[Running]:
    """Two beds, ten frames a second."""
    with running(lambda: Service([steady("a", "b")], watch_for)) as running_server:
        yield running_server


class TestLimits:
    def test_a_thousand_connections_leave_the_server_standing(self, ward, monkeypatch):
        monkeypatch.setattr(limits, "MOST_CONNECTIONS", 40)
        with listen(ward, "a") as client:
            idle = [socket.create_connection(("127.0.0.1", ward.port)) for _ in range(300)]
            try:
                time.sleep(0.3)
                answered = 0
                for each in idle:
                    each.settimeout(0.001)
                    with contextlib.suppress(TimeoutError, OSError):
                        answered += each.recv(100).startswith(b"HTTP/1.1 503")
                assert answered >= 255
                client.recv(timeout=2)
                assert json.loads(client.recv(timeout=2))["signal"] == "live"
            finally:
                for each in idle:
                    each.close()
        until(lambda: get(ward, "/healthz").status_code == 200)

    def test_a_client_that_says_nothing_is_hung_up(self, monkeypatch):
        monkeypatch.setattr(limits, "REQUEST_S", 0.3)
        with running(lambda: Service([steady("a")], watch_for)) as ward:
            slow = socket.create_connection(("127.0.0.1", ward.port))
            slow.settimeout(3)
            slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
            with contextlib.suppress(ConnectionResetError):
                assert slow.recv(100) == b""
            slow.close()
            with listen(ward, "a") as client:  # a socket may stay
                for _ in range(3):
                    client.recv(timeout=3)


class TestSilence:
    def test_a_source_that_ends_leaves_no_pose_behind(self):
        service = Service([given(arrival(), then=0.0)], watch_for, signal_s=1.0)
        with running(lambda: service) as ward, listen(ward, "a") as client:
            told = [json.loads(client.recv(timeout=3))]
            begun_s = time.monotonic()
            while told[-1].get("signal") != "none" or told[-1]["epoch_s"] is None:
                told.append(json.loads(client.recv(timeout=3)))
            assert time.monotonic() - begun_s < 1.0 + 1.0
            assert "no_signal" in [one["event"]["kind"] for one in told if "event" in one]
            assert not {"pressure", "keypoints", "posture", "thumb"} & set(told[-1])
            assert get(ward, "/v1/beds/a").json()["signal"] == "none"
            assert get(ward, "/v1/beds").json()[0]["signal"] == "none"

    def test_a_watch_that_hangs_is_no_signal_either(self):
        class Hanging:
            def take(self, frame, epoch_s, flags=None):
                if frame[0, 0] == 2:
                    time.sleep(2.0)
                return moment(epoch_s)

        async def give():
            yield arrival(level=1.0)
            await asyncio.sleep(0.2)
            yield arrival(level=2.0)
            await asyncio.sleep(9)

        service = Service([FakeSource(("a",), give)], lambda *_: (Hanging(), 2.0), signal_s=1.0)
        with running(lambda: service) as ward:
            until(lambda: ward.service.metrics.frames["a"] == 1)
            time.sleep(1.3)
            assert get(ward, "/v1/beds/a").json()["signal"] == "none"


class TestEnding:
    def test_clients_are_told_and_sockets_closed(self):
        with running(lambda: Service([steady("a")], watch_for)) as ward, listen(ward, "a") as client:
            client.recv(timeout=3)
            stopping = threading.Thread(target=ward.stop)
            stopping.start()
            with pytest.raises(ConnectionClosed) as closed:
                hear_out(client)
            stopping.join(10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code in (1001, 1012)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", ward.port))

    def test_a_taken_port_is_told_to_the_user(self):
        with bound("127.0.0.1", 0) as first, pytest.raises(MatposeError, match="cannot listen"):
            bound("127.0.0.1", first.getsockname()[1])
        with pytest.raises(MatposeError, match="cannot listen"):
            bound("no.such.host.invalid", 0)

    def test_events_of_the_last_second_are_kept(self, tmp_path):
        path = tmp_path / "night.sqlite"
        source = given(arrival(level=7.0, epoch_s=1e9), then=9.0)
        journal = Journal(Store(path), lambda: Store(path, read_only=True))
        with running(lambda: Service([source], watch_for, journal=journal)) as ward:
            until(lambda: ward.service.metrics.frames["a"] == 1)
        with Store(path, read_only=True) as store:
            assert [event["kind"] for event in store.events("a")] == ["turn"]
            assert store.postures("a")


def test_no_frames_and_no_tokens_in_logs(caplog):
    import logging

    caplog.set_level(logging.DEBUG)
    with running(lambda: Service([given(arrival("a", -1.0), then=9.0)], watch_for)) as ward:
        until(lambda: ward.service.metrics.failed == 1)
        httpx.get(f"{ward.url}/?token={TOKEN}", trust_env=False)
        with contextlib.suppress(InvalidStatus):
            connect(f"{ward.live}?token={TOKEN}", proxy=None)
    ours = [
        record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "websockets.client"))
    ]
    said = "\n".join(record.getMessage() + str(record.exc_text or "") for record in ours)
    assert "could not be watched" in said
    assert TOKEN not in said
    assert "array(" not in said


def test_an_event_knows_its_own_words():
    from matpose.live.words import line_of
    from matpose.monitor.moment import EVENTS

    lines = {kind: line_of("7", Event(0.0, kind)) for kind in EVENTS}
    assert all("_" not in line for line in lines.values()), lines
    assert "NO SIGNAL" in lines["no_signal"]
    assert line_of("7", Event(0.0, "turn", {"posture": "left", "why": "posture"})).endswith(
        "turned: lies on the left side"
    )
