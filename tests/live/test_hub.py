"""The hub: newest states, events, signals; and a client that does not read."""

from __future__ import annotations

import asyncio
import json

import pytest
from bed_fakes import MAT, moment

from matpose.live.freshness import LONGEST_S, Freshness
from matpose.live.hub import HEARTBEAT_S, KEPT_EVENTS, Hub
from matpose.live.models import BedState
from matpose.live.state import BedFacts, live_fields, picture_of, silent_fields, thumbnail
from matpose.monitor.moment import Event


class Clock:
    def __init__(self) -> None:
        self.now_s = 500.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def hub(clock, heard) -> Hub:
    hub = Hub(clock=clock, heard=lambda bed, event: heard.append((bed, event.kind)))
    for bed in ("a", "b"):
        hub.know(BedFacts(bed, MAT, "kPa", 2.0))
    return hub


def waiting(subscriber) -> list[dict]:
    """All messages that a client would get now."""

    told = []
    while (text := subscriber.take()) is not None:
        told.append(json.loads(text))
    return told


def state(hub: Hub, bed: str = "a", *, full: bool = True) -> dict:
    told = json.loads(hub.text(bed, full=full))
    BedState.model_validate(told)  # the documentation speaks of the same fields
    return told


class TestState:
    def test_one_bed_has_pressure_and_joints(self, hub, clock):
        hub.publish("a", moment(level=2.0), clock())
        clock.now_s += 0.5
        told = state(hub)
        assert told["signal"] == "live"
        assert told["age_s"] == 0.5
        assert told["pressure"]["full_scale"] == 2.0
        by_name = {joint["name"]: joint for joint in told["keypoints"]}
        assert by_name["left_hip"]["x_m"] == 0.4
        assert by_name["left_wrist"]["x_m"] is None
        assert told["posture"] == {"label": "supine", "since_s": 940.0, "totals_s": {"supine": 60.0}}
        assert told["heels_off"] == {"left": True, "right": None}
        assert told["turn"]["interval_h"] == 2.0
        assert len(told["parts"]) == 21

    def test_a_tile_has_a_thumbnail_instead(self, hub, clock):
        hub.publish("a", moment(), clock())
        told = state(hub, full=False)
        assert "pressure" not in told
        assert "keypoints" not in told
        assert (told["thumb"]["rows"], told["thumb"]["cols"]) == (32, 16)

    def test_a_bed_without_frames_has_no_signal(self, hub):
        told = state(hub)
        assert told["signal"] == "none"
        assert told["age_s"] is None
        assert told["epoch_s"] is None

    def test_no_signal_leaves_nothing_of_how_somebody_lies(self, hub, clock):
        hub.publish("a", moment(), clock())
        clock.now_s += 5.1
        told = state(hub)
        assert told["signal"] == "none"
        assert not {"pressure", "thumb", "keypoints", "posture"} & set(told)
        assert told["occupancy"] == "unknown"
        assert told["parts"] == []
        assert told["heels_off"] == {"left": None, "right": None}
        assert told["turn"]["last_s"] == 940.0
        assert told["age_s"] == 5.1

    def test_numbers_that_are_none_become_null(self, hub, clock):
        from dataclasses import replace

        hub.publish("a", replace(moment(), movement=float("nan")), clock())
        assert state(hub)["movement"] is None

    def test_pictures_hide_no_load_and_invent_none(self):
        import base64

        import numpy as np

        cells = np.array([[0, np.nan, 3.0], [-1.0, 1.5, 3.0]], np.float32)
        picture = picture_of(cells)
        assert list(base64.b64decode(picture["data"])) == [0, 0, 255, 0, 128, 255]
        small = thumbnail(np.arange(65 * 33, dtype=np.float32).reshape(65, 33))
        assert small.shape == (22, 11)
        assert small[0, 0] == pytest.approx(34.0)  # rows 0..2, columns 0..2
        assert small[-1, -1] == pytest.approx((63 * 33 + 64 * 33) / 2 + 31.0)

    def test_fields_are_those_of_the_documentation(self):
        facts = BedFacts("a", MAT, "raw", 2.0)
        for fields in (live_fields(facts, moment(), full=True), live_fields(facts, moment(), full=False)):
            BedState.model_validate({**fields, "age_s": 0.0})
        BedState.model_validate({**silent_fields(facts, None), "age_s": None})


