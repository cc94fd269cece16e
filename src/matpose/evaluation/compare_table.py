"""The grid of systems as people read it: one row a system, seeds together; tables, accuracy against cost, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from matpose.evaluation.charts import INK, LINES, plain_axes


def table(rows: Sequence[Mapping[str, Any]], latency_ms: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """One row a system, the best on unseen mats first, those that failed to train last.

    Args:
        rows: of :func:`matpose.training.compare.compare`, one for each system and seed.
        latency_ms: name to ``p50``.

    Returns:
        ``system``, ``seeds``, ``parameters``, ``conv_macs``, ``conv_macs_256``, ``latency_ms``; means over the seeds
        that trained, and ``pckh20_seen_sd`` (None for one): ``pckh50_seen``, ``pckh20_seen``, ``median_cm_seen``, the
        same ``_unseen``; ``familiar_<layer>`` and ``frozen_<layer>``, balanced accuracy of posture, where postures are
        known; ``top_down_pckh20`` and ``top_down_two_found``, the same ``bottom_up_``, where couples were looked at;
        ``failed``, the seeds that did not.
    """
    found = []
    for name in dict.fromkeys(row["system"] for row in rows):
        every = [row for row in rows if row["system"] == name]
        sound = [row for row in every if "failed" not in row]
        line: dict[str, Any] = {
            "system": name,
            "seeds": len(every),
            "failed": [row["seed"] for row in every if "failed" in row],
            **{key: every[0][key] for key in ("parameters", "conv_macs", "conv_macs_256")},
            "latency_ms": latency_ms[name]["p50"],
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
        found.append(line)
    return sorted(found, key=lambda line: -line.get("pckh20_unseen", -1.0))


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
    "parameters": ("parameters", 0, ","),
    "GMACs": ("conv_macs", -9, ".2f"),
    "at 256": ("conv_macs_256", -9, ".2f"),
    "ms": ("latency_ms", 0, ".1f"),
    **{
        f"{name} {part}": (f"{key}_{part}", power, ".1f")
        for part in ("seen", "unseen")
        for name, key, power in (("PCKh@.5", "pckh50", 2), ("PCKh@.2", "pckh20", 2), ("cm", "median_cm", 0))
    },
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
    """Table 1, keypoints and their cost; Table 2, posture by the keypoints; Table 3, couples, where there are any.

    Args:
        lines: of :func:`table`. What was not measured is a dash, and a system that failed to train says so.

    Example:
        >>> line = {"system": "a", "parameters": 1234, "conv_macs": 2e9, "conv_macs_256": 3e9, "latency_ms": 1.25}
        >>> keypoints, posture = sheets([line | {"pckh20_seen": 0.5, "familiar_gcn": 1.0}])
        >>> keypoints.rows[0][:7]
        ('a', '1,234', '2.00', '3.00', '1.2', '–', '50.0')
        >>> posture.rows[0][1:3]
        ('100.0', '–')
    """
    found = [
        _sheet("Table 1. Keypoints, on mats of the training and on others: PCKh in %, median error", _KEYPOINTS, lines),
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
        cells = (
            "–" if line.get(key) is None else format(line[key] * 10.0**power if power else line[key], form)
            for key, power, form in columns.values()
        )
        rows.append((name, *cells))
    return Sheet(title, ("system", *columns), rows)


def validation_curves(rows: Sequence[Mapping[str, Any]], ours: str) -> Figure:
    """PCKh@.2 on the validation people over samples seen: a panel a system, its seeds in colour, all others behind.

    Args:
        rows: of :func:`matpose.training.compare.compare`; those that failed have no curve.
        ours: name of our system.
    """
    curves = [
        (row["system"], [look["samples"] for look in row["curve"]], [100 * look["val_pckh20"] for look in row["curve"]])
        for row in rows
        if "failed" not in row
    ]
    names = list(dict.fromkeys(name for name, _, _ in curves))
    across = min(4, max(1, len(names)))
    down = max(1, -(-len(names) // across))
    figure = Figure(figsize=(1.9 * across + 0.5, 1.35 * down + 0.6), layout="constrained", dpi=200)
    figure.suptitle(
        "PCKh@.2 on validation people, in %: equal budgets, convergence is not claimed", fontsize=8, color=INK
    )
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel().tolist()
    for panel, name in zip(panels, names, strict=False):
        for other, samples, accuracy in curves:
            own = other == name
            colour = (LINES[1] if name == ours else LINES[0]) if own else "#d3d8de"
            panel.plot(samples, accuracy, color=colour, linewidth=1.4 if own else 0.6, zorder=2 if own else 1)
        plain_axes(panel, name, pad=3)
        panel.title.set_fontsize(7)
        panel.tick_params(labelsize=6)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    figure.supxlabel("samples seen", fontsize=7, color=INK)
    return figure


def accuracy_against_cost(lines: Sequence[Mapping[str, Any]], ours: str) -> Figure:
    """PCKh@.2 against latency, on mats of the training and on others; ours in its own colour, the front joined.

    Args:
        lines: of :func:`table`; those that failed are left out.
        ours: name of our system.
    """
    lines = [line for line in lines if "pckh20_seen" in line]
    figure = Figure(figsize=(7.2, 3.8), layout="constrained", dpi=200)
    for panel, part in zip(figure.subplots(1, 2, sharey=True), ("seen", "unseen"), strict=True):
        best = -1.0
        front = []
        for line in sorted(lines, key=lambda line: line["latency_ms"]):
            cost, accuracy = line["latency_ms"], 100 * line[f"pckh20_{part}"]
            panel.plot(cost, accuracy, "o", color=LINES[1] if line["system"] == ours else LINES[0], markersize=4)
            panel.annotate(line["system"], (cost, accuracy), (3, 2), textcoords="offset points", fontsize=5, color=INK)
            if accuracy > best:
                best = accuracy
                front.append((cost, accuracy))
        panel.plot(*zip(*front, strict=True), color=LINES[0], linewidth=0.8, alpha=0.6, zorder=0)
        panel.set_xscale("log")
        plain_axes(panel, f"mats {'of the training' if part == 'seen' else 'unseen'}", pad=4)
        panel.set_xlabel("ms a map on one core")
    figure.axes[0].set_ylabel("PCKh@.2, %")
    return figure
