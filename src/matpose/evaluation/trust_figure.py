"""Calibration curve: of the joints of which a model says 80 %, do 80 % come true?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from matpose.evaluation.charts import INK, LINES, plain_axes


def trust_figure(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Confidence against what came of it; the larger a disc, the more joints it stands for.

    Args:
        curves: name to the ``curve`` of :func:`matpose.evaluation.joint_score.trust_score`.

    Example:
        >>> figure = trust_figure({"simulated": [{"said": 0.2, "came": 0.3, "joints": 9}]})
        >>> figure.axes[0].get_xlabel()
        'confidence said'
    """
    figure = Figure(figsize=(4.2, 4.2), layout="constrained", dpi=200)
    panel = figure.subplots()
    panel.plot((0, 1), (0, 1), color=INK, linewidth=0.8, linestyle="--")
    for (name, curve), colour in zip(curves.items(), LINES, strict=False):
        said, came, joints = ([row[key] for row in curve] for key in ("said", "came", "joints"))
        panel.plot(said, came, color=colour, linewidth=1.4, label=name)
        panel.scatter(said, came, s=[4 + 90 * count / sum(joints) for count in joints], color=colour)
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1)
    panel.set_aspect("equal")
    plain_axes(panel, "joints within a fifth of the head's length", pad=4)
    panel.set_xlabel("confidence said")
    panel.set_ylabel("share that came true")
    panel.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
