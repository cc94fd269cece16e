"""The page about one night, for those who look after the person."""

from __future__ import annotations

from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from matpose import __version__
from matpose.atomic import atomic_path
from matpose.evaluation import report as pages
from matpose.monitor import night_sentences as sentences
from matpose.monitor.body_figure import body_figure
from matpose.monitor.night_figures import movement_bars, occupancy_lane, posture_lanes, turn_lane
from matpose.monitor.night_tables import (
    dose_table,
    exit_table,
    flag_table,
    gap_table,
    load_table,
    posture_table,
    stretch_table,
)
from matpose.monitor.night_words import Clock, span_words, times_words

_STYLES = (Path(pages.__file__).with_name("report.css"), Path(__file__).with_name("night.css"))


def write_night_report(
    path: str | PathLike[str], summary: dict[str, Any], clock: Clock, *, source: str, notes: tuple[str, ...] = ()
) -> Path:
    """Write the page, whole or not at all; it holds all it shows and fetches nothing.

    Args:
        path: the HTML file.
        summary: of :func:`matpose.monitor.night_summary.summarise`.
        clock: how times are shown.
        source: what it was made from, in a word or two.
        notes: what else its readers should know.

    Returns:
        The path written.

    Raises:
        MatposeError: the file cannot be written there.
    """
    title = escape(sentences.title(summary, clock))
    body = [
        f"<header><h1>{title}</h1><p class=lead>{escape(sentences.lead(summary, clock))}</p></header>",
        _facts(summary),
        *(f"<p class=note>{escape(note)}</p>" for note in (*sentences.warnings(summary), *notes)),
        _section("Postures", posture_lanes(summary, clock), posture_table(summary)),
        _section("Turns", f"<p>{escape(sentences.turns_kept(summary))}</p>", turn_lane(summary, clock),
                 stretch_table(summary, clock)),
        _doses(summary, clock),
        _section("In bed and out of it", occupancy_lane(summary, clock),
                 exit_table(summary, clock) or "<p>The bed was not left.</p>"),
        _section("Movement", "<p>How much of the weight moved from second to second; the taller, the more. "
                 f"Highest: {max((m for _, m in summary['movement']), default=0.0):.0%} of it.</p>",
                 movement_bars(summary, clock)),
        _section("How well the night was watched", f"<p>{escape(sentences.quality(summary))}</p>" + flag_table(summary)
                 + (gap_table(summary, clock) or "<p>There was no gap.</p>")),
        _section("How this was made",
                 *(f"<p class=method>{escape(words)}</p>" for words in sentences.method(clock, source))),
    ]  # fmt: skip
    style = "".join(sheet.read_text("utf-8") for sheet in _STYLES)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + f"\n</main>\n<footer>Matpose {__version__}. {pages.FOOT}</footer>\n</body>\n</html>\n"
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(path)


def _facts(summary: dict[str, Any]) -> str:
    longest = summary["longest"]
    seen = summary["watched_s"] / max(summary["until_s"] - summary["from_s"], 1e-9)
    facts = [
        ("in bed", span_words(summary["in_bed_s"])),
        ("turns", str(len(summary["turns"]))),
        ("longest without a turn", "\N{EN DASH}" if longest is None else span_words(longest["seconds"])),
        (f"longer than {summary['turn_interval_h']:g} h without a turn", times_words(summary["missed"])),
        ("left the bed", times_words(len(summary["exits"]))),
        ("of the time watched", f"{min(seen, 1.0):.0%}" if seen > 0.995 or seen < 0.01 else f"{seen:.1%}"),
    ]
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f"<dl class=facts>{items}</dl>"


def _doses(summary: dict[str, Any], clock: Clock) -> str:
    heading = "Pressure on each part of the body"
    parts = sentences.parts_by_dose(summary)
    if not parts:
        return _section(heading, f"<p class=note>{escape(sentences.why_no_dose(summary))}</p>")
    known = {row["part"]: row["mmhg_h"] for row in summary["parts"] if row["mmhg_h"] is not None}
    return _section(
        heading,
        "<p>Pressure times time, in mmHg h: 30 mmHg for two hours make 60 mmHg h. It says how much a part has borne, "
        "not whether the skin has taken harm: that depends on the person.</p>",
        f"<div class=card>{body_figure(known)}</div>",
        dose_table(parts),
        "<h3>Heaviest loads without a break</h3>",
        load_table(summary, clock),
    )


def _section(heading: str, *parts: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>\n" + "\n".join(part for part in parts if part) + "</section>"
