"""The page about one night, for those who look after the person."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from matpose import __version__
from matpose.atomic import atomic_path
from matpose.evaluation import report as pages
from matpose.monitor.body_figure import body_figure, dose_words, part_words
from matpose.monitor.night_figures import (
    LANE_WORDS,
    movement_bars,
    occupancy_lane,
    posture_lanes,
    turn_lane,
)
from matpose.monitor.night_words import Clock, list_words, span_words, times_words

_STYLES = (Path(pages.__file__).with_name("report.css"), Path(__file__).with_name("night.css"))
_NAMED_PARTS = 3
_FLAG_WORDS = {
    "nan": "a cell without a reading", "dead": "dead cells", "stuck": "stuck cells", "saturated": "cells at full scale",
    "hot": "single hot cells", "negative": "cells below zero", "wrong_size": "frames of the wrong size",
    "empty_bed": "nobody on the mat", "corrupted": "damaged in transfer", "outside": "weight beside the area looked at",
    "gap": "frames missing before", "clock": "the clock jumped before",
}  # fmt: skip
_ENDED = {"turned": "turned", "left the bed": "left bed", "end of the record": "end", "not seen": "not watched"}
NO_UNIT = (
    "The pressures of this recording have no unit, so what each part of the body bore cannot be told. To have it, "
    "calibrate the recording first, with the pressure of one count (matpose calibrate FILE -o OUT.h5 --kpa-per-count "
    "X) or the person's weight (matpose calibrate FILE -o OUT.h5 --body-weight-kg KG), and report on OUT.h5."
)
TOO_SPARSE = (
    "The frames lie too far apart to tell what each part of the body bore: more than a minute passes between two of "
    "them. Record at least one frame every few seconds."
)


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
    title = _title(summary, clock)
    body = [
        f"<header><h1>{escape(title)}</h1><p class=lead>{escape(lead(summary, clock))}</p></header>",
        _facts(summary),
        *(f"<p class=note>{escape(note)}</p>" for note in (*_warnings(summary, clock), *notes)),
        _section("Postures", posture_lanes(summary, clock), _posture_table(summary)),
        _section("Turns", f"<p>{escape(_turn_words(summary))}</p>", turn_lane(summary, clock),
                 _stretch_table(summary, clock)),
        _doses(summary, clock),
        _section("In bed and out of it", occupancy_lane(summary, clock), _exit_table(summary, clock)),
        _section("Movement", "<p>How much of the weight moved from second to second; the taller, the more. "
                 f"Highest: {max((m for _, m in summary['movement']), default=0.0):.0%} of it.</p>",
                 movement_bars(summary, clock)),
        _section("How well the night was watched", _quality(summary, clock)),
        _section("How this was made", *_method(summary, clock, source)),
    ]  # fmt: skip
    style = "".join(sheet.read_text("utf-8") for sheet in _STYLES)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + f"\n</main>\n<footer>Matpose {__version__}. {pages.FOOT}</footer>\n</body>\n</html>\n"
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(path)


def lead(summary: dict[str, Any], clock: Clock) -> str:
    """The sentences that matter: how long, how many turns, the longest time without one, and what bore the most.

    Args:
        summary: of :func:`matpose.monitor.night_summary.summarise`.
        clock: how times are shown.
    """
    said = [f"In bed for {span_words(summary['in_bed_s'])}; turned {times_words(len(summary['turns']))}."]
    longest = summary["longest"]
    if longest is not None:
        beyond = (
            f", which is {span_words(longest['over_s'])} more than the {_hours(summary)} interval"
            if longest["over_s"] >= 60
            else f", within the {_hours(summary)} interval"
        )
        said.append(
            f"The longest time without a turn was {span_words(longest['seconds'])}, from {clock.at(longest['from_s'])} "
            f"to {clock.at(longest['until_s'])}{beyond}."
        )
    highest = _highest(summary)[:_NAMED_PARTS]
    if highest:
        parts = list_words([f"{part_words(row['part'])} ({dose_words(row['mmhg_h'])} mmHg h)" for row in highest])
        said.append(f"Most pressure over time: {parts}.")
    return " ".join(said)


def _title(summary: dict[str, Any], clock: Clock) -> str:
    days = clock.days(summary["from_s"], summary["until_s"])
    return f"Bed {summary['bed']}" + (f", {days}" if days else "")


def _hours(summary: dict[str, Any]) -> str:
    return f"{summary['turn_interval_h']:g}-hour"


def _highest(summary: dict[str, Any]) -> list[dict]:
    known = [row for row in summary["parts"] if (row["mmhg_h"] or 0) > 0]
    return sorted(known, key=lambda row: -row["mmhg_h"])


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


def _warnings(summary: dict[str, Any], clock: Clock) -> list[str]:
    said = []
    if summary["shortened"]:
        said.append("The record is longer than a day; this page shows its last 24 hours. Choose others by time.")
    unseen_s = (summary["until_s"] - summary["from_s"]) - summary["watched_s"]
    if unseen_s > 300:
        said.append(f"For {span_words(unseen_s)} nothing came from the mat: what happened then is not in this page.")
    saturated = summary["quality"]["flags"].get("saturated", 0.0)
    if saturated > 0.05 and _highest(summary):
        said.append(
            f"In {saturated:.0%} of the frames some cells read the most that the sensor can: what pressed there, and "
            "its dose, may have been higher than these figures."
        )
    unknown_s = summary["postures_s"].get("unknown", 0.0)
    if unknown_s > 0.1 * max(summary["watched_s"], 1e-9):
        said.append(f"For {span_words(unknown_s)} the posture could not be told.")
    return said


def _section(heading: str, *parts: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>\n" + "\n".join(part for part in parts if part) + "</section>"


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


def _posture_table(summary: dict[str, Any]) -> str:
    whole_s = max(summary["watched_s"], 1e-9)
    rows = [
        [LANE_WORDS[name], span_words(seconds), _share(seconds / whole_s)]
        for name, seconds in sorted(summary["postures_s"].items(), key=lambda item: -item[1])
    ]
    return _table(["posture", "for", "share of the time"], rows, numbers=(2,))


def _turn_words(summary: dict[str, Any]) -> str:
    count, missed = len(summary["stretches"]), summary["missed"]
    if not count:
        words = "Nobody lay there long enough to tell."
    elif not missed:
        unseen = any(row["unseen_s"] > 60 or row["ended"] == "not seen" for row in summary["stretches"])
        words = f"The {_hours(summary)} interval was kept{', as far as it was watched' if unseen else ' all night'}."
    else:
        words = f"The {_hours(summary)} interval was missed {times_words(missed)}, out of {count} times without a turn."
    return (
        f"{words} A turn is another side, or the most loaded part relieved for long enough; getting into bed starts "
        "the time anew. Black marks are turns; red and hatched is too long; grey hatching was not watched."
    )


def _stretch_table(summary: dict[str, Any], clock: Clock) -> str:
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


def _doses(summary: dict[str, Any], clock: Clock) -> str:
    heading = "Pressure on each part of the body"
    known = {row["part"]: row["mmhg_h"] for row in summary["parts"] if row["mmhg_h"] is not None}
    highest = _highest(summary)
    if not highest:
        bore = any(row["loaded_s"] > 0 for row in summary["parts"])
        words = NO_UNIT if bore and not known else TOO_SPARSE if summary["in_bed_s"] > 0 else "Nobody lay there."
        return _section(heading, f"<p class=note>{escape(words)}</p>")
    rows = [
        [part_words(row["part"]), dose_words(row["mmhg_h"]), f"{row['peak_mmhg']:.0f}", span_words(row["loaded_s"])]
        for row in highest
    ]
    loads = [
        [part_words(row["part"]), clock.at(row["from_s"]), clock.at(row["until_s"]),
         dose_words(row["mmhg_h"]), f"{row['mean_peak_mmhg']:.0f}"]
        for row in summary["loads"]
    ]  # fmt: skip
    return _section(
        heading,
        "<p>Pressure times time, in mmHg h: 30 mmHg for two hours make 60 mmHg h. It says how much a part has borne, "
        "not whether the skin has taken harm: that depends on the person.</p>",
        f"<div class=card>{body_figure(known)}</div>",
        _table(["part", "mmHg h", "highest, mmHg", "under load"], rows, numbers=(1, 2)),
        "<h3>Heaviest loads without a break</h3>",
        _table(["part", "from", "to", "mmHg h", "mean, mmHg"], loads, numbers=(3, 4)),
    )


def _exit_table(summary: dict[str, Any], clock: Clock) -> str:
    if not summary["exits"]:
        return "<p>The bed was not left.</p>"
    rows = [
        [clock.at(row["out_s"]), "not seen" if row["back_s"] is None else clock.at(row["back_s"]),
         "\N{EN DASH}" if row["back_s"] is None else span_words(row["back_s"] - row["out_s"])]
        for row in summary["exits"]
    ]  # fmt: skip
    return _table(["left at", "back at", "away for"], rows)


def _quality(summary: dict[str, Any], clock: Clock) -> str:
    quality = summary["quality"]
    words = [f"{quality['frames']:,} frames."]
    if quality["confidence"] is not None:
        words.append(
            f"On average a joint was believed with {quality['confidence']:.0%}: the chance that it lies within a fifth "
            "of the head's length."
        )
    for kind, said in (
        ("clock", "The mat's clock was set {}."),
        ("no_signal", "The signal was lost {}."),
        ("slid_down", "The person slid down in bed {}."),
        ("edge", "The person lay at the edge {}."),
    ):
        if kind in summary["happened"]:
            words.append(said.format(times_words(summary["happened"][kind])))
    flags = [
        [_FLAG_WORDS.get(name, name), _share(share)]
        for name, share in sorted(quality["flags"].items(), key=lambda item: -item[1])
    ]
    gaps = [
        [clock.at(gap["from_s"]), clock.at(gap["until_s"]), span_words(gap["until_s"] - gap["from_s"])]
        for gap in quality["gaps"]
    ]
    return (
        f"<p>{escape(' '.join(words))}</p>"
        + _table(["what was found in frames", "share of them"], flags, numbers=(1,))
        + (_table(["not watched from", "to", "for"], gaps) if gaps else "<p>There was no gap.</p>")
    )


def _share(share: float) -> str:
    return "under 1%" if 0 < share < 0.01 else f"{share:.0%}"


def _method(summary: dict[str, Any], clock: Clock, source: str) -> list[str]:
    zone = "" if clock.zone is None else f" Times are those of {clock.name}."
    begun = " Nobody knows when this was recorded: times count from its beginning." if clock.zone is None else ""
    words = [
        f"Made from {source} by Matpose {__version__}.{zone}{begun}",
        "Postures and joints are what a network tells from the pressure map alone; a posture counts once it has "
        "lasted. A dose is the integral over time of a part's peak pressure, the highest mean over at least "
        "9 cm\N{SUPERSCRIPT TWO} within that part (mmHg h; 1 mmHg = 0.1333 kPa); parts are told from the joints and "
        "may be mistaken where limbs cross. What pressed while nobody watched is in no dose: the truth is higher. "
        "A time without a turn goes on over a gap in which no turn was seen.",
        f"{pages.FOOT} It does not replace a look at the person's skin.",
    ]
    return [f"<p class=method>{escape(part)}</p>" for part in words]
