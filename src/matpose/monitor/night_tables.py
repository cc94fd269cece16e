"""The tables of a night, as HTML that a narrow screen can scroll; without rows there is no table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from matpose.monitor.body_figure import dose_words, part_words
from matpose.monitor.night_figures import LANE_WORDS
from matpose.monitor.night_words import Clock, span_words

_FLAG_WORDS = {
    "nan": "a cell without a reading", "dead": "dead cells", "stuck": "stuck cells", "saturated": "cells at full scale",
    "hot": "single hot cells", "negative": "cells below zero", "wrong_size": "frames of the wrong size",
    "empty_bed": "nobody on the mat", "corrupted": "damaged in transfer", "outside": "weight beside the area looked at",
    "gap": "frames missing before", "clock": "the clock jumped before",
}  # fmt: skip
_ENDED = {"turned": "turned", "left the bed": "left bed", "end of the record": "end", "not seen": "not watched"}


def posture_table(summary: dict[str, Any]) -> str:
    """How long in which posture, the longest first."""
    whole_s = max(summary["watched_s"], 1e-9)
    rows = [
        [LANE_WORDS[name], span_words(seconds), _share(seconds / whole_s)]
        for name, seconds in sorted(summary["postures_s"].items(), key=lambda item: -item[1])
    ]
    return _table(["posture", "for", "share of the time"], rows, numbers=(2,))


def stretch_table(summary: dict[str, Any], clock: Clock) -> str:
    """The times without a turn; those too long and the longest are marked."""
    rows, marked = [], {}
    for index, row in enumerate(summary["stretches"]):
        late = row["over_s"] > 0
        if late or row == summary["longest"]:
            marked[index] = "late" if late else "longest"
        unseen = f" ({span_words(row['unseen_s'])} of it not watched)" if row["unseen_s"] > 60 else ""
        verdict = f"missed by {span_words(row['over_s'])}" if late else "kept"
        rows.append(
            [clock.at(row["from_s"]), clock.at(row["until_s"]), span_words(row["seconds"]) + unseen, verdict,
             _ENDED[row["ended"]]]
        )  # fmt: skip
    return _table(["from", "to", "without a turn", "interval", "then"], rows, marked=marked)


def dose_table(parts: list[dict[str, Any]]) -> str:
    """What each part of the body bore.

    Args:
        parts: of :func:`matpose.monitor.night_sentences.parts_by_dose`.
    """
    rows = [
        [part_words(row["part"]), dose_words(row["mmhg_h"]), f"{row['peak_mmhg']:.0f}", span_words(row["loaded_s"])]
        for row in parts
    ]
    return _table(["part", "mmHg h", "highest, mmHg", "under load"], rows, numbers=(1, 2))


def load_table(summary: dict[str, Any], clock: Clock) -> str:
    """The heaviest loads without a break."""
    rows = [
        [part_words(row["part"]), clock.at(row["from_s"]), clock.at(row["until_s"]),
         dose_words(row["mmhg_h"]), f"{row['mean_peak_mmhg']:.0f}"]
        for row in summary["loads"]
    ]  # fmt: skip
    return _table(["part", "from", "to", "mmHg h", "mean, mmHg"], rows, numbers=(3, 4))


def exit_table(summary: dict[str, Any], clock: Clock) -> str:
    """When the bed was left, and for how long."""
    rows = [
        [clock.at(row["out_s"]), "not seen" if row["back_s"] is None else clock.at(row["back_s"]),
         "\N{EN DASH}" if row["back_s"] is None else span_words(row["back_s"] - row["out_s"])]
        for row in summary["exits"]
    ]  # fmt: skip
    return _table(["left at", "back at", "away for"], rows)


def flag_table(summary: dict[str, Any]) -> str:
    """What was wrong with frames, the most frequent first."""
    rows = [
        [_FLAG_WORDS.get(name, name), _share(share)]
        for name, share in sorted(summary["quality"]["flags"].items(), key=lambda item: -item[1])
    ]
    return _table(["what was found in frames", "share of them"], rows, numbers=(1,))


def gap_table(summary: dict[str, Any], clock: Clock) -> str:
    """When nobody watched."""
    rows = [
        [clock.at(gap["from_s"]), clock.at(gap["until_s"]), span_words(gap["until_s"] - gap["from_s"])]
        for gap in summary["quality"]["gaps"]
    ]
    return _table(["not watched from", "to", "for"], rows)


def _table(
    head: list[str], rows: list[list[str]], *, numbers: tuple[int, ...] = (), marked: Mapping[int, str] | None = None
) -> str:
    """Cells are text; columns in ``numbers`` stand to the right, rows in ``marked`` have a class of style."""
    if not rows:
        return ""
    right = [" class=number" if index in numbers else "" for index in range(len(head))]
    top = "".join(f'<th scope="col"{place}>{escape(name)}</th>' for place, name in zip(right, head, strict=True))
    lines = []
    for index, row in enumerate(rows):
        cells = "".join(f"<td{place}>{escape(cell)}</td>" for place, cell in zip(right, row, strict=True))
        style = (marked or {}).get(index)
        lines.append(f"<tr{f' class={style}' if style else ''}>{cells}</tr>")
    return (
        f'<div class=wide role="region" aria-label="table" tabindex="0"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _share(share: float) -> str:
    return "under 1%" if 0 < share < 0.01 else f"{share:.0%}"
