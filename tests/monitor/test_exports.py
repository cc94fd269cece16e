from __future__ import annotations

import csv
import json
import sys

import pytest
from made_night import START_S, made_night

from matpose.errors import MatposeError
from matpose.monitor.exports import COLUMNS, export_csv, export_parquet
from matpose.monitor.store import Store

SCRIPT = [("supine", 200.0, {"sacrum": 60.0, "head": 30.0}), ("left", 100.0, {"left_hip": 40.0})]


@pytest.fixture
def store():
    with Store(":memory:") as store:
        for moment in made_night(SCRIPT):
            store.add("a", moment)
        yield store


def test_csv_holds_what_the_store_holds(store, tmp_path):
    paths = export_csv(store, "a", tmp_path / "new")
    assert [path.name for path in paths] == ["events.csv", "postures.csv", "doses.csv"]
    rows = {}
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            rows[path.stem] = list(csv.DictReader(file))
    assert {name: list(table[0]) for name, table in rows.items()} == {name: list(c) for name, c in COLUMNS.items()}
    assert [row["kind"] for row in rows["events"]] == ["posture", "bed_entry", "posture", "turn"]
    assert json.loads(rows["events"][-1]["detail"])["from"] == "supine"
    assert [row["posture"] for row in rows["postures"]] == ["supine", "left"]
    assert rows["postures"][0]["until"] == "2023-11-14T22:16:20.000+00:00"
    total = sum(float(row["mmhg_h"]) for row in rows["doses"] if row["part"] == "sacrum")
    assert total == pytest.approx(60 * 200 / 3600)


def test_csv_takes_times(store, tmp_path):
    export_csv(store, "a", tmp_path, since_s=START_S + 200, until_s=START_S + 400)
    assert (tmp_path / "postures.csv").read_text("utf-8").count("\n") == 2  # the header and "left"


def test_parquet_holds_the_same(store, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for path in export_parquet(store, "a", tmp_path):
        table = parquet.read_table(path)
        assert table.column_names == list(COLUMNS[path.stem])
        if path.stem == "doses":
            assert table.to_pylist() == [
                {"bed": "a", "time": row.pop("time"), **row}
                for row in [
                    {"time": one["time"], **two} for one, two in zip(table.to_pylist(), store.doses("a"), strict=True)
                ]
            ]


def test_without_a_unit_doses_are_empty_and_not_nought(tmp_path):
    with Store(":memory:") as store:
        for moment in made_night(SCRIPT, unit="raw"):
            store.add("a", moment)
        path = export_csv(store, "a", tmp_path)[2]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["mmhg_h"] for row in rows} == {""}


def test_without_pyarrow_a_mend_is_told(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MatposeError, match=r"pyarrow.*matpose\[cluster\]"):
        export_parquet(store, "a", tmp_path)


def test_a_place_that_cannot_be_written_is_told(store, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MatposeError, match="cannot be written"):
        export_csv(store, "a", tmp_path / "file")
