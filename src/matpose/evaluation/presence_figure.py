"""Where there is pressure, beside where models say so: white is pressure, black is none, grey is no mat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from matpose.errors import MatposeError
from matpose.evaluation.palette import MISSING_RGB
from matpose.evaluation.panels import page_of
from matpose.evaluation.presence import f_score


def presence_beside_truth(
    present: np.ndarray, answers: Mapping[str, np.ndarray], on_mat: np.ndarray, titles: Sequence[str]
) -> Figure:
    """A row for every map: the truth, then every answer with its F-score.

    The form of Fig. 4 of Yu et al., "A Self-supervised Pressure Map Human Keypoint Detection Approach".

    Args:
        present: (N, H, W) bool, the truth.
        answers: heading to (N, H, W) bool, in the order of the columns.
        on_mat: (N, H, W) bool; cells beside the mat are grey and do not count.
        titles: N short names for the rows.

    Raises:
        MatposeError: no maps, or answers, cells or titles for another number of them.

    Example:
        >>> present = np.eye(4, dtype=bool)[None]
        >>> figure = presence_beside_truth(present, {"model": present}, np.ones_like(present), ["S1"])
        >>> [axes.get_xlabel() for axes in figure.axes]
        ['', 'F 1.000']
    """
    if not len(present) or any(len(other) != len(present) for other in (*answers.values(), on_mat, titles)):
        raise MatposeError("maps, answers and titles do not fit together", mend="give one of each for every map")
    columns = {"measured": present, **answers}
    figure, panels = page_of(
        len(present) * len(columns), columns=len(columns), aspect=present.shape[1] / present.shape[2]
    )
    colours = ListedColormap(["black", "white"]).with_extremes(bad="#{:02x}{:02x}{:02x}".format(*MISSING_RGB))
    places = [(row, heading) for row in range(len(present)) for heading in columns]
    for panel, (row, heading) in zip(panels, places, strict=True):
        shown = np.ma.masked_array(columns[heading][row], ~on_mat[row])
        panel.imshow(shown, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
        if row == 0:
            panel.set_title(heading)
        if heading in answers:
            score = f_score(columns[heading][row], present[row], on_mat[row])
            panel.set_xlabel(f"F {score:.3f}", fontsize=8, labelpad=2)
        else:
            panel.set_ylabel(titles[row])
    return figure
