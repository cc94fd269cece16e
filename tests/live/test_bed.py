"""Beds, the journal and the service: nothing lost, nothing mixed, nothing stopped."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import nullcontext

import pytest
from bed_fakes import FakeSource, FakeWatch, arrival, given, moment, steady, watch_for

from matpose.errors import MatposeError
from matpose.live import service as service_room
from matpose.live.bed import Bed
from matpose.live.journal import RETRY_S, Journal
from matpose.live.service import Service
from matpose.monitor.moment import Event


class FakeStore:
    def __init__(self, failing: Exception | None = None) -> None:
        self.trouble: str | None = None
        self.failing = failing
        self.kept: list[tuple[str, float]] = []
        self.events: list[str] = []
        self.tries = 0
        self.closed = False

    def add(self, bed, moment, *, frames=False):
        self.tries += 1
        if self.failing:
            raise self.failing
        self.kept.append((bed, moment.epoch_s))
        self.events.extend(event.kind for event in moment.events)

    def close(self):
        self.closed = True


def journal_of(store, **options) -> Journal:
    return Journal(store, lambda: nullcontext(store), **options)


async def finished(service: Service, seconds: float = 5.0) -> None:
    """Run until all that came is published."""
    running = asyncio.create_task(service.run())
    try:
        async with asyncio.timeout(seconds):
            while not sum(service.metrics.frames.values()) + service.metrics.failed and not running.done():
                await asyncio.sleep(0.01)
            await service.drained()
    finally:
        running.cancel()
        (ended,) = await asyncio.gather(running, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


class TestBed:
    def test_it_watches_and_keeps(self):
        store = FakeStore()
        bed = Bed("a", FakeWatch(), journal_of(store))
        taken = bed.take(arrival(epoch_s=5.0))
        assert taken.epoch_s == 5.0
        assert bed.latest is taken
        assert store.kept == [("a", 5.0)]

    def test_a_store_that_fails_does_not_hold_it_up(self):
        store, now = FakeStore(sqlite3.OperationalError("disk is full")), [0.0]
        journal = journal_of(store, clock=lambda: now[0])
        bed = Bed("a", FakeWatch(), journal)
        assert bed.take(arrival(epoch_s=5.0)).epoch_s == 5.0
        assert journal.trouble == "the store failed"
        bed.take(arrival(epoch_s=6.0))
        assert store.tries == 1, "each try may take long: not one a frame"
        store.failing, now[0] = None, RETRY_S
        bed.take(arrival(epoch_s=7.0))
        assert store.kept == [("a", 7.0)]
        assert journal.trouble is None
        assert journal.failures == 2

    def test_a_store_in_trouble_says_so(self):
        store = FakeStore()
        journal = journal_of(store)
        store.trouble = "nothing can be written"
        assert journal.trouble == "nothing can be written"


class TestService:
    def test_every_frame_is_published_in_order(self, monkeypatch):
        seen: list[float] = []
        count = service_room.WAITING * 2 + 7  # more than may wait
        source = given(*(arrival(epoch_s=float(n)) for n in range(count)))
        service = Service([source], watch_for)
        monkeypatch.setattr(service.hub, "publish", lambda bed, moment, came_s: seen.append(moment.epoch_s))
        asyncio.run(finished(service))
        assert seen == [float(n) for n in range(count)]
        assert service.metrics.frames == {"a": count}

    def test_a_frame_on_which_we_fail_takes_nothing_else_down(self, caplog):
        source = given(arrival("a", -1.0), arrival("b"), arrival("a", -1.0), beds=("a", "b"))
        service = Service([source], watch_for)
        asyncio.run(finished(service))
        assert service.metrics.frames == {"b": 1}
        assert service.metrics.failed == 2
        assert service.failing == {"a"}
        assert service.hub.lost("a")
        assert "bed a" in caplog.text

    def test_two_sources_never_share_a_bed(self):
        with pytest.raises(MatposeError, match="two sources have a bed 'a'"):
            Service([steady("a"), steady("b", "a")], watch_for)

    def test_frames_of_another_sources_bed_are_not_taken(self):
        async def give():
            await asyncio.sleep(0.05)
            yield arrival("a", 5.0)
            yield arrival("c", 5.0)

        service = Service([given(arrival("a", 1.0), then=9.0), FakeSource((), give)], watch_for)

        async def until() -> None:
            running = asyncio.create_task(service.run())
            async with asyncio.timeout(5):
                while not service.metrics.frames["c"]:
                    await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(until())
        assert service.metrics.frames["a"] == 1
        assert service.metrics.unwanted == {"bed of another source": 1}

    def test_names_that_are_none_and_too_many_beds_are_not_taken(self, monkeypatch):
        monkeypatch.setattr(service_room, "MOST_BEDS", 2)
        names = ["../etc", "a b", "", "x" * 65, "good", "more", "toomany"]
        service = Service([given(*(arrival(name) for name in names), beds=())], watch_for)
        asyncio.run(finished(service))
        assert set(service.hub.beds) == {"good", "more"}
        assert service.metrics.unwanted == {"no name": 4, "too many beds": 1}

    def test_what_no_waiting_will_mend_ends_it_where_no_source_is_left(self):
        async def give():
            raise MatposeError("no such port", mend="plug it in")
            yield

        with pytest.raises(MatposeError, match="no such port"):
            asyncio.run(finished(Service([FakeSource(("a",), give)], watch_for)))
        service = Service([FakeSource(("a",), give), steady("b")], watch_for)
        asyncio.run(finished(service))
        assert service.metrics.frames["b"] >= 1
        assert service.sources_failing == 1

    def test_a_line_that_is_down_is_known(self):
        from matpose.live.reconnect import Line

        source = given()
        service = Service([source, steady("b")], watch_for)
        assert service.sources_waiting == 0
        source.line = Line()
        source.line.waiting("no answer in time")
        assert service.sources_waiting == 1
        source.line.connected()
        assert service.sources_waiting == 0

    def test_a_source_that_fails_is_begun_again(self, monkeypatch, caplog):
        monkeypatch.setattr(service_room, "RESTART_S", 0.05)
        begun = []

        async def give():
            begun.append(1)
            if len(begun) == 1:
                raise ZeroDivisionError
            yield arrival()
            await asyncio.sleep(9)

        service = Service([FakeSource(("a",), give)], watch_for)
        asyncio.run(finished(service))
        assert service.metrics.frames == {"a": 1}
        assert service.sources_failing == 0
        assert "begun again" in caplog.text

    def test_a_lost_signal_is_kept_and_the_store_closed(self):
        store, heard = FakeStore(), []
        service = Service(
            [given(arrival("a", 7.0, epoch_s=50.0), then=9.0)], watch_for, signal_s=0.2, journal=journal_of(store),
            heard=lambda bed, event: heard.append(event.kind),
        )  # fmt: skip

        async def until() -> None:
            running = asyncio.create_task(service.run())
            async with asyncio.timeout(5):
                while "no_signal" not in store.events:
                    await asyncio.sleep(0.02)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(until())
        assert store.events == ["turn", "no_signal"]
        assert heard == ["turn", "no_signal"]
        assert store.closed

    def test_an_event_of_silence_keeps_its_own_time(self):
        store = FakeStore()
        journal_of(store).note("a", moment(50.0, events=(Event(50.0, "turn"),)), Event(55.0, "no_signal"))
        assert store.events == ["no_signal"], "the moment's own event was kept before"
