"""Charts of numbers: the course of a training, and who was taken for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from matpose.errors import MatposeError

INK = "#1b1f24"
LINES = ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito: told apart by every kind of sight
_PANELS = (
    ("loss", {"train_loss": "training", "val_loss": "validation"}),
    ("reconstruction error", {"val_l1": "L1", "val_l2": "L2"}),
    ("SSIM", {"val_ssim": "SSIM"}),
    ("presence F-score", {"val_presence_f": "F"}),
    (
        "equivariance error, % of height",
        {"val_equivariance_median_pct": "median", "val_equivariance_p95_pct": "95th centile"},
    ),
)


def loss_curves(rows: Sequence[Mapping]) -> Figure:
    """The course of a training: one panel a measure over epochs, the border between stages marked.

    Args:
        rows: one mapping an epoch, in order: "stage" (a short name) and whichever of "train_loss",
            "val_loss", "val_l1", "val_l2", "val_ssim", "val_presence_f", "val_equivariance_median_pct" and
            "val_equivariance_p95_pct" were measured; a missing or None value leaves a gap. Epochs are counted
            through all stages, from 1. Lines break between stages, whose losses mean different things.

    Raises:
        MatposeError: no row holds any of these.
    """
    panels = [
        (title, present)
        for title, names in _PANELS
        if (present := {key: label for key, label in names.items() if np.isfinite(values_of(rows, key)).any()})
    ]
    if not panels:
        raise MatposeError("there is no measured epoch to draw", mend="train at least one epoch")
    figure = Figure(figsize=(5.4, 0.5 + 1.55 * len(panels)), layout="constrained", dpi=200)
    axes: list[Axes] = figure.subplots(len(panels), 1, sharex=True, squeeze=False).ravel().tolist()
    epochs = np.arange(1.0, len(rows) + 1)
    stages = [str(row.get("stage", "")) for row in rows]
    borders = [index for index in range(1, len(rows)) if stages[index] != stages[index - 1]]
    for panel, (title, names) in zip(axes, panels, strict=True):
        for (key, label), colour in zip(names.items(), LINES, strict=False):
            at, values = (np.insert(line, borders, np.nan) for line in (epochs, values_of(rows, key)))
            panel.plot(at, values, color=colour, linewidth=1.6, label=label, marker=".", markersize=3)
        plain_axes(panel, title, pad=13 if panel is axes[0] else 4)  # the stages' names need room above the first
        if len(names) > 1:
            panel.legend(
                frameon=False,
                fontsize=8,
                loc="lower right",
                bbox_to_anchor=(1.01, 0.97),
                ncols=2,
                handlelength=1.2,
            )
        for border in borders:
            panel.axvline(border + 0.5, color="#8a929c", linewidth=1, linestyle=(0, (4, 3)))
    for start in [0, *borders]:
        if stages[start]:
            axes[0].annotate(
                stages[start], (start + 0.6, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points", fontsize=8, color="#59626c",
            )  # fmt: skip
    axes[-1].set_xlabel("epoch", fontsize=9, color=INK)
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> Figure:
    """Who was taken for whom: counts, coloured by their share of the true class.

    Args:
        matrix: (C, C) counts; rows are the truth, columns the answer.
        classes: C names.

    Raises:
        MatposeError: the matrix is not square, or the names do not fit it.
    """
    matrix = np.asarray(matrix)
    count = len(classes)
    if matrix.shape != (count, count):
        raise MatposeError(f"a matrix of shape {matrix.shape} for {count} classes", mend="give one name a row")
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = min(5.4, 1.6 + 0.62 * count)
    figure = Figure(figsize=(side, side - 0.25), layout="constrained", dpi=200)
    panel = figure.subplots()
    panel.imshow(share, cmap="Blues", vmin=0, vmax=1)
    size = 9 if count <= 6 else 7
    for (row, col), number in np.ndenumerate(matrix):
        colour = "white" if share[row, col] > 0.55 else INK
        panel.text(
            col,
            row,
            f"{number:g}" if number else "\N{MIDDLE DOT}",
            ha="center",
            va="center",
            fontsize=size,
            color=colour,
        )
    ticks = range(count)
    panel.set_xticks(ticks, classes, rotation=0 if count <= 5 else 90)
    panel.set_yticks(ticks, classes)
    panel.tick_params(length=0, labelsize=size, colors=INK)
    panel.set_xlabel("answer", fontsize=9, color=INK)
    panel.set_ylabel("truth", fontsize=9, color=INK)
    panel.spines[:].set_visible(False)
    return figure


def values_of(rows: Sequence[Mapping], key: str) -> np.ndarray:
    """(epochs,) float64 with NaN where not measured."""
    return np.array([np.nan if row.get(key) is None else row[key] for row in rows], dtype=np.float64)


def plain_axes(panel: Axes, title: str, pad: float) -> None:
    """The look of every chart: title at the left, two spines, faint lines to read values by."""
    panel.set_title(title, fontsize=9.5, loc="left", color=INK, pad=pad)
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color("#8a929c")
    panel.tick_params(labelsize=8, colors=INK)
    panel.grid(axis="y", color="#e4e7eb", linewidth=0.7)
    panel.set_axisbelow(True)
