"""Several trainings on one page: the reconstruction losses of every variant over its last epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from matpose.errors import MatposeError
from matpose.evaluation.charts import INK, plain_axes, values_of

LAST = 40  # epochs, as in the paper
# Okabe and Ito without yellow, which is too light for a line: told apart by every kind of sight
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_PANELS = (("L1", "val_l1"), ("L2", "val_l2"), ("SSIM loss, 1 - SSIM", "val_ssim"))


def variant_curves(histories: Mapping[str, Sequence[Sequence[Mapping]]], *, last: int = LAST) -> Figure:
    """L1, L2 and SSIM loss over the last epochs of stage 2: a line a variant, the mean over its seeds.

    The form of Fig. 5 of Yu et al., "A Self-supervised Pressure Map Human Keypoint Detection Approach". The band
    reaches from the lowest to the highest seed. A line ends where the first of its seeds stopped.

    Args:
        histories: variant to one history a seed; of their rows those of stage "reconstruction" are drawn, by
            "val_l1", "val_l2" and "val_ssim".
        last: epochs from the end of the longest training.

    Raises:
        MatposeError: a history without an epoch of stage 2.
    """
    lines = {name: [_stage_2(history) for history in seeds] for name, seeds in histories.items()}
    if not lines or not all(seeds and all(seeds) for seeds in lines.values()):
        raise MatposeError("a training has no epoch of stage 2 to draw", mend="train it to the end")
    ends = {name: min(map(len, seeds)) for name, seeds in lines.items()}
    first = max(max(ends.values()) - last, 0)
    figure = Figure(figsize=(5.4, 6.6), layout="constrained", dpi=200)
    axes: list[Axes] = figure.subplots(len(_PANELS), 1, sharex=True).tolist()
    for panel, (title, key) in zip(axes, _PANELS, strict=True):
        for index, (name, seeds) in enumerate(lines.items()):
            values = np.array([values_of(rows[: ends[name]], key) for rows in seeds])[:, first:]  # (seeds, epochs)
            values = 1 - values if key == "val_ssim" else values
            epochs = np.arange(first, ends[name]) + 1
            colour, dashes = COLOURS[index % len(COLOURS)], "-" if index < len(COLOURS) else "--"
            panel.plot(epochs, values.mean(0), dashes, color=colour, linewidth=1.7, label=name, zorder=3)
            if len(seeds) > 1:
                panel.fill_between(epochs, values.min(0), values.max(0), color=colour, alpha=0.16, linewidth=0)
        plain_axes(panel, title, pad=4)
    if len(lines) > 1:
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False, fontsize=9
        )
    axes[-1].set_xlabel("epoch of stage 2", fontsize=9, color=INK)
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _stage_2(history: Sequence[Mapping]) -> list[Mapping]:
    return [row for row in history if row["stage"] == "reconstruction"]
