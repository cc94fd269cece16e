"""`matpose compare`: the table, the files it leaves, and what it refuses."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

SMALL = ("bodies=8", "readings=1", "validation_bodies=8", "test_bodies=8", "samples=320")


@pytest.mark.slow
def test_a_small_grid_prints_its_table_and_leaves_its_files(shell, tmp_path):
    out = tmp_path / "grid"
    answer = shell("compare", "--quick", *SMALL, "systems=[matpose,native+deeppose]", "-o", out)
    assert answer.code == 0, answer.err
    for word in ("matpose", "native+deeppose", "unseen"):
        assert word in answer.out
    kept = json.loads((out / "compare.json").read_text())
    assert {line["system"] for line in kept["table"]} == {"matpose", "native+deeppose"}
    assert "GraphSAGE" in answer.out
    for name in ("compare.png", "curves.png"):
        assert (out / name).stat().st_size > 5000
    tables = (out / "tables.md").read_text(encoding="utf-8")
    assert tables.count("| matpose |") == 2
    assert tables.count("Table") == 2
    again = shell("compare", "--quick", *SMALL, "systems=[matpose,native+deeppose]", "-o", out, "--json")
    assert json.loads(again.out)["table"][0]["pckh20_unseen"] == kept["table"][0]["pckh20_unseen"]


def test_wrong_words_end_in_one_line(shell, tmp_path):
    for words, told in (
        (("systems=[nobody]",), "no system 'nobody'"),
        (("samples=3",), "samples"),
        (("colour=red",), "no key 'colour'"),
        (("--dataset", "slp:nowhere"), "not PmatData"),
    ):
        answer = shell("compare", "--quick", *words, "-o", tmp_path / "grid")
        assert answer.code == 2
        assert told in answer.err
