"""A night in figures: how long, how many turns, what each part bore, and how well it was watched."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matpose.errors import MatposeError
from matpose.monitor.store import Store
from matpose.monitor.tally import MINUTE_S, Span
from matpose.recording import PART_NAMES, POSTURES, Flag

DAY_S = 86400.0
LONGEST_S = 26 * 3600.0  # more than this is not one night
SHOWN_LOADS = 8
PAUSE_S = 120.0  # so short a relief does not end a load
GAP_S = 90.0
INTERVAL_H = 2.0


def summarise(
    store: Store,
    bed: str,
    *,
    since_s: float | None = None,
    until_s: float | None = None,
    turn_interval_h: float | None = None,
) -> dict[str, Any]:
    """The figures of one bed's night.

    Args:
        store: what was kept of it.
        bed: its name.
        since_s, until_s: epoch seconds; by default all there is, or the last 24 hours of a longer time.
        turn_interval_h: within which the person should have been turned; by default as it was set then, else 2.

    Returns:
        JSON-able: ``bed, from_s, until_s, shortened, turn_interval_h, watched_s, in_bed_s, out_s, postures_s,
        postures, occupancy, turns, stretches, longest, missed, exits, parts, loads, movement, quality, happened``.
        Times are epoch seconds. A stretch is a time without a turn: ``from_s, until_s, seconds, unseen_s, ended,
        over_s``. Doses are None where pressures have no unit.

    Raises:
        MatposeError: no such bed, or nothing was kept of that time.
    """
    known = {row["bed"]: row for row in store.beds()}
    if bed not in known:
        raise MatposeError(f"there is no bed {bed!r}", mend=f"choose one of {', '.join(known) or '(none)'}")
    minutes = store.minutes(bed, since_s=None if since_s is None else since_s - MINUTE_S, until_s=until_s)
    postures = store.spans(bed, "posture", since_s=since_s, until_s=until_s)
    if not minutes or not postures:
        raise MatposeError(f"nothing was kept of bed {bed!r} in that time", mend="give other times")
    from_s, until_s, shortened = _bounds(postures, since_s, until_s)
    minutes = [row for row in minutes if row["minute"] + MINUTE_S > from_s]
    postures = store.spans(bed, "posture", since_s=from_s, until_s=until_s)
    occupancy = store.spans(bed, "occupancy", since_s=from_s, until_s=until_s)
    events = store.events(bed, since_s=from_s, until_s=until_s + 1, limit=None)
    interval_h = turn_interval_h or known[bed]["turn_interval_h"] or INTERVAL_H
    unturned = store.spans(bed, "unturned", since_s=from_s, until_s=until_s)
    quality = _quality(minutes, postures, from_s, until_s)
    stretches = _stretches(unturned, events, interval_h * 3600, until_s)
    for row in stretches:
        row["unseen_s"] = sum(
            max(0.0, min(gap["until_s"], row["until_s"]) - max(gap["from_s"], row["from_s"])) for gap in quality["gaps"]
        )
    doses = store.doses(bed, since_s=from_s // MINUTE_S * MINUTE_S, until_s=until_s)
    postures_s = {name: sum(one.until_s - one.from_s for one in postures if one.value == name) for name in POSTURES}
    return {
        "bed": bed,
        "from_s": from_s,
        "until_s": until_s,
        "shortened": shortened,
        "turn_interval_h": interval_h,
        "watched_s": sum(one.until_s - one.from_s for one in postures),
        "in_bed_s": sum(one.until_s - one.from_s for one in occupancy if one.value in ("in_bed", "edge")),
        "out_s": sum(one.until_s - one.from_s for one in occupancy if one.value == "out"),
        "postures_s": {name: seconds for name, seconds in postures_s.items() if seconds > 0},
        "postures": [_row(one) for one in postures],
        "occupancy": [_row(one) for one in occupancy],
        "turns": [
            {"epoch_s": event["epoch_s"], **event["detail"]} for event in events if event["kind"] == "turn"
        ],
        "stretches": stretches,
        "longest": max(stretches, key=lambda one: one["seconds"], default=None),
        "missed": sum(one["over_s"] > 0 for one in stretches),
        "exits": _exits(events),
        "parts": _parts(doses),
        "loads": _loads(doses),
        "movement": [[row["minute"], round(row["movement"], 4)] for row in minutes if row["frames"]],
        "quality": quality,
        "happened": {
            kind: count
            for kind in ("edge", "slid_down", "heel_off", "gap", "clock", "no_signal")
            if (count := sum(event["kind"] == kind for event in events))
        },
    }  # fmt: skip


def only_bed(store: Store, bed: str | None) -> str:
    """The bed that is meant: the one given, else the only one.

    Raises:
        MatposeError: there are several, or none.
    """
    beds = [row["bed"] for row in store.beds()]
    if bed is not None:
        if bed not in beds:
            raise MatposeError(f"there is no bed {bed!r}", mend=f"choose one of {', '.join(beds) or '(none)'}")
        return bed
    if len(beds) != 1:
        mend = f"give --bed with one of {', '.join(beds)}" if beds else "give one that a monitor has written to"
        raise MatposeError(f"it holds {len(beds)} beds", mend=mend)
    return beds[0]


def _bounds(postures: Sequence[Span], since_s: float | None, until_s: float | None) -> tuple[float, float, bool]:
    first, last = min(one.from_s for one in postures), max(one.until_s for one in postures)
    if since_s is None and last - first > LONGEST_S:
        return last - DAY_S, last, True
    return first, last, False


def _row(span: Span) -> dict:
    return {"value": span.value, "from_s": span.from_s, "until_s": span.until_s}


def _stretches(unturned: Sequence[Span], events: Sequence[dict], interval_s: float, end_s: float) -> list[dict]:
    """Times without a turn; two with a time between that nobody watched are one: no turn was seen there."""
    exits_s = [event["epoch_s"] for event in events if event["kind"] == "bed_exit"]
    rows: list[dict] = []
    for index, one in enumerate(unturned):
        after_s = unturned[index + 1].from_s if index + 1 < len(unturned) else None
        if after_s is not None and abs(after_s - one.until_s) < 0.01:
            ended = "turned"
        elif any(one.from_s < when <= (one.until_s + interval_s if after_s is None else after_s) for when in exits_s):
            ended = "left the bed"
        elif after_s is None and end_s - one.until_s < GAP_S:
            ended = "end of the record"
        else:
            ended = "not seen"
        if rows and rows[-1]["ended"] == "not seen" and one.from_s - rows[-1]["until_s"] < interval_s:
            rows[-1] |= {"until_s": one.until_s, "ended": ended}
        else:
            rows.append({"from_s": one.from_s, "until_s": one.until_s, "ended": ended})
    for row in rows:
        row["seconds"] = row["until_s"] - row["from_s"]
        row["over_s"] = max(0.0, row["seconds"] - interval_s)
    return [row for row in rows if row["seconds"] > 0]


def _exits(events: Sequence[dict]) -> list[dict]:
    """When somebody left, and when somebody was there again."""
    rows: list[dict] = []
    for event in events:
        if event["kind"] == "bed_exit":
            rows.append({"out_s": event["epoch_s"], "back_s": None})
        elif event["kind"] == "bed_entry" and rows and rows[-1]["back_s"] is None:
            rows[-1]["back_s"] = event["epoch_s"]
    return rows


def _parts(doses: Sequence[dict]) -> list[dict]:
    """What each part bore, in the order of ``PART_NAMES``."""
    known = any(row["mmhg_h"] is not None for row in doses)
    rows = []
    for name in PART_NAMES[1:]:
        own = [row for row in doses if row["part"] == name]
        peaks = [row["peak_mmhg"] for row in own if row["peak_mmhg"] is not None]
        rows.append(
            {
                "part": name,
                "mmhg_h": round(sum(row["mmhg_h"] or 0.0 for row in own), 3) if known else None,
                "peak_mmhg": round(max(peaks), 1) if peaks else None,
                "loaded_s": round(sum(row["loaded_s"] for row in own), 1),
            }
        )
    return rows


def _loads(doses: Sequence[dict]) -> list[dict]:
    """The loads without a break that brought a part the most, the worst first."""
    rows: list[dict] = []
    for name in PART_NAMES[1:]:
        bearing = [row for row in doses if row["part"] == name and row["loaded_s"] > 0 and row["mmhg_h"] is not None]
        runs: list[list[dict]] = []
        for row in bearing:
            if runs and row["minute"] - runs[-1][-1]["minute"] <= MINUTE_S + PAUSE_S:
                runs[-1].append(row)
            else:
                runs.append([row])
        for run in runs:
            dose, loaded_s = sum(row["mmhg_h"] for row in run), sum(row["loaded_s"] for row in run)
            rows.append(
                {
                    "part": name,
                    "from_s": run[0]["minute"],
                    "until_s": run[-1]["minute"] + MINUTE_S,
                    "mmhg_h": round(dose, 3),
                    "mean_peak_mmhg": round(dose / loaded_s * 3600, 1),
                    "peak_mmhg": max(row["peak_mmhg"] for row in run),
                }
            )
    return sorted(rows, key=lambda row: -row["mmhg_h"])[:SHOWN_LOADS]


def _quality(minutes: Sequence[dict], postures: Sequence[Span], from_s: float, until_s: float) -> dict:
    frames, poses = sum(row["frames"] for row in minutes), sum(row["poses"] for row in minutes)
    names = [flag.name.lower() for flag in Flag if flag.name]
    shares = {name: sum(row[f"{name}_frames"] for row in minutes) / max(frames, 1) for name in names}
    edges = [from_s, *(edge for one in postures for edge in (one.from_s, one.until_s)), until_s]
    gaps = [(a, b) for a, b in list(pairwise(edges))[::2] if b - a > GAP_S]
    return {
        "frames": frames,
        "flags": {name: share for name, share in shares.items() if share > 0},
        "gaps": [{"from_s": start, "until_s": stop} for start, stop in gaps],
        "poses": poses,
        "confidence": sum(row["confidence"] * row["poses"] for row in minutes) / poses if poses else None,
    }
