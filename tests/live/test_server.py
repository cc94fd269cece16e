"""A real server on a real port: the page, the past, sockets, and clients that do not behave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from bed_fakes import TOKEN, FakeSource, Running, arrival, given, moment, running, steady, watch_for
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from matpose.errors import MatposeError
from matpose.live import limits, server
from matpose.live.journal import Journal
from matpose.live.models import BedState
from matpose.live.running import bound
from matpose.live.service import Service
from matpose.monitor.moment import Event
from matpose.monitor.store import Store


@pytest.fixture(scope="module")
def ward() -> Iterator[Running]:
    """Two beds, ten frames a second."""
    with running(lambda: Service([steady("a", "b")], watch_for)) as running_server:
        yield running_server


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


class TestPages:
    def test_the_api_answers_as_documented(self, ward):
        until(lambda: get(ward, "/v1/beds/a").json()["signal"] == "live")
        for told in (get(ward, "/v1/beds").json()[0], get(ward, "/v1/beds/a").json()):
            BedState.model_validate(told)
        assert get(ward, "/v1/beds/z").status_code == 404
        paths = get(ward, "/v1/openapi.json").json()["paths"]
        assert {"/healthz", "/metrics", "/v1/beds", "/v1/beds/{bed}", "/v1/beds/{bed}/doses"} <= set(paths)
        shown = paths["/v1/beds/{bed}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert shown["$ref"].endswith("/BedState")

    def test_the_page_and_its_files(self, ward):
        page = get(ward, "/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        script = get(ward, "/static/page.js")
        assert script.headers["content-type"].startswith("text/javascript")
        again = httpx.get(
            ward.url + "/static/page.js", headers={**ward.header, "If-None-Match": script.headers["etag"]},
            trust_env=False,
        )  # fmt: skip
        assert again.status_code == 304
        for path in ("/static/", "/static/nothing.js", "/static/../server.py", "/static/%2e%2e/server.py"):
            assert get(ward, path).status_code == 404, path

    def test_the_page_asks_nothing_of_other_hosts(self, ward):
        for name in ("index.html", "page.js", "page.css"):
            text = get(ward, "/" if name == "index.html" else f"/static/{name}").text
            assert "http://" not in text.replace("http://www.w3.org/", "")
            assert "https://" not in text

    def test_figures_for_prometheus(self, ward):
        until(lambda: ward.service.metrics.frames["a"] > 3)
        text = get(ward, "/metrics").text
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        assert float(values['matpose_frames_total{bed="a"}']) > 3
        assert float(values["matpose_beds"]) == 2
        assert float(values["matpose_beds_without_signal"]) == 0
        assert values['matpose_frame_age_seconds_bucket{le="+Inf"}'] == values["matpose_frame_age_seconds_count"]
        assert float(values["matpose_resident_bytes"]) > 1e7

    def test_without_a_store_there_is_no_past(self, ward):
        for what in ("events", "postures", "doses"):
            answer = get(ward, f"/v1/beds/a/{what}")
            assert answer.status_code == 404
            assert "without a store" in answer.json()["error"]


class TestPast:
    @pytest.fixture
    def kept(self, tmp_path) -> Iterator[Running]:
        path = tmp_path / "night.sqlite"
        journal = Journal(Store(path), lambda: Store(path, read_only=True))
        with running(lambda: Service([steady("a", level=7.0)], watch_for, journal=journal)) as ward:
            until(lambda: ward.service.metrics.frames["a"] > 3)
            yield ward

    def test_events_are_told_within_their_bounds(self, kept):
        told = get(kept, "/v1/beds/a/events").json()
        assert {event["kind"] for event in told} == {"turn"}
        last_s = told[-1]["epoch_s"]
        assert len(get(kept, "/v1/beds/a/events?limit=2").json()) == 2
        assert get(kept, f"/v1/beds/a/events?until_s={told[0]['epoch_s']}").json() == []
        assert get(kept, f"/v1/beds/a/events?since_s={last_s}").json()[0]["epoch_s"] == last_s
        assert get(kept, "/v1/beds/a/postures").status_code == 200
        assert get(kept, "/v1/beds/a/doses").status_code == 200

    @pytest.mark.parametrize("query", ["since_s=nan", "since_s=-1", "since_s=x", "until_s=inf", "limit=0", "limit=1e9"])
    def test_nonsense_is_refused(self, kept, query):
        assert get(kept, f"/v1/beds/a/events?{query}").status_code == 422

    def test_a_month_of_doses_is_too_much_at_once(self, kept):
        now_s = time.time()
        assert get(kept, f"/v1/beds/a/doses?since_s={now_s - 3e6}&until_s={now_s}").status_code == 422
        assert get(kept, f"/v1/beds/a/postures?since_s={now_s}&until_s={now_s - 10}").status_code == 422
        assert get(kept, f"/v1/beds/a/doses?since_s={now_s - 3e8}").status_code == 200

    def test_a_store_that_cannot_be_read_tells_no_path(self):
        def broken() -> Store:
            raise MatposeError("no such file", mend="look", path="/secret/place.sqlite")

        class Nothing:
            trouble: str | None = "nothing can be written"

            def add(self, bed, moment, *, frames=False): ...
            def close(self): ...

        service = Service([steady("a")], watch_for, journal=Journal(Nothing(), broken))
        with running(lambda: service) as ward:
            answer = get(ward, "/v1/beds/a/events")
            assert answer.status_code == 503
            assert "secret" not in answer.text
            health = httpx.get(ward.url + "/healthz", trust_env=False).json()
            assert (health["status"], health["store"]) == ("degraded", "failing")
            until(lambda: get(ward, "/v1/beds/a").json()["signal"] == "live")  # the stream goes on


class TestLive:
    def test_a_bed_is_told_once_a_second(self, ward):
        with listen(ward, "a") as client:
            told = [json.loads(client.recv(timeout=3)) for _ in range(4)]
            for one in told[1:]:
                assert one["signal"] == "live"
                assert one["age_s"] < 0.5
                assert "pressure" in one
            steps_s = [after["epoch_s"] - before["epoch_s"] for before, after in pairwise(told[1:])]
            assert all(0.8 < step_s < 1.5 for step_s in steps_s), steps_s

    def test_all_beds_come_as_tiles(self, ward):
        with listen(ward) as client:
            told = [json.loads(client.recv(timeout=3)) for _ in range(6)]
        assert {one["bed"] for one in told} == {"a", "b"}
        assert all("thumb" in one and "pressure" not in one and "keypoints" not in one for one in told)

    def test_a_bed_that_is_none_is_refused(self, ward):
        with pytest.raises(InvalidStatus) as refused:
            listen(ward, "z")
        assert refused.value.response.status_code == 404

    def test_a_client_that_never_reads_delays_nobody_and_is_cut(self, monkeypatch):
        monkeypatch.setattr(server, "SEND_S", 1.0)
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

    def test_too_many_sockets_are_refused_and_the_others_go_on(self, ward, monkeypatch):
        monkeypatch.setattr(server, "MOST_SOCKETS", 5)
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

    def test_whoever_talks_is_sent_away(self, ward):
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

    def test_events_come_between(self):
        with running(lambda: Service([steady("a", level=7.0)], watch_for)) as ward, listen(ward, "a") as client:
            told = [json.loads(client.recv(timeout=3)) for _ in range(5)]
        events = [one["event"] for one in told if "event" in one]
        assert events
        assert events[0] == {"bed": "a", "epoch_s": events[0]["epoch_s"], "kind": "turn", "detail": {"posture": "left"}}


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
