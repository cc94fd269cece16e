from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_night import FRAME, START_S, made_night

from matpose.errors import MatposeError
from matpose.monitor import store as store_module
from matpose.monitor.moment import Event
from matpose.monitor.store import Store
from matpose.recording import PART_NAMES

LEFT = ("left", 150.0, {"left_hip": 40.0, "head": 20.0})
SUPINE = ("supine", 200.0, {"sacrum": 60.0, "head": 30.0})


def sums(store: Store, bed: str = "a") -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for row in store.doses(bed):
        total[row["part"]] += row["mmhg_h"] or 0.0
    return dict(total)


def of(moment) -> dict[str, float]:
    return {name: float(dose) for name, dose in zip(PART_NAMES, moment.dose_mmhg_h, strict=True) if dose}


def test_sums_of_minutes_are_the_monitors_doses_across_restarts(tmp_path):
    path = tmp_path / "night.sqlite"
    watches = [[*made_night([LEFT, SUPINE])], [*made_night([SUPINE, LEFT], start_s=START_S + 400)]]
    for moments in watches:  # two processes, the second in the minute in which the first ended
        with Store(path) as store:
            for moment in moments:
                store.add("a", moment)
    with Store(path) as store:
        first, second = of(watches[0][-1]), of(watches[1][-1])
        assert sums(store) == pytest.approx({name: first[name] + second[name] for name in first})
        minutes = store.minutes("a")
        assert sum(row["seconds"] for row in minutes) == pytest.approx(698)  # all but each first
        assert sum(row["left_s"] for row in minutes) == pytest.approx(299)
        assert max(row["seconds"] for row in minutes) <= 60 + 1e-9
        assert sum(row["frames"] for row in minutes) == 700
        head = [row for row in store.doses("a") if row["part"] == "head"]
        assert sum(row["loaded_s"] for row in head) == pytest.approx(698)
        assert head[0]["peak_mmhg"] == 20
        assert head[0]["mean_mmhg"] == pytest.approx(10)
        assert store.beds()[0]["turn_interval_h"] == 2


def test_one_store_knows_that_a_watch_began_anew():
    moments = [*made_night([LEFT]), *made_night([LEFT], start_s=START_S + 150)]
    with Store(":memory:") as store:
        for moment in moments:
            store.add("a", moment)
        assert sums(store)["left_hip"] == pytest.approx(2 * of(moments[-1])["left_hip"])


def test_frames_two_minutes_apart_fill_every_minute():
    with Store(":memory:") as store:
        for moment in made_night([("left", 1200.0, {"head": 30.0})], step_s=120.0):
            store.add("a", moment)
        later = START_S + 300  # how far apart they lie is known from the third on
        assert [row["minute"] for row in store.minutes("a", since_s=later)][:15] == [later + 60 * n for n in range(15)]
        assert {round(row["mmhg_h"], 9) for row in store.doses("a", since_s=later)} == {0.5}
        assert sums(store)["head"] == pytest.approx(10)


def test_postures_are_spans_and_leave_out_what_nobody_watched():
    script = [LEFT, SUPINE, ("gap", 90.0, {}), SUPINE, ("empty", 30.0, {})]
    with Store(":memory:") as store:
        for moment in made_night(script):
            store.add("a", moment)
        rows = [(row["posture"], row["from_s"] - START_S, row["until_s"] - START_S) for row in store.postures("a")]
        assert rows == [("left", 1, 150), ("supine", 150, 350), ("supine", 441, 640), ("empty", 640, 670)]
        cut = store.postures("a", since_s=START_S + 100, until_s=START_S + 200)
        assert [(row["from_s"] - START_S, row["until_s"] - START_S) for row in cut] == [(100, 150), (150, 200)]
        unturned = [(one.from_s - START_S, one.until_s - START_S) for one in store.spans("a", "unturned")]
        assert unturned == [(0, 150), (150, 640)]  # what the monitor holds over a gap holds here


