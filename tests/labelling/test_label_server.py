"""The server over real HTTP: who is let in, what it saves, and how it refuses."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import numpy as np
import pytest
from made_maps import made_map, session

from matpose.errors import MatposeError
from matpose.labelling.marks import read_marks
from matpose.labelling.server import LabelServer

HIP = {"x_m": 0.48, "y_m": 0.93, "visibility": 2}


@pytest.fixture
def server(tmp_path) -> Iterator[LabelServer]:
    with LabelServer(session(tmp_path)) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _ask(server: LabelServer, path: str, method: str = "GET", body: Any = None, **headers: str):
    """(status, body, headers); paths without a leading slash stand behind the token."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        sent = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        whole = path if path.startswith("/") else f"/{server.token}/{path}"
        connection.request(method, whole, sent, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def test_it_listens_on_this_machine_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.port}/{server.token}/"
    assert len(server.token) >= 32


@pytest.mark.parametrize("path", ["", "page.css", "page.js", "view.js"])
def test_the_page_is_its_own(server, path):
    status, body, headers = _ask(server, path)
    assert status == 200
    assert body
    assert b"http://" not in body
    assert b"https://" not in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/api/session", "/x/api/session", "//api/session", "/%00/", "*"])
def test_nothing_without_the_token(server, path):
    status, body, _ = _ask(server, path if path != "*" else "/*")
    assert status == 403
    assert b"whole address" in body


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:80", "", "[::1]"])
def test_a_foreign_host_is_refused(server, host):
    assert _ask(server, "api/session", Host=host)[0] == 403
    assert _ask(server, "api/maps/0", "PATCH", {"left_hip": HIP}, Host=host)[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", ""])
def test_a_foreign_origin_is_refused(server, tmp_path, origin):
    assert _ask(server, "api/maps/0", "PATCH", {"left_hip": HIP}, Origin=origin)[0] == 403
    assert read_marks(tmp_path / "m.csv") == []


def test_its_own_names_are_let_in(server):
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{server.port}"
        assert _ask(server, "api/session", Host=host, Origin=f"http://{host}")[0] == 200


def test_no_paths_of_files_and_no_other_annotator(server, tmp_path):
    server.session.change(0, {"left_hip": HIP})
    with LabelServer(session(tmp_path, "ben")) as other:
        thread = Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        said = _ask(other, "api/session")[1] + _ask(other, "api/maps/0")[1]
        other.shutdown()
        thread.join()
    assert b"anna" not in said
    assert str(tmp_path).encode() not in said
    assert json.loads(_ask(server, "api/maps/0")[1])["marks"] == {"left_hip": HIP}
    for path in ("../m.csv", "api/maps/../m.csv", "marks.py", "m.csv", "server.py", "page.html", "%2e%2e/m.csv"):
        assert _ask(server, path)[0] == 404


def test_the_map_is_given_as_it_is(server):
    facts = json.loads(_ask(server, "api/maps/1")[1])
    cells = np.frombuffer(_ask(server, "api/maps/1/cells")[1], "<f4").reshape(facts["rows"], facts["cols"])
    assert np.array_equal(cells, made_map().cells, equal_nan=True)
    assert (facts["recording"], facts["frame"], facts["posture"]) == ("i/S3/15", 7, "left")
    assert facts["height_m"] == pytest.approx(64 * 0.0278)
    said = json.loads(_ask(server, "api/session")[1])
    assert [each["recording"] for each in said["maps"]] == ["i/S3/14", "i/S3/15"]
    assert len(said["points"]) == 26
    assert len(said["pressure_rgb"]) == 256


def test_changes_are_saved_and_removed(server, tmp_path):
    assert _ask(server, "api/maps/1", "PATCH", {"left_hip": HIP, "contact:sacrum": HIP})[0] == 200
    found = read_marks(tmp_path / "m.csv")
    assert [(mark.recording, mark.frame, mark.annotator, mark.name) for mark in found] == [
        ("i/S3/15", 7, "anna", "left_hip"),
        ("i/S3/15", 7, "anna", "contact:sacrum"),
    ]
    assert _ask(server, "api/maps/1", "PATCH", {"left_hip": None})[0] == 200
    assert [mark.name for mark in read_marks(tmp_path / "m.csv")] == ["contact:sacrum"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"), (b"{", "JSON"), (b"\xff", "JSON"), (b"[" * 60_000, "JSON"), (b"[]", "object"),
        (b'{"hip": null, "left_hip": 3}', "left_hip"), (b'{"hip": {"x_m": 0, "y_m": 0, "visibility": 2}}', "'hip'"),
        (b'{"left_hip": {"x_m": NaN, "y_m": 0, "visibility": 2}}', "beyond"),
        (b'{"left_hip": {"x_m": 0, "y_m": 9, "visibility": 2}}', "beyond"), (b" " * 70_000, "length"),
    ],
)  # fmt: skip
def test_a_wrong_payload_is_400_in_plain_words(server, tmp_path, body, word):
    status, said, _ = _ask(server, "api/maps/0", "PATCH", body)
    assert status == 400
    assert word in json.loads(said)["error"]
    assert read_marks(tmp_path / "m.csv") == []


@pytest.mark.parametrize("number", ["2", "-1", "x", "1e0", "٣", "9" * 30, "", "0/cell"])
def test_a_map_that_is_not_there(server, number):
    from urllib.parse import quote

    assert _ask(server, f"api/maps/{quote(number)}")[0] == 404
    assert _ask(server, f"api/maps/{quote(number)}", "PATCH", {"left_hip": HIP})[0] == 404


def test_a_body_without_its_length_and_other_verbs(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(f"PATCH /{server.token}/api/maps/0 HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        assert b" 400 " in line.recv(200)
    assert _ask(server, "api/maps/0", "POST", {"left_hip": HIP})[0] == 501
    assert _ask(server, "api/session", "PATCH", {})[0] == 404


def test_a_file_in_trouble_is_500_in_plain_words_and_the_next_save_works(server, tmp_path):
    path = tmp_path / "m.csv"
    kept = path.read_bytes()
    path.write_text("notes\n")
    status, said, _ = _ask(server, "api/maps/0", "PATCH", {"left_hip": HIP})
    assert status == 500
    assert "headed" in json.loads(said)["error"]
    path.write_bytes(kept)
    assert _ask(server, "api/maps/0", "PATCH", {"left_hip": HIP})[0] == 200


def test_nothing_is_logged_and_a_hung_up_browser_is_no_error(server, capfd):
    _ask(server, "api/session")
    line = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    line.sendall(f"GET /{server.token}/api/session HTTP/1.0\r\n".encode())
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, not a polite end
    line.close()
    assert _ask(server, "api/session")[0] == 200
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_taken_port_is_said(server):
    with pytest.raises(MatposeError, match="another --port"):
        LabelServer(server.session, server.port)
