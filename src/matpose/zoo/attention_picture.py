"""What a joint was read from, as a picture: attention of its predicted cell over the map, by joint and depth.

Source: Yang et al., "TransPose", ICCV 2021, arXiv 2012.14214, section 3.4 and figure 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from matpose.errors import MatposeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL_IN = 1.1  # five of them are as wide as a page
ATTENTION_RGB = (1.0, 0.55, 0.0)  # stands out from grey pressure, and from the white ring


def attention_picture(
    x: np.ndarray, attention: np.ndarray, xy_norm: np.ndarray, names: Sequence[str], *, shown: Sequence[str]
) -> Figure:
    """A row for every layer, from the first, and a column for every joint shown.

    Grey is the map; the more orange a cell, the more the joint's cell looked at it, relative to the cell most looked
    at; the ring is where the joint was found.

    Args:
        x: (H, W) the map as the network sees it, 0..1.
        attention: (layers, J, h, w), of one map: ``TransPose.attention(output)[:, index]``.
        xy_norm: (J, 2), the answer.
        names: J names.
        shown: those of the columns.

    Raises:
        MatposeError: no joints or unknown ones are to be shown, or arrays that do not fit together.

    Example:
        >>> rows = np.full((2, 3, 4, 2), 1 / 8)
        >>> figure = attention_picture(np.eye(8)[:, :4], rows, np.zeros((3, 2)), ["a", "b", "c"], shown=["c", "a"])
        >>> [axes.get_title() for axes in figure.axes]
        ['c', 'a', '', '']
    """
    if not shown or set(shown) - set(names):
        raise MatposeError(f"there are no joints {list(shown)}", mend=f"show some of {', '.join(names)}")
    if not attention.shape[1] == len(xy_norm) == len(names):
        raise MatposeError("attention, places and names do not fit together", mend="give one of each for every joint")
    from matplotlib.figure import Figure  # slow to import, and pictures are not always asked for

    layers, height, width = len(attention), *x.shape
    size = (PANEL_IN * len(shown) + 0.3, PANEL_IN * layers * height / width + 0.3)
    figure = Figure(figsize=size, layout="constrained", dpi=200)
    panels = figure.subplots(layers, len(shown), squeeze=False)
    for layer, row in enumerate(panels):
        for panel, name in zip(row, shown, strict=True):
            joint = list(names).index(name)
            looked = attention[layer, joint]
            veil = np.empty((*looked.shape, 4))
            veil[..., :3], veil[..., 3] = ATTENTION_RGB, 0.8 * looked / max(float(looked.max()), 1e-12)
            extent = (-1.0, 1.0, 1.0, -1.0)
            panel.imshow(x, cmap="gray", vmin=0, vmax=1, extent=extent, aspect=height / width)
            panel.imshow(veil, extent=extent, aspect=height / width, interpolation="nearest")
            panel.plot(*xy_norm[joint], "o", fillstyle="none", markersize=6, markeredgecolor="white", markeredgewidth=1)
            panel.set(xticks=[], yticks=[], xlim=(-1, 1), ylim=(1, -1))
            if layer == 0:
                panel.set_title(name.replace("_", " "), fontsize=8)
        row[0].set_ylabel(f"layer {layer + 1}", fontsize=8)
    return figure
