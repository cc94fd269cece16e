"""Who may look, from where, and how much they may ask: over HTTP, in this process."""

from __future__ import annotations

import stat

import pytest
from bed_fakes import MAT, TOKEN, moment, watch_for
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from matpose.errors import MatposeError
from matpose.live.access import Access, check_host_names, readable_by_others, token_of
from matpose.live.limits import BODY_BYTES, CLIENTS, Buckets
from matpose.live.server import make_app
from matpose.live.service import Service
from matpose.live.state import BedFacts

PORT = 8765
BASE = f"http://127.0.0.1:{PORT}"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def client_of(*, allowed: tuple[str, ...] = (), base: str = BASE, buckets: Buckets | None = None) -> TestClient:
    service = Service([], watch_for)
    service.hub.know(BedFacts("a", MAT, "kPa", 2.0))
    service.hub.publish("a", moment(), service.hub.clock())
    app = make_app(service, Access(TOKEN, "127.0.0.1", PORT, allowed), buckets=buckets)
    return TestClient(app, base_url=base, follow_redirects=False)


@pytest.fixture
def client() -> TestClient:
    return client_of()


class TestToken:
    @pytest.mark.parametrize("path", ["/", "/v1/beds", "/v1/beds/a", "/v1/openapi.json", "/metrics", "/static/page.js"])
    def test_nothing_is_told_without_it(self, client, path):
        wrong = ("wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "")
        for headers in ({}, *({"Authorization": f"Bearer {each}"} for each in wrong), {"Authorization": TOKEN}):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401, (path, headers)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "supine" not in answer.text
        assert client.get(path, params={"tok": TOKEN}).status_code == 401

    def test_health_needs_none_and_tells_of_nobody(self, client):
        answer = client.get("/healthz")
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok", "store": "none", "sources": "ok", "frames": "ok", "beds": 1, "beds_without_signal": 0,
        }  # fmt: skip

    def test_a_bearer_comes_in(self, client):
        assert client.get("/v1/beds", headers=BEARER).json()[0]["bed"] == "a"

    def test_the_address_gives_a_cookie_and_is_left(self, client):
        answer = client.get("/", params={"token": TOKEN})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Secure" not in cookie
        assert client.get("/v1/beds").status_code == 200  # the cookie is in the client's jar
        client.cookies.clear()
        assert client.get("/v1/beds").status_code == 401

    def test_behind_tls_the_cookie_is_for_tls_alone(self):
        client = client_of(allowed=("ward.example",), base="https://ward.example")
        assert "; Secure" in client.get("/", params={"token": TOKEN}).headers["set-cookie"]

    @pytest.mark.parametrize("query", [{"token": TOKEN[:-1]}, {"token": ""}, {"token": [TOKEN, TOKEN]}])
    def test_a_wrong_address_gives_none(self, client, query):
        answer = client.get("/", params=query)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers

    def test_the_token_in_another_address_is_worth_nothing(self, client):
        assert client.get("/v1/beds", params={"token": TOKEN}).status_code == 401

    def test_sockets_need_it_too(self, client):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/live"):
            pass
        with client.websocket_connect("/v1/live?bed=a", headers={**BEARER, "Host": f"127.0.0.1:{PORT}"}) as socket:
            assert socket.receive_json()["signal"] == "live"

    def test_a_file_is_made_for_its_owner_alone_and_read_again(self, tmp_path):
        path = tmp_path / "secrets" / "token"
        token = token_of(path)
        assert len(token) == 32
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert token_of(path) == token
        assert not readable_by_others(path)
        path.chmod(0o644)
        assert readable_by_others(path)

    @pytest.mark.parametrize("text", ["", "short", "a" * 21, "with space and more of it", "é" * 30, "x" * 300])
    def test_a_file_without_a_token_is_refused(self, tmp_path, text):
        path = tmp_path / "token"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(MatposeError, match="no token"):
            token_of(path)