class TestTelling:
    def test_a_new_client_is_told_all_beds_at_once(self, hub, clock):
        hub.publish("a", moment(), clock())
        assert [told["bed"] for told in waiting(hub.subscribe())] == ["a", "b"]
        assert [told["bed"] for told in waiting(hub.subscribe("b"))] == ["b"]

    def test_a_slow_client_gets_the_newest_alone(self, hub, clock):
        client = hub.subscribe("a")
        waiting(client)
        for second in range(1000):
            clock.now_s += 1.0
            hub.publish("a", moment(1000.0 + second), clock())
        assert [told["epoch_s"] for told in waiting(client)] == [1999.0]

    def test_what_a_slow_client_gets_has_the_age_of_that_instant(self, hub, clock):
        client = hub.subscribe("a")
        hub.publish("a", moment(), clock())
        clock.now_s += 4.0
        assert [told["age_s"] for told in waiting(client)] == [4.0]
        hub.publish("a", moment(1010.0), clock())
        clock.now_s += 6.0
        assert [told["signal"] for told in waiting(client)] == ["none"]

    def test_old_events_give_way(self, hub, clock):
        client = hub.subscribe("a")
        waiting(client)
        for number in range(KEPT_EVENTS + 50):
            hub.tell_event("a", Event(float(number), "turn", {"posture": "left"}))
        events = [told["event"] for told in waiting(client)]
        assert [event["epoch_s"] for event in events] == [float(n) for n in range(50, KEPT_EVENTS + 50)]
        assert events[0] == {"bed": "a", "epoch_s": 50.0, "kind": "turn", "detail": {"posture": "left"}}

    def test_a_client_of_one_bed_hears_of_no_other(self, hub, clock):
        client = hub.subscribe("b")
        waiting(client)
        hub.publish("a", moment(events=(Event(1000.0, "turn"),)), clock())
        assert waiting(client) == []

    def test_a_fast_mat_is_told_once_a_second_and_its_last_frame_too(self, hub, clock):
        client = hub.subscribe("a")
        waiting(client)
        epochs = []
        for tenth in range(50):
            hub.publish("a", moment(1000.0 + tenth / 10), clock())
            hub.tick()
            epochs += [told["epoch_s"] for told in waiting(client)]
            clock.now_s += 0.1
        assert len(epochs) == 5
        clock.now_s += 0.9
        hub.tick()
        assert [told["epoch_s"] for told in waiting(client)] == [1004.9]

    def test_a_bed_without_news_is_told_so(self, hub, clock):
        client = hub.subscribe("b")
        waiting(client)
        hub.tick()
        waiting(client)
        clock.now_s += HEARTBEAT_S
        hub.tick()
        assert [told["bed"] for told in waiting(client)] == ["b"]

    def test_whoever_leaves_is_let_go(self, hub):
        client = hub.subscribe()
        hub.close()
        assert asyncio.run(client.next()) is None
        assert hub.listeners == 0

    def test_an_unknown_bed_cannot_be_listened_to(self, hub):
        with pytest.raises(KeyError):
            hub.subscribe("z")


class TestSignal:
    def test_its_loss_and_return_are_told_once(self, hub, clock, heard):
        hub.publish("a", moment(), clock())
        client = hub.subscribe("a")
        waiting(client)
        for _ in range(40):
            clock.now_s += 0.25
            hub.tick()
        assert sorted(heard) == [("a", "no_signal"), ("b", "no_signal")]
        told = waiting(client)
        assert told[0]["event"]["kind"] == "no_signal"
        assert told[0]["event"]["epoch_s"] == pytest.approx(1005.25)
        assert told[-1]["signal"] == "none"
        hub.publish("a", moment(1010.0), clock())
        assert heard[-1] == ("a", "signal")
        told = waiting(client)
        assert [one.get("signal") or one["event"]["kind"] for one in told] == ["signal", "live"]

    def test_no_alarm_before_the_first_frame_may_have_come(self, hub, clock, heard):
        clock.now_s += 4.9
        hub.tick()
        assert heard == []
        clock.now_s += 0.2
        hub.tick()
        assert heard == [("a", "no_signal"), ("b", "no_signal")]

    def test_a_slow_mat_has_time_but_not_for_ever(self):
        slow = Freshness(5.0)
        for turn in range(6):
            slow.came(8.0 * turn, 8.0 * turn)
        assert slow.limit_s == 24.0
        for turn in range(12):
            slow.came(48.0 + 20.0 * turn, 48.0 + 20.0 * turn)
        assert slow.limit_s == LONGEST_S

    def test_breaks_do_not_make_a_bed_slow(self):
        fresh = Freshness(5.0)
        now_s = 0.0
        for _ in range(9):
            now_s += 1.0
            fresh.came(now_s, now_s)
            now_s += 200.0
            fresh.came(now_s, now_s)
        assert fresh.limit_s == 5.0

    def test_what_a_line_had_kept_is_no_signal(self):
        fresh = Freshness(5.0)
        for second in range(10):
            fresh.came(100.0 + second, 7000.0 + second)
        for second in range(10, 69):  # a minute's frames come at once, when the line is back
            fresh.came(170.0, 7000.0 + second)
            assert fresh.lost(170.0) == (second <= 64), second
        fresh.came(171.0, 7071.0)
        assert not fresh.lost(171.0)

    def test_a_slow_clock_is_no_late_frame(self):
        fresh = Freshness(5.0)
        for second in range(100_000):
            fresh.came(float(second), second * 0.999)
        assert not fresh.lost(99_999.0)

    def test_a_clock_set_back_is_no_late_frame(self):
        fresh = Freshness(5.0)
        fresh.came(0.0, 5000.0)
        fresh.came(1.0, 1400.0)
        assert not fresh.lost(1.0)
        fresh.came(2.0, 1300.0, new_clock=True)
        assert not fresh.lost(2.0)
