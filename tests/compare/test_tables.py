"""The grid in words: means over seeds, dashes for what was not measured."""

from __future__ import annotations

from made_rows import failed, lines_of, row

from matpose.compare.tables import markdown, sheets


def test_both_tables_have_a_row_a_system_the_best_first():
    lines = lines_of(row("a"), row("b", 0, better=0.1), row("b", 1, better=0.2), failed("c"), failed("b", 2))
    one, cost, two = sheets(lines)
    assert [cells[0] for cells in one.rows] == ["b", "a", "c (failed to train)"]
    b = dict(zip(one.columns, one.rows[0], strict=True))
    assert cost.rows[0] == ("b", "60,000", "0.03", "2.5", "0.96", "1,040")
    assert (b["PCKh@.5 seen"], b["PCKh@.2 unseen"], b["cm unseen"]) == ("95.0", "55.0 \N{PLUS-MINUS SIGN} 7.1", "5.0")
    assert [row[1] for row in one.rows] == ["2 of 3", "1", "0 of 1"], "seeds that failed are told"
    c = dict(zip(one.columns, one.rows[2], strict=True))
    assert c["PCKh@.5 seen"] == "–"
    assert cost.rows[2][1] == "60,000"
    assert two.columns == (
        "system", "familiar GCN", "familiar GAT", "familiar GraphSAGE", "frozen GCN", "frozen GAT", "frozen GraphSAGE"
    )  # fmt: skip
    assert two.rows[0][1:] == ("85.0",) * 6
    assert two.rows[2][1:] == ("–",) * 6


def test_the_model_that_ships_stands_on_top_and_says_that_it_had_another_budget():
    ships = row("it ships")
    del ships["curve"]
    lines = lines_of(row("a", better=0.3), shipped=ships)
    assert [(line["system"], line["in_budget"]) for line in lines] == [("it ships", False), ("a", True)]
    _, cost, _ = sheets(lines)
    assert cost.rows[0] == ("it ships", "70,000", "–", "2.5", "–", "–")


def test_where_nobody_knows_postures_there_are_dashes():
    unknown = row("a")
    unknown["posture"]["familiar"] = {}
    *_, two = sheets(lines_of(unknown))
    assert two.rows[0][1:] == ("–", "–", "–", "70.0", "70.0", "70.0")


def test_couples_are_a_third_table_where_they_were_looked_at():
    above, below = {"pckh20": 0.3, "two_found": 0.5}, {"pckh20": 0.2, "two_found": 0.9}
    lines = lines_of(row("a", couples={"top_down": above}), row("b", couples={"top_down": above, "bottom_up": below}))
    third = sheets(lines)[3]
    assert {cells[0]: cells[1:] for cells in third.rows} == {
        "a": ("30.0", "50.0", "–", "–"), "b": ("30.0", "50.0", "20.0", "90.0")
    }  # fmt: skip


def test_markdown_has_as_many_cells_everywhere():
    tables = sheets(lines_of(row("a"), failed("c")))
    for block, sheet in zip(markdown(tables).split("### ")[1:], tables, strict=True):
        title, _, *drawn = block.strip().splitlines()
        assert title == sheet.title
        assert {line.count("|") for line in drawn} == {len(sheet.columns) + 1}
        assert len(drawn) == 2 + len(sheet.rows)