class TestNames:
    @pytest.mark.parametrize(
        "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"127.0.0.1.evil.example:{PORT}",
                 f"127.0.0.1:{PORT}@evil.example", "", f"192.168.1.5:{PORT}"],
    )  # fmt: skip
    def test_another_name_is_refused(self, client, host):
        answer = client.get("/v1/beds", headers={**BEARER, "Host": host})
        assert answer.status_code == 403
        assert client.get("/healthz", headers={"Host": host}).status_code == 403

    @pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
    def test_its_own_are_not(self, client, host):
        assert client.get("/v1/beds", headers={**BEARER, "Host": host}).status_code == 200

    def test_names_may_be_added(self):
        client = client_of(allowed=("ward.example", "tls.example:8443"))
        for host, status in (
            ("ward.example", 200), ("ward.example:9000", 200), ("tls.example:8443", 200), ("tls.example", 403),
        ):  # fmt: skip
            assert client.get("/v1/beds", headers={**BEARER, "Host": host}).status_code == status, host

    def test_the_address_at_which_it_was_reached_is_its_own(self):
        everywhere = Access(TOKEN, "0.0.0.0", PORT)
        assert everywhere.knows_host(f"192.168.1.5:{PORT}", "192.168.1.5")
        assert not everywhere.knows_host(f"192.168.1.6:{PORT}", "192.168.1.5")
        assert not everywhere.knows_host(f"ward.example:{PORT}", "ward.example")
        assert Access(TOKEN, "::", PORT).knows_host(f"[fe80::1]:{PORT}", "fe80::1")
        assert Access(TOKEN, "ward.local", 80).knows_host("ward.local", "10.0.0.1")

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", f"http://127.0.0.1:{PORT + 1}", "file://"])
    def test_foreign_pages_are_refused(self, client, origin):
        headers = {**BEARER, "Origin": origin, "Host": f"127.0.0.1:{PORT}"}
        assert client.get("/v1/beds", headers=headers).status_code == 403
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/live", headers=headers):
            pass

    def test_its_own_page_is_not(self, client):
        headers = {**BEARER, "Origin": BASE, "Host": f"127.0.0.1:{PORT}"}
        assert client.get("/v1/beds", headers=headers).status_code == 200
        with client.websocket_connect("/v1/live", headers=headers) as socket:
            assert socket.receive_json()["bed"] == "a"

    def test_no_name_at_all_is_told_to_the_user(self):
        with pytest.raises(MatposeError, match="no name of a host"):
            check_host_names(["http://ward.example/"])


class TestLimits:
    def test_nobody_has_much_to_send(self, client):
        assert client.post("/v1/beds", headers=BEARER, content=b"x" * (BODY_BYTES + 1)).status_code == 413
        assert client.post("/v1/beds", headers=BEARER, content=b"x").status_code == 405
        assert client.post("/v1/beds", headers=BEARER, content=iter([b"x" * 10] * 1000)).status_code == 411

    def test_long_headers_and_addresses_are_refused(self, client):
        assert client.get("/healthz", headers={"X-Long": "x" * 17_000}).status_code == 431
        assert client.get("/healthz", params={"x": "x" * 3_000}).status_code == 414

    def test_a_client_that_asks_too_often_waits_and_no_other(self):
        now = [0.0]
        client = client_of(buckets=Buckets(10.0, 5.0, clock=lambda: now[0]))
        assert [client.get("/healthz").status_code for _ in range(7)] == [200] * 5 + [429] * 2
        assert client.get("/healthz").headers["retry-after"] == "2"
        now[0] = 0.25
        assert [client.get("/healthz").status_code for _ in range(3)] == [200, 200, 429]

    def test_whoever_asks_is_forgotten_in_time(self):
        buckets = Buckets()
        for number in range(CLIENTS + 100):
            buckets.admits(str(number))
        assert len(buckets._left) == CLIENTS


class TestHeaders:
    @pytest.mark.parametrize("path", ["/healthz", "/v1/beds", "/nothing", "/v1/openapi.json"])
    def test_every_answer_is_safe(self, client, path):
        for headers in ({}, BEARER):
            answer = client.get(path, headers=headers)
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cache-control"] == "no-store"

    def test_there_are_no_pages_of_other_hosts(self, client):
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert client.get(path, headers=BEARER).status_code == 404
