"""The grid of systems as people read it: one row a system, seeds together; and accuracy against cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
        same ``_unseen``; ``familiar_<layer>`` and ``frozen_<layer>``, balanced accuracy of posture; ``failed``, the
        seeds that did not.
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
        found.append(line)
    return sorted(found, key=lambda line: -line.get("pckh20_unseen", -1.0))


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
