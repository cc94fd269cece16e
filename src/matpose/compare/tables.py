"""The grid of systems as people read it: one row a system, seeds together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


def table(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a system, the best on unseen mats first, those that failed to train last; the model that ships on top.

    Args:
        found: by :func:`matpose.compare.grid.compare`.

    Returns:
        ``system``, ``seeds``, ``trained`` (how many of them, in words), ``parameters``, ``macs``, ``macs_256``,
        ``latency_ms``, ``latency_256_ms`` (of 256 None where a system takes no such maps), ``in_budget``, False for the
        model that ships; means over the seeds that trained, and ``pckh20_seen_sd`` (None for one): ``pckh50_seen``,
        ``pckh20_seen``, ``median_cm_seen``, the same ``_unseen``; ``familiar_<layer>`` and ``frozen_<layer>``, balanced
        accuracy of posture, where postures are known; ``top_down_pckh20`` and ``top_down_two_found``, the same
        ``bottom_up_``, where couples were looked at; ``failed``, the seeds that did not.
    """
    shipped = [found["shipped"]] if found["shipped"] else []
    rows, lines = [*shipped, *found["rows"]], []
    for name in dict.fromkeys(row["system"] for row in rows):
        every = [row for row in rows if row["system"] == name]
        sound = [row for row in every if "failed" not in row]
        line: dict[str, Any] = {
            "system": name,
            "seeds": len(every),
            "failed": [row["seed"] for row in every if "failed" in row],
            "trained": f"{len(sound)} of {len(every)}" if len(sound) < len(every) else str(len(every)),
            **{key: found["cost"][name].get(key) for key in ("parameters", "macs", "macs_256")},
            "latency_ms": found["latency_ms"][name]["p50"],
            "latency_256_ms": found["latency_256_ms"].get(name, {}).get("p50"),
            "in_budget": every[0] not in shipped,
        }
        for part in ("seen", "unseen") if sound else ():
            for key in ("pckh50", "pckh20", "median_cm"):
                values = [row[part][key] for row in sound]
                line[f"{key}_{part}"] = float(np.mean(values))
                if key == "pckh20":
                    line[f"{key}_{part}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        for part in ("familiar", "frozen") if sound else ():
            for layer in sound[0]["posture"][part]:
                line[f"{part}_{layer}"] = float(
                    np.mean([row["posture"][part][layer]["balanced_accuracy"] for row in sound])
                )
        for way in sound[0].get("couples", ()) if sound else ():
            for key in ("pckh20", "two_found"):
                line[f"{way}_{key}"] = float(np.mean([row["couples"][way][key] for row in sound]))
        lines.append(line)
    return sorted(lines, key=lambda line: (line["in_budget"], -line.get("pckh20_unseen", -1.0)))


class Sheet(NamedTuple):
    """A table in words.

    Args:
        title: what it says.
        columns: their heads.
        rows: of as many cells; the first names the system.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


_KEYPOINTS = {
    "seeds": ("trained", 0, "s"),
    **{
        f"{name} {part}": (f"{key}_{part}", power, ".1f")
        for part in ("seen", "unseen")
        for name, key, power in (("PCKh@.5", "pckh50", 2), ("PCKh@.2", "pckh20", 2), ("cm", "median_cm", 0))
    },
}
_COST = {
    "parameters": ("parameters", 0, ","),
    "GMACs": ("macs", -9, ".2f"),
    "ms": ("latency_ms", 0, ".1f"),
    "GMACs at 256": ("macs_256", -9, ".2f"),
    "ms at 256": ("latency_256_ms", 0, ",.0f"),
}
_POSTURE = {
    f"{part} {name}": (f"{part}_{layer}", 2, ".1f")
    for part in ("familiar", "frozen")
    for name, layer in (("GCN", "gcn"), ("GAT", "gat"), ("GraphSAGE", "sage"))
}
_COUPLES = {
    f"{name} {figure}": (f"{way}_{key}", 2, ".1f")
    for name, way in (("from above", "top_down"), ("from below", "bottom_up"))
    for figure, key in (("PCKh@.2", "pckh20"), ("two found", "two_found"))
}


def sheets(lines: Sequence[Mapping[str, Any]]) -> list[Sheet]:
    """Table 1, keypoints and what they cost; Table 2, posture by the keypoints; Table 3, couples, where there are any.

    Args:
        lines: of :func:`table`. What was not measured is a dash, and a system that failed to train says so.

    Example:
        >>> line = {"system": "a", "parameters": 1234, "macs": 2e9, "macs_256": 3e9, "latency_ms": 1.25}
        >>> keypoints, cost, posture = sheets([line | {"pckh20_seen": 0.5, "familiar_gcn": 1.0}])
        >>> cost.rows[0]
        ('a', '1,234', '2.00', '1.2', '3.00', '–')
        >>> keypoints.rows[0][:4], posture.rows[0][1:3]
        (('a', '–', '–', '50.0'), ('100.0', '–'))
    """
    found = [
        _sheet(
            "Table 1a. Keypoints, on mats of the training and on others: PCKh in %, median error", _KEYPOINTS, lines
        ),
        _sheet("Table 1b. What a map costs, on one core; and one of 256 x 256 cells", _COST, lines),
        _sheet("Table 2. Posture by each system's keypoints: balanced accuracy in %", _POSTURE, lines),
    ]
    if any("top_down_pckh20" in line for line in lines):
        found.append(
            _sheet("Table 3. Two people on one mat: joints of both, and maps with two found, in %", _COUPLES, lines)
        )
    return found


def markdown(tables: Sequence[Sheet]) -> str:
    """The tables as Markdown.

    Example:
        >>> print(markdown([Sheet("One", ("system", "ms"), [("a", "1.0")])]))
        ### One
        <BLANKLINE>
        | system | ms |
        |---|---:|
        | a | 1.0 |
        <BLANKLINE>
    """
    parts = []
    for sheet in tables:
        rows = [sheet.columns, ("---", *("---:" for _ in sheet.columns[1:])), *sheet.rows]
        drawn = ["|" + "|".join(row) + "|" if row[0] == "---" else "| " + " | ".join(row) + " |" for row in rows]
        parts.append("\n".join([f"### {sheet.title}", "", *drawn, ""]))
    return "\n".join(parts)


def _sheet(title: str, columns: Mapping[str, tuple[str, int, str]], lines: Sequence[Mapping[str, Any]]) -> Sheet:
    """Columns as (key of a line, power of ten, format)."""
    rows = []
    for line in lines:
        name = line["system"] if "pckh20_seen" in line else f"{line['system']} (failed to train)"
        rows.append((name, *(_cell(line, *column) for column in columns.values())))
    return Sheet(title, ("system", *columns), rows)


def _cell(line: Mapping[str, Any], key: str, power: int, form: str) -> str:
    """A dash for what was not measured; with the spread over seeds where there is one."""
    value, spread = line.get(key), line.get(f"{key}_sd")
    if value is None:
        return "–"
    scaled = format(value * 10.0**power if power else value, form)
    return scaled if spread is None else f"{scaled} \N{PLUS-MINUS SIGN} {format(spread * 10.0**power, form)}"
