"""`matpose bench` times every stage, and other nets where there is torch."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest

from matpose.runtime.bench import STAGES, sgemm_gmac_s


def test_stages_as_json(shell, tmp_path):
    plot = tmp_path / "stages.png"
    answer = shell("bench", "--rounds", 20, "--no-rivals", "--json", "--plot", plot)
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    stages = found["stages"]
    assert tuple(stages) == STAGES
    for times in stages.values():
        assert 0 < times["p50_ms"] <= times["p95_ms"] <= times["p99_ms"]
    whole = stages["whole"]["p50_ms"]
    assert all(stages[name]["p50_ms"] < whole for name in STAGES[:-1])
    assert found["network"]["conv_macs"] == 19_392_512
    assert 0 < found["network"]["share"] < 1.5
    assert found["rivals"] is None
    assert found["backend"] == "onnxruntime"
    assert found["versions"]["onnxruntime"]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_stages_as_a_table(shell):
    answer = shell("bench", "--rounds", 10, "--no-rivals")
    assert answer.code == 0, answer.err
    assert all(stage in answer.out for stage in STAGES)
    assert "of a matrix product's" in answer.out


def test_without_torch_one_line_says_what_brings_the_other_nets(shell, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else find_spec(name))
    answer = shell("bench", "--rounds", 10)
    assert answer.code == 0, answer.err
    assert "pip install 'matpose[train]'" in answer.out
    refused = shell("bench", "--rounds", 10, "--rivals")
    assert refused.code == 2
    assert "matpose[train]" in refused.err


def test_mistakes_are_told(shell, tmp_path):
    assert shell("bench", "--backend", "abacus").code == 2
    assert shell("bench", "--model", tmp_path / "none.onnx").code == 2
    answer = shell("bench", "--rounds", 10, "--no-rivals", "--plot", tmp_path / "stages.txt")
    assert answer.code == 2
    assert "PNG, SVG or PDF" in answer.err


def test_a_matrix_product_is_counted_right(monkeypatch):
    """By a clock that says half a second for each."""
    ticks = iter(np.arange(0, 100, 0.5))
    monkeypatch.setattr("time.process_time", lambda: next(ticks))
    assert sgemm_gmac_s() == pytest.approx(768**3 / 0.5 / 1e9)


def test_other_nets_are_timed_in_turns_with_ours(monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed: pip install 'matpose[train]'")
    from matpose.evaluation import rival_cost

    monkeypatch.setattr(rival_cost, "LARGE", ())
    monkeypatch.setattr(rival_cost, "SMALL", ("native+simcc",))
    monkeypatch.setattr(rival_cost, "PAPER_CELLS", 64)
    turned, worked = [], []
    rows = rival_cost.rival_rows({"whole": lambda: worked.append(1)}, 64, 32, 4, lambda: turned.append(1))
    assert [row["name"] for row in rows] == ["paper encoder", "native+simcc"]
    assert len(turned) == len(worked) == rival_cost.turns(4)
    for row in rows:
        assert row["times"]["whole"] == pytest.approx(row["p50_ms"] / row["ours_p50_ms"]["whole"])
        assert row["times"]["whole"] > 10  # ours does nothing here
