"""What a real server answers of the beds it watches, of their past and of itself."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from bed_fakes import Running, running, steady, watch_for
from server_clients import get, until

from matpose.errors import MatposeError
from matpose.live.journal import Journal
from matpose.live.models import BedState
from matpose.live.service import Service
from matpose.monitor.store import Store


@pytest.fixture(scope="module")
def ward() -> Iterator[Running]:
    """Two beds, ten frames a second."""
    with running(lambda: Service([steady("a", "b")], watch_for)) as running_server:
        yield running_server


def test_the_api_answers_as_documented(ward):
    until(lambda: get(ward, "/v1/beds/a").json()["signal"] == "live")
    for told in (get(ward, "/v1/beds").json()[0], get(ward, "/v1/beds/a").json()):
        BedState.model_validate(told)
    assert get(ward, "/v1/beds/z").status_code == 404
    paths = get(ward, "/v1/openapi.json").json()["paths"]
    assert {"/healthz", "/metrics", "/v1/beds", "/v1/beds/{bed}", "/v1/beds/{bed}/doses"} <= set(paths)
    shown = paths["/v1/beds/{bed}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shown["$ref"].endswith("/BedState")


def test_figures_for_prometheus(ward):
    until(lambda: ward.service.metrics.frames["a"] > 3)
    text = get(ward, "/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values['matpose_frames_total{bed="a"}']) > 3
    assert float(values["matpose_beds"]) == 2
    assert float(values["matpose_beds_without_signal"]) == 0
    assert values['matpose_frame_age_seconds_bucket{le="+Inf"}'] == values["matpose_frame_age_seconds_count"]
    assert float(values["matpose_resident_bytes"]) > 1e7


def test_without_a_store_there_is_no_past(ward):
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
