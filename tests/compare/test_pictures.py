"""The grid in pictures: a curve for every system, and a front that only the budget's systems make."""

from __future__ import annotations

import numpy as np
import pytest
from made_rows import failed, lines_of, row

from matpose.compare.pictures import accuracy_against_cost, validation_curves


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


def test_the_front_is_of_those_in_the_budget_that_nobody_faster_beats(tmp_path):
    lines = lines_of(
        row("a"), row("b", better=0.1), row("c", better=0.05), failed("d"), shipped=row("it ships", better=0.5)
    )
    for line, ms in zip(lines, (0.5, 3.0, 9.0, 1.0, 2.0), strict=True):  # it ships, b, c, a, d
        line["latency_ms"] = ms
    figure = accuracy_against_cost(lines, "a")
    for panel in figure.axes:
        front = [np.asarray(line.get_data()).T.tolist() for line in panel.lines if line.get_zorder() == 0]
        assert np.allclose(front, [[[1.0, 40.0], [3.0, 50.0]]]), "c is slower than b and worse"
        named = [text for text in panel.texts if text.get_text()]
        assert {text.get_text() for text in named} == {"a", "b", "c", "it ships"}
        heights = sorted(text.get_position()[1] for text in named)
        assert min(np.diff(heights)) > 1, "no name lies on another"
    figure.savefig(tmp_path / "cost.png")


def test_where_nobody_trained_there_is_an_empty_picture(tmp_path):
    accuracy_against_cost(lines_of(failed("a"), failed("b")), "a").savefig(tmp_path / "cost.png")
