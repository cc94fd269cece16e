"""The strokes every picture is made of: a page of panels, pressure, points, metres, colour bars."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from matpose.evaluation.palette import MISSING_RGB, PRESSURE_MAP, full_scale, point_rgb

PAGE_IN = 5.4  # width of a figure, inches; type of 8 to 10 points stays legible at phone width
NUMBERED_POINTS = 40  # beyond this many, numerals would hide the person
DIFFERENCE_MAP = "RdBu_r"
_INK = "#1b1f24"
_MISSING = "#{:02x}{:02x}{:02x}".format(*MISSING_RGB)


def page_of(count: int, *, columns: int, aspect: float) -> tuple[Figure, list[Axes]]:
    """A page of equal panels without ticks; aspect is height over width of a map."""
    columns = min(columns, count)
    rows = -(-count // columns)
    # few panels do not grow beyond a third of the page each, or a single map would fill a screen
    width = min(PAGE_IN, 0.4 + columns * max(PAGE_IN / 3, 0.62))
    figure = Figure(figsize=(width, rows * (aspect * (width - 0.5) / columns + 0.34)), layout="constrained", dpi=200)
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.04, wspace=0.01, hspace=0.01)  # pyright: ignore
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for panel in grid:
        panel.set(xticks=[], yticks=[])
        panel.title.set(fontsize=9, color=_INK)
        panel.yaxis.label.set(fontsize=9, color=_INK)
        for spine in panel.spines.values():
            spine.set_visible(False)
    for panel in grid[count:]:
        panel.remove()
    return figure, grid[:count]


def draw_pressure(
    panel: Axes,
    pressure: np.ndarray,
    extent: tuple[float, float, float, float] | None = None,
    scale: float | None = None,
) -> None:
    """(H, W) pressure by its square root, cells as measured; NaN grey."""
    colours = colormaps[PRESSURE_MAP].with_extremes(bad=_MISSING)
    norm = PowerNorm(0.5, 0, scale or full_scale(pressure), clip=True)
    panel.imshow(pressure, cmap=colours, norm=norm, extent=extent, interpolation="nearest")


def draw_difference(panel: Axes, difference: np.ndarray, scale: float) -> None:
    """(H, W) reconstruction less input: blue where it lacks pressure, red where it has too much."""
    colours = colormaps[DIFFERENCE_MAP].with_extremes(bad=_MISSING)
    panel.imshow(difference, cmap=colours, norm=Normalize(-scale, scale), interpolation="nearest")


def draw_points(panel: Axes, xy_m: np.ndarray) -> None:
    """(K, 2) points in the panel's own coordinates, each in its colour; NaN is left out."""
    numbered = len(xy_m) <= NUMBERED_POINTS
    disc = {"markersize": 8.6 if numbered else 4.5, "markeredgecolor": "black", "markeredgewidth": 0.5}
    numeral = {"fontsize": 5.3, "fontweight": "bold", "ha": "center", "va": "center_baseline"}
    for index, (x, y) in enumerate(xy_m):
        if np.isfinite((x, y)).all():
            panel.plot(x, y, "o", color=_colour(index), zorder=2 + 0.01 * index, **disc)
            if numbered:  # of two discs that meet, the upper one hides the other's numeral, not its own
                panel.text(x, y, str(index), zorder=2.005 + 0.01 * index, **numeral)


def draw_rings(panel: Axes, xy_m: np.ndarray, spread_m: np.ndarray) -> None:
    """(K,) radii in metres around the points."""
    for index, ((x, y), radius) in enumerate(zip(xy_m, spread_m, strict=True)):
        if np.isfinite((x, y, radius)).all():
            panel.add_patch(Circle((x, y), radius, fill=False, edgecolor=_colour(index), linewidth=0.7))


def draw_metres(panel: Axes, *, label: bool) -> None:
    """Ticks every half metre, outside; the frame of the mat: x to the right, y from head to foot."""
    left, right = panel.get_xlim()
    foot, head = panel.get_ylim()
    panel.set(xticks=np.arange(left, right + 1e-6, 0.5), yticks=np.arange(head, foot + 1e-6, 0.5))
    panel.tick_params(labelsize=7, colors=_INK, length=2, pad=1.5, labelleft=label)
    if label:
        panel.set_ylabel("m from the head edge", fontsize=7.5)


def draw_bar(figure: Figure, panels: list[Axes], colours: str, norm: Normalize, label: str) -> None:
    """A slim colour bar beneath some panels."""
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=panels, location="bottom", shrink=0.8, aspect=24, pad=0.01)
    bar.set_label(label, fontsize=8, color=_INK)
    bar.ax.tick_params(labelsize=7, length=2, colors=_INK)
    bar.ax.spines["outline"].set_visible(False)


def _colour(index: int) -> tuple[float, float, float]:
    red, green, blue = point_rgb(index)
    return red / 255, green / 255, blue / 255
