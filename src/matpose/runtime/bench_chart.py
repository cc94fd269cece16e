"""The stages of a frame as one bar."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from matpose.evaluation.charts import INK

COLOURS = ("#56b4e9", "#009e73", "#f0e442", "#0072b2", "#e69f00")  # Okabe and Ito


def stage_chart(stages: Mapping[str, Mapping[str, float]]) -> Figure:
    """Median time of every stage, one after the other, milliseconds.

    Args:
        stages: from :func:`matpose.runtime.bench.time_stages`.
    """
    figure = Figure(figsize=(7.2, 1.5), layout="constrained", dpi=200)
    panel = figure.subplots()
    left = 0.0
    for colour, (stage, times) in zip(COLOURS, stages.items(), strict=False):
        width = times["p50_ms"]
        panel.barh(0, width, left=left, color=colour, label=f"{stage} {width:.2f}", edgecolor="white")
        left += width
    panel.set_title(
        f"one frame from the mat to the pose: {stages['whole']['p50_ms']:.2f} ms", fontsize=9.5, loc="left", color=INK
    )
    panel.set_yticks([])
    panel.set_xlabel("ms on one core, median", fontsize=8, color=INK)
    panel.tick_params(labelsize=8, colors=INK)
    panel.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(ncols=len(COLOURS), fontsize=7.5, frameon=False, loc="outside lower center")
    return figure