def test_events_come_in_order_by_bed_kind_time_and_number():
    with Store(":memory:") as store:
        for bed in ("a", "b"):
            for moment in made_night([LEFT, SUPINE, LEFT]):
                store.add(bed, moment)
        assert [event["kind"] for event in store.events("a")] == ["posture", "bed_entry", *["posture", "turn"] * 2]
        turns = store.events(kinds=["turn"], limit=3)
        assert [event["bed"] for event in turns] == ["b", "a", "b"]  # the latest three
        assert turns[-1]["detail"] == {"posture": "left", "from": "supine", "why": "posture"}
        assert [e["epoch_s"] for e in store.events("a", kinds=["turn"], until_s=START_S + 300)] == [START_S + 151]
        assert store.events("nobody") == store.postures("nobody") == store.doses("nobody") == []
        assert store.events("a", kinds=[]) == []


def test_without_a_unit_time_under_load_is_kept_and_dose_is_not():
    with Store(":memory:") as store:
        for moment in made_night([LEFT], unit="raw"):
            store.add("a", moment)
        rows = [row for row in store.doses("a") if row["part"] == "head"]
        assert sum(row["loaded_s"] for row in rows) == pytest.approx(149)
        assert {row["mmhg_h"] for row in rows} == {row["peak_mmhg"] for row in rows} == {None}


def test_a_dose_that_recovers_is_stored_as_it_falls():
    moments = [*made_night([LEFT])]
    assert moments[-1].dose_mmhg_h is not None
    fallen = replace(
        moments[-1],
        epoch_s=moments[-1].epoch_s + 1,
        dose_mmhg_h=moments[-1].dose_mmhg_h / 2,
        posture_s={"left": 151.0},
        events=(),
    )
    with Store(":memory:") as store:
        for moment in (*moments, fallen):
            store.add("a", moment)
        assert sums(store) == pytest.approx(of(fallen))


