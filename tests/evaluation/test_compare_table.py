"""The grid in words and pictures: means over seeds, dashes for what was not measured, a curve for every system."""

from __future__ import annotations

import numpy as np
import pytest

from matpose.evaluation.compare_table import markdown, sheets, table, validation_curves

LAYERS = ("gcn", "gat", "sage")


def row(system: str, seed: int = 0, *, better: float = 0.0, **more) -> dict:
    score = {"pckh50": 0.8 + better, "pckh20": 0.4 + better, "median_cm": 5.0}
    posture = {
        part: {layer: {"accuracy": 0.9, "balanced_accuracy": 0.7 + better} for layer in LAYERS}
        for part in ("familiar", "frozen")
    }
    curve = [{"samples": 100 * look, "val_pckh20": 0.04 * look + better, "val_mean_cm": 9.0} for look in range(1, 11)]
    return {
        "system": system, "seed": seed, "parameters": 60_000, "conv_macs": 30_000_000, "conv_macs_256": 960_000_000,
        "seen": score, "unseen": score, "posture": posture, "curve": curve, **more,
    }  # fmt: skip


def failed(system: str, seed: int = 0) -> dict:
    kept = ("system", "seed", "parameters", "conv_macs", "conv_macs_256")
    return {key: value for key, value in row(system, seed).items() if key in kept} | {"failed": "it diverged"}


LATENCY = {name: {"p50": 2.5} for name in ("a", "b", "c")}


def test_both_tables_have_a_row_a_system_the_best_first():
    lines = table([row("a"), row("b", 0, better=0.1), row("b", 1, better=0.2), failed("c"), failed("b", 2)], LATENCY)
    one, two = sheets(lines)
    assert [cells[0] for cells in one.rows] == ["b", "a", "c (failed to train)"]
    b = dict(zip(one.columns, one.rows[0], strict=True))
    assert (b["parameters"], b["GMACs"], b["at 256"], b["ms"]) == ("60,000", "0.03", "0.96", "2.5")
    assert (b["PCKh@.5 seen"], b["PCKh@.2 unseen"], b["cm unseen"]) == ("95.0", "55.0", "5.0")
    c = dict(zip(one.columns, one.rows[2], strict=True))
    assert (c["parameters"], c["PCKh@.5 seen"]) == ("60,000", "–")
    assert two.columns == (
        "system", "familiar GCN", "familiar GAT", "familiar GraphSAGE", "frozen GCN", "frozen GAT", "frozen GraphSAGE"
    )  # fmt: skip
    assert two.rows[0][1:] == ("85.0",) * 6
    assert two.rows[2][1:] == ("–",) * 6


def test_where_nobody_knows_postures_there_are_dashes():
    unknown = row("a")
    unknown["posture"]["familiar"] = {}
    _, two = sheets(table([unknown], LATENCY))
    assert two.rows[0][1:] == ("–", "–", "–", "70.0", "70.0", "70.0")


def test_couples_are_a_third_table_where_they_were_looked_at():
    above, below = {"pckh20": 0.3, "two_found": 0.5}, {"pckh20": 0.2, "two_found": 0.9}
    lines = table(
        [row("a", couples={"top_down": above}), row("b", couples={"top_down": above, "bottom_up": below})], LATENCY
    )
    third = sheets(lines)[2]
    assert {cells[0]: cells[1:] for cells in third.rows} == {
        "a": ("30.0", "50.0", "–", "–"), "b": ("30.0", "50.0", "20.0", "90.0")
    }  # fmt: skip


def test_markdown_has_as_many_cells_everywhere():
    tables = sheets(table([row("a"), failed("c")], LATENCY))
    for block, sheet in zip(markdown(tables).split("### ")[1:], tables, strict=True):
        title, _, *drawn = block.strip().splitlines()
        assert title == sheet.title
        assert {line.count("|") for line in drawn} == {len(sheet.columns) + 1}
        assert len(drawn) == 2 + len(sheet.rows)


def test_every_system_that_trained_has_its_own_curve(tmp_path):
    rows = [row("a"), row("b", 0, better=0.1), row("b", 1, better=0.2), failed("c")]
    figure = validation_curves(rows, "a")
    shown = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title(loc="left") for panel in shown] == ["a", "b"]
    own = [[line for line in panel.lines if line.get_zorder() == 2] for panel in shown]
    assert [len(lines) for lines in own] == [1, 2]
    assert all(len(panel.lines) == 3 for panel in shown), "the others are behind"
    samples, accuracy = own[0][0].get_data()
    assert np.asarray(samples).tolist() == [100 * look for look in range(1, 11)]
    assert float(np.asarray(accuracy)[-1]) == pytest.approx(40)
    assert "convergence is not claimed" in figure.get_suptitle()
    figure.savefig(tmp_path / "curves.png")
    validation_curves([failed("c")], "a").savefig(tmp_path / "nobody.png")
