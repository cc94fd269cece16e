"""The pictures of a night, as HTML and SVG whose widths are percentages: they fit a phone, a screen and paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from matpose.monitor.night_words import Clock, span_words

LANES = ("supine", "left", "right", "prone", "sitting", "empty", "unknown")
LANE_WORDS = {
    "supine": "on the back", "left": "on the left", "right": "on the right", "prone": "on the belly",
    "sitting": "sitting", "empty": "out of bed", "unknown": "not known",
}  # fmt: skip
_COLOUR = {
    "supine": "#4477aa", "left": "#228833", "right": "#ccbb44", "prone": "#ee6677", "sitting": "#aa3377",
    "empty": "#bbbbbb", "unknown": "#dddddd",
}  # fmt: skip
_STEPS_S = (60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 14400, 21600)
_MOST_TICKS = 9
_LATE = "#b3261e"
_KEPT = "#4477aa"
_BARS = 240


def posture_lanes(summary: dict[str, Any], clock: Clock) -> str:
    """One lane a posture, over the night; times that nobody watched are hatched in every lane."""
    present = [name for name in LANES if name in summary["postures_s"]]
    rows = []
    for name in present:
        bars = [
            _bar(summary, row["from_s"], row["until_s"], _COLOUR[name],
                 f"{LANE_WORDS[name]}, {clock.at(row['from_s'])} to {clock.at(row['until_s'])}")
            for row in summary["postures"]
            if row["value"] == name
        ]  # fmt: skip
        rows.append((LANE_WORDS[name], "".join(bars) + _gaps(summary)))
    alt = "; ".join(f"{LANE_WORDS[name]} {span_words(summary['postures_s'][name])}" for name in present)
    return _chart(summary, clock, rows, f"Posture over time: {alt}")


def turn_lane(summary: dict[str, Any], clock: Clock) -> str:
    """The times without a turn, one after the other; what is beyond the interval is red and hatched."""
    interval_s = summary["turn_interval_h"] * 3600
    bars = []
    for row in summary["stretches"]:
        due_s = min(row["from_s"] + interval_s, row["until_s"])
        words = f"{clock.at(row['from_s'])} to {clock.at(row['until_s'])}: {span_words(row['seconds'])}"
        bars.append(_bar(summary, row["from_s"], due_s, _KEPT, words))
        if row["over_s"] > 0:
            bars.append(_bar(summary, due_s, row["until_s"], "url(#late)", f"{words}, too long"))
    marks = "".join(
        f'<line x1="{_place(summary, turn["epoch_s"])}" x2="{_place(summary, turn["epoch_s"])}" y1="0" y2="100%" '
        'stroke="#14171a" stroke-width="2"/>'
        for turn in summary["turns"]
    )
    rows = [("without a turn", "".join(bars) + marks + _gaps(summary))]
    return _chart(summary, clock, rows, f"Times without a turn, {summary['missed']} of them too long")


def occupancy_lane(summary: dict[str, Any], clock: Clock) -> str:
    """In bed, at its edge, out of it."""
    words = {"in_bed": "in bed", "edge": "at the edge", "out": "out of bed", "unknown": "not known"}
    colours = {"in_bed": _KEPT, "edge": "#ee6677", "out": "#bbbbbb", "unknown": "#dddddd"}
    present = [
        name
        for name in words
        if sum(row["until_s"] - row["from_s"] for row in summary["occupancy"] if row["value"] == name) > 60
    ]
    rows = []
    for name in present:
        bars = "".join(
            _bar(summary, row["from_s"], row["until_s"], colours[name],
                 f"{words[name]}, {clock.at(row['from_s'])} to {clock.at(row['until_s'])}")
            for row in summary["occupancy"]
            if row["value"] == name
        )  # fmt: skip
        rows.append((words[name], bars + _gaps(summary)))
    return _chart(summary, clock, rows, "In bed and out of it over time")


def movement_bars(summary: dict[str, Any], clock: Clock) -> str:
    """Movement over the night: the highest of each of a few hundred stretches, so that none is lost."""
    from_s, until_s = summary["from_s"], summary["until_s"]
    width_s = max((until_s - from_s) / _BARS, 60.0)
    highest: dict[int, float] = {}
    for minute, movement in summary["movement"]:
        place = int(max(minute - from_s, 0.0) // width_s)
        highest[place] = max(highest.get(place, 0.0), movement)
    top = max(highest.values(), default=0.0) or 1.0
    bars = []
    for place, movement in highest.items():
        start_s = from_s + place * width_s
        height = 100 * movement / top
        bars.append(
            f'<rect x="{_place(summary, start_s)}" width="{_wide(summary, start_s, start_s + width_s)}" '
            f'y="{100 - height:.1f}%" height="{height:.1f}%" fill="#4477aa"/>'
        )
    lanes = [("movement", "".join(bars) + _gaps(summary))]
    return _chart(summary, clock, lanes, "Movement over time", tall=True)


def ticks(from_s: float, until_s: float, clock: Clock) -> list[float]:
    """Round times, at most nine, at or after the first and before the last.

    Example:
        >>> ticks(0.0, 28800.0, Clock(0.0))[:3]
        [0.0, 3600.0, 7200.0]
    """
    step_s = next((step for step in _STEPS_S if (until_s - from_s) / step <= _MOST_TICKS), _STEPS_S[-1])
    start_s = clock.round_up(from_s, step_s)
    count = int((until_s - start_s) // step_s) + 1
    return [start_s + index * step_s for index in range(max(count, 0))]


def _chart(
    summary: dict[str, Any], clock: Clock, rows: Sequence[tuple[str, str]], alt: str, *, tall: bool = False
) -> str:
    times = ticks(summary["from_s"], summary["until_s"], clock)
    lines = "".join(
        f'<line x1="{_place(summary, when)}" x2="{_place(summary, when)}" y1="0" y2="100%" stroke="#ccd1d6"/>'
        for when in times
    )
    lanes = "".join(
        f'<div class=lane><span>{escape(name)}</span><svg height="{72 if tall else 22}" aria-hidden="true">'
        f"{_HATCHES}{lines}{bars}</svg></div>"
        for name, bars in rows
    )
    labels = "".join(
        f'<span class="{"minor" if index % 2 else "major"}" style="left: {_place(summary, when)}">{clock.at(when)}'
        "</span>"
        for index, when in enumerate(times)
    )
    return (
        f'<figure class=chart role="img" aria-label="{escape(alt, quote=True)}">{lanes}'
        f"<div class=lane><span></span><div class=axis>{labels}</div></div></figure>"
    )


_HATCHES = (
    '<defs><pattern id="late" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="6" height="6" fill="{_LATE}"/><rect width="2" height="6" fill="#fff" opacity=".55"/></pattern>'
    '<pattern id="unseen" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<rect width="6" height="6" fill="#fff"/><rect width="2" height="6" fill="#9aa3ab"/></pattern></defs>'
)


def _gaps(summary: dict[str, Any]) -> str:
    return "".join(
        _bar(summary, gap["from_s"], gap["until_s"], "url(#unseen)", "not watched")
        for gap in summary["quality"]["gaps"]
    )


def _bar(summary: dict[str, Any], from_s: float, until_s: float, fill: str, words: str) -> str:
    return (
        f'<rect x="{_place(summary, from_s)}" width="{_wide(summary, from_s, until_s)}" y="2"'
        f' style="height: calc(100% - 4px)" fill="{fill}"><title>{escape(words)}</title></rect>'
    )


def _place(summary: dict[str, Any], when_s: float) -> str:
    whole_s = max(summary["until_s"] - summary["from_s"], 1e-9)
    return f"{100 * min(max((when_s - summary['from_s']) / whole_s, 0.0), 1.0):.3f}%"


def _wide(summary: dict[str, Any], from_s: float, until_s: float) -> str:
    whole_s = max(summary["until_s"] - summary["from_s"], 1e-9)
    return f"{100 * max((until_s - from_s) / whole_s, 0.0005):.3f}%"