WRITER = """
import sys
from dataclasses import replace
from made_night import made_night
from matpose.monitor.moment import Event
from matpose.monitor.moment import Event
from matpose.monitor.store import Store
store = Store(sys.argv[1])
for number, moment in enumerate(made_night([("left", 100000.0, {"head": 20.0})])):
    ids = store.add("a", replace(moment, events=(Event(moment.epoch_s, "edge", {"side": "left"}),) * 2))
    print(*ids, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path):
    path = tmp_path / "night.sqlite"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(150)]
    child.send_signal(signal.SIGKILL)
    said += child.stdout.readlines()
    child.wait()
    told = {int(word) for line in said if line.endswith(b"\n") for word in line.split()}
    assert len(told) >= 300
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()
    with Store(path) as store:
        assert told <= {event["id"] for event in store.events("a", limit=None)}
        assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_full_disk_is_told_and_written_once_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "RETRY_S", 0.0)
    moments = [*made_night([LEFT, SUPINE, LEFT])]
    with Store(tmp_path / "night.sqlite") as store:
        store.add("a", moments[0])
        store._db.execute("CREATE TABLE filler (x)")
        store._db.execute("CREATE TABLE more AS SELECT * FROM filler")
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        acknowledged = 0
        for moment in moments[1:]:  # what is left of the last pages fills up on the way
            acknowledged += len(store.add("a", moment))
            store.flush()
            for event in moment.events:
                many = replace(moment, events=(replace(event, detail={"posture": "x" * 900}),) * 10)
                store.add("other", many)
        assert store.trouble is not None
        assert "full" in store.trouble
        assert "wait in memory" in store.trouble
        assert str(tmp_path) not in store.trouble  # it is shown by the server, which names no paths
        assert acknowledged < 4
        assert store.beds()[0]["bed"] == "a"  # reading goes on
        store._db.execute("PRAGMA max_page_count = 1000000")
        assert store.flush()
        assert store.trouble is None
        assert sums(store) == pytest.approx(of(moments[-1]))
        assert [event["kind"] for event in store.events("a")] == ["posture", "bed_entry", *["posture", "turn"] * 2]


def test_what_fails_half_way_leaves_nothing_and_is_written_once(tmp_path, monkeypatch):
    path = tmp_path / "night.sqlite"

    def refuse(*_):
        raise sqlite3.OperationalError("disk I/O error")

    store = Store(path)
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "write_tally", refuse)  # events have been inserted by then
        patch.setattr(store, "_next_s", 0.0)
        patch.setattr(store, "_turn", store_module.TURNS - 1)
        assert store.add("a", next(made_night([LEFT]))) == []
    assert store.trouble == ("nothing can be written: disk I/O error; 2 events and 1 minutes of beds wait in memory")
    with Store(path, read_only=True) as reader:
        assert reader.events() == reader.beds() == []
    assert store.flush()
    assert [event["id"] for event in store.events("a")] == [1, 2]
    store.close()


def test_while_the_disk_refuses_memory_stays_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "WAITING_MINUTES", 5)
    monkeypatch.setattr(store_module, "RETRY_S", 0.0)
    store = Store(tmp_path / "night.sqlite")
    store._db.execute("PRAGMA query_only = 1")  # SQLite refuses every write
    for moment in made_night([("left", 1200.0, {"head": 30.0})], step_s=10.0):
        assert store.add("a", moment) == []
        store.flush()
    assert store.trouble is not None
    assert "readonly" in store.trouble
    assert store.lost > 0
    assert f"{store.lost} were lost" in store.trouble
    assert len(store._tallies["a"].minutes) <= 6
    store._db.execute("PRAGMA query_only = 0")
    assert store.flush()
    assert len(store.events("a")) == 2  # events are not what is forgotten
    store.close()


def test_what_is_old_is_pruned_and_the_file_stays_small(tmp_path):
    path = tmp_path / "night.sqlite"
    day_s, sizes = 86400.0, []
    for day in range(6):
        start_s = START_S + day * day_s
        with Store(path, keep_days=1.5) as store:
            for moment in made_night(
                [("left", 7200.0, dict.fromkeys(PART_NAMES[1:], 30.0))], start_s=start_s, step_s=30
            ):
                store.add("a", moment)
            store.flush()
            removed = store.prune(start_s + 7200)
            assert bool(removed) == (day >= 2)
            first = min(row["minute"] for row in store.minutes("a"))
            assert first >= start_s + 7200 - 1.5 * day_s
            store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(path.stat().st_size)
    assert sizes[1] > 1.3 * sizes[0]
    assert max(sizes[3:]) <= 1.05 * sizes[2]


def test_old_rows_go_by_themselves(tmp_path, monkeypatch):
    with Store(tmp_path / "night.sqlite", keep_days=1) as store:
        for moment in made_night([LEFT], start_s=START_S):  # long ago, by this machine's clock
            store.add("a", moment)
        store.flush()
        assert store.minutes("a")
        monkeypatch.setattr(store, "_next_s", 0.0)
        for moment in made_night([("left", 2.0, {})], start_s=time.time()):
            store.add("a", moment)
        assert all(row["minute"] > START_S + 1e6 for row in store.minutes("a"))
        assert len(store.events("a")) == 2


def test_frames_are_kept_within_their_limit(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.random((200, 32, 16), np.float32)
    limit_mb = 0.1
    with Store(tmp_path / "night.sqlite", frames_mb=limit_mb) as store:
        for moment, frame in zip(made_night([SUPINE]), frames, strict=True):
            store.add("a", replace(moment, frame=frame), frames=True)
            store.flush()
        kept = [*store.frames("a")]
        assert store._db.execute("SELECT sum(bytes) FROM frames").fetchone()[0] <= limit_mb * 1e6
        assert 40 < len(kept) < 60
        epoch_s, frame = kept[-1]
        assert epoch_s == START_S + 200
        np.testing.assert_array_equal(frame, frames[-1])
        some = store.frames("a", since_s=START_S + 198, until_s=START_S + 200)
        assert [when for when, _ in some] == [START_S + 198, START_S + 199]


def test_frames_are_not_kept_unless_asked():
    with Store(":memory:") as store:
        store.add("a", next(made_night([LEFT])))
        store.flush()
        assert [*store.frames("a")] == []


@pytest.mark.parametrize("make", [
    lambda path: path.write_bytes(b"SQLite format 3\0" + os.urandom(5000)),
    lambda path: path.write_text("frame,time\n1,2\n"),
])  # fmt: skip
def test_a_damaged_file_is_refused_with_a_mend(tmp_path, make):
    path = tmp_path / "night.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(MatposeError, match=r"damaged.*Mend"):
        Store(path)
    assert path.read_bytes() == before


def test_a_page_damaged_later_is_told_when_it_is_read(tmp_path):
    path = tmp_path / "night.sqlite"
    with Store(path) as store:
        for moment in made_night([("left", 20000.0, dict.fromkeys(PART_NAMES[1:], 30.0))], step_s=60):
            store.add("a", moment)
    with path.open("r+b") as file:
        file.seek(60 * 4096)
        file.write(b"\xff" * 4096 * 20)
    with Store(path, read_only=True) as store, pytest.raises(MatposeError, match=r"damaged"):
        store.doses("a")


def test_foreign_older_and_newer_files_are_told_apart(tmp_path):
    foreign = sqlite3.connect(tmp_path / "foreign.sqlite")
    foreign.execute("CREATE TABLE cats (name)")
    foreign.close()
    with pytest.raises(MatposeError, match="another program's"):
        Store(tmp_path / "foreign.sqlite")
    for version, word in ((0, "older"), (99, "newer")):
        path = tmp_path / f"{word}.sqlite"
        Store(path).close()
        raw = sqlite3.connect(path)
        raw.execute(f"PRAGMA user_version = {version}")
        raw.close()
        with pytest.raises(MatposeError, match=f"{word} Matpose: its schema is {version}"):
            Store(path)


def test_a_report_only_reads(tmp_path):
    with pytest.raises(MatposeError, match="no such file"):
        Store(tmp_path / "none.sqlite", read_only=True)
    assert [*tmp_path.iterdir()] == []
    path = tmp_path / "night.sqlite"
    writer = Store(path)
    writer.add("a", next(made_night([LEFT])))
    with Store(path, read_only=True) as reader:  # while the server writes
        assert reader.events("a")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._db.execute("DELETE FROM events")
    writer.close()
    with Store(path, read_only=True) as reader:
        assert reader.events()
    assert [*tmp_path.iterdir()] == [path]  # nothing is left beside it
    with pytest.raises(MatposeError, match="not open"):
        writer.events("a")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MatposeError, match="cannot be opened"):
        Store(tmp_path / "file" / "night.sqlite")


def test_a_moment_given_again_for_an_event_counts_once():
    """The server notes a lost signal beside the last moment."""
    with Store(":memory:") as store:
        moments = [*made_night([LEFT])]
        for moment in moments:
            store.add("a", moment, frames=True)
        event = Event(moments[-1].epoch_s + 5, "no_signal")
        assert len(store.add("a", replace(moments[-1], fresh=False, events=(event,)), frames=True)) == 1
        assert sum(row["frames"] for row in store.minutes("a")) == 150
        assert len([*store.frames("a")]) == 150
        assert store.events("a")[-1]["kind"] == "no_signal"


def test_a_clock_that_jumps_back_costs_nothing():
    with Store(":memory:") as store:
        moments = [*made_night([LEFT])]
        back = [replace(one, epoch_s=one.epoch_s - 100) for one in made_night([LEFT, SUPINE])][150:]
        for moment in (*moments, *back):
            store.add("a", moment)
        assert sums(store) == pytest.approx(of(back[-1]))
        assert all(row["until_s"] >= row["from_s"] for row in store.postures("a"))


def test_a_thousand_beds_cost_little(tmp_path):
    moments = [*made_night([("left", 4.0, dict.fromkeys(PART_NAMES[1:14], 30.0))])]
    with Store(tmp_path / "night.sqlite") as store:
        begun_s = time.process_time()
        for moment in moments:
            for bed in range(1000):
                store.add(f"bed-{bed}", replace(moment, events=()))
        spent_s = time.process_time() - begun_s
        store.flush()
        assert len(store.beds()) == 1000
    print(f"{spent_s / len(moments) * 1000:.0f} ms per 1,000 moments")
    assert spent_s / len(moments) < 0.5, "a second holds a thousand beds"
    assert FRAME.shape == (4, 3)
