"""The page and its files, from a real server on a real port."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from bed_fakes import Running, running, steady, watch_for
from server_clients import get

from matpose.live.service import Service


@pytest.fixture(scope="module")
def ward() -> Iterator[Running]:
    """Two beds, ten frames a second."""
    with running(lambda: Service([steady("a", "b")], watch_for)) as running_server:
        yield running_server


def test_the_page_and_its_files(ward):
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


def test_the_page_asks_nothing_of_other_hosts(ward):
    for name in ("index.html", "page.js", "page.css"):
        text = get(ward, "/" if name == "index.html" else f"/static/{name}").text
        assert "http://" not in text.replace("http://www.w3.org/", "")
        assert "https://" not in text
