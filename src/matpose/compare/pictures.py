"""The grid of systems in pictures: accuracy against cost, and how each system learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from matpose.evaluation.charts import INK, LINES, plain_axes


def validation_curves(rows: Sequence[Mapping[str, Any]], ours: str) -> Figure:
    """PCKh@.2 on the validation people over samples seen: a panel a system, its seeds in colour, all others behind.

    Args:
        rows: of :func:`matpose.compare.grid.compare`; those that failed have no curve.
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
    """PCKh@.2 against latency, on mats of the training and on others: ours and the model that ships (a ring) in a
    colour of their own, the front of those in the budget joined.

    Args:
        lines: of :func:`matpose.compare.tables.table`; those that failed are left out.
        ours: name of our system.
    """
    lines = sorted((line for line in lines if "pckh20_seen" in line), key=lambda line: line["latency_ms"])
    figure = Figure(figsize=(7.2, 1.6 + 0.26 * len(lines)), layout="constrained", dpi=200)
    figure.suptitle("PCKh@.2, %: equal budgets, convergence is not claimed", fontsize=8, color=INK)
    for panel, part in zip(figure.subplots(2, 1, sharex=True), ("seen", "unseen"), strict=True):
        places = [(line["latency_ms"], 100 * line[f"pckh20_{part}"]) for line in lines]
        top = max([3.0, *(accuracy * 1.06 for _, accuracy in places)])
        front = [
            (cost, accuracy)
            for number, (line, (cost, accuracy)) in enumerate(zip(lines, places, strict=True))
            if line["in_budget"]
            and all(other < accuracy or not lines[k]["in_budget"] for k, (_, other) in enumerate(places[:number]))
        ]
        panel.plot(
            [cost for cost, _ in front],
            [accuracy for _, accuracy in front],
            color=LINES[0],
            linewidth=0.8,
            alpha=0.6,
            zorder=0,
        )
        panel.set_xscale("log")
        right = max((cost for cost, _ in places), default=1.0) * 1.5
        heights = _apart([accuracy for _, accuracy in places], top / (len(lines) + 1), top)
        for line, (cost, accuracy), height in zip(lines, places, heights, strict=True):
            colour = LINES[1] if line["system"] == ours or not line["in_budget"] else LINES[0]
            face = colour if line["in_budget"] else "white"
            panel.plot(cost, accuracy, "o", color=colour, markerfacecolor=face, markersize=4)
            panel.annotate(
                line["system"], (cost, accuracy), (right, height), fontsize=5.5, color=INK, va="center",
                annotation_clip=False, arrowprops={"arrowstyle": "-", "linewidth": 0.3, "color": "#b9c0c8"},
            )  # fmt: skip
        panel.set_ylim(0, top)
        plain_axes(panel, f"mats {'of the training' if part == 'seen' else 'unseen'}", pad=4)
    figure.axes[1].set_xlabel("ms a map on one core")
    return figure


def _apart(heights: Sequence[float], least: float, top: float) -> list[float]:
    """Heights for labels, in their order but so far apart that none lies on another.

    Example:
        >>> _apart([5.0, 5.0, 1.0], 2.0, 9.0)
        [5.0, 3.0, 1.0]
    """
    order = sorted(range(len(heights)), key=lambda k: -heights[k])
    placed: list[float] = []
    if not order:
        return placed
    for k in order:
        placed.append(min(heights[k], placed[-1] - least if placed else top))
    if placed[-1] < 0:  # they reached the floor: push them up again
        placed[-1] = 0.0
        for number in range(len(placed) - 2, -1, -1):
            placed[number] = max(placed[number], placed[number + 1] + least)
    return [placed[order.index(k)] for k in range(len(heights))]
