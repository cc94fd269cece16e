"""Pictures of maps: with their points, beside their reconstructions, under their heatmaps.

Every function returns a matplotlib ``Figure`` and touches no global state, so it is safe in threads and
servers. Pages are narrow and type is large on purpose: the pictures are read on phones too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure

from matpose.errors import MatposeError
from matpose.evaluation.palette import PRESSURE_MAP, brightness, full_scale, point_rgb
from matpose.evaluation.panels import (
    DIFFERENCE_MAP,
    draw_bar,
    draw_difference,
    draw_metres,
    draw_points,
    draw_pressure,
    draw_rings,
    page_of,
)


def maps_with_points(
    maps: np.ndarray,
    xy_norm: np.ndarray,
    *,
    cell_m: float,
    titles: Sequence[str],
    spread: np.ndarray | None = None,
) -> Figure:
    """Pressure maps with their discovered points, each point in its own colour and number.

    Args:
        maps: (N, H, W) pressure, any unit; each map is drawn to its own full scale.
        xy_norm: (N, K, 2) points, x and y in [-1, 1] over the canvas's outer edges; NaN = not to be trusted.
        cell_m: side of a canvas cell, metres.
        titles: N short titles.
        spread: (N, K) root-mean-square radius of each point's heatmap, metres; drawn as a ring.

    Raises:
        MatposeError: the numbers of maps, points and titles differ.
    """
    count, rows, cols = _stack(maps)
    _same_length(count, points=xy_norm, titles=titles, spread=maps if spread is None else spread)
    height_m, width_m = rows * cell_m, cols * cell_m
    figure, panels = page_of(count, columns=3, aspect=rows / cols)
    for index, panel in enumerate(panels):
        draw_pressure(panel, maps[index], (0, width_m, height_m, 0))
        panel.set_title(titles[index])
        xy_m = (np.asarray(xy_norm[index]) + 1) / 2 * (width_m, height_m)
        if spread is not None:
            draw_rings(panel, xy_m, np.asarray(spread[index]))
        draw_points(panel, xy_m)
        draw_metres(panel, label=index % 3 == 0)
    return figure


def reconstruction_pairs(inputs: np.ndarray, outputs: np.ndarray, titles: Sequence[str]) -> Figure:
    """What the network saw, what it rebuilt from the points alone, and the difference, row by row.

    Args:
        inputs: (N, H, W) pressure as the network saw it.
        outputs: (N, H, W) its reconstruction, in the same unit; drawn on the input's scale.
        titles: N short names for the rows.

    Raises:
        MatposeError: the numbers of inputs, outputs and titles differ.
    """
    count, rows, cols = _stack(inputs)
    _same_length(count, outputs=outputs, titles=titles)
    figure, panels = page_of(3 * count, columns=3, aspect=rows / cols)
    for index in range(count):
        left, middle, right = panels[3 * index : 3 * index + 3]
        scale = full_scale(inputs[index])
        draw_pressure(left, inputs[index], scale=scale)
        draw_pressure(middle, outputs[index], scale=scale)
        draw_difference(right, outputs[index] - inputs[index], scale)
        left.set_ylabel(titles[index])
    for panel, heading in zip(panels, ("input", "reconstruction", "difference"), strict=False):
        panel.set_title(heading)
    draw_bar(figure, panels[-1:], DIFFERENCE_MAP, Normalize(-1, 1), "too low  \N{EM DASH}  too high")
    draw_bar(figure, panels[-3:-1], PRESSURE_MAP, PowerNorm(0.5, 0, 1), "pressure / full scale of the input")
    return figure


def heatmaps(pressure: np.ndarray, maps_of_points: np.ndarray, xy_norm: np.ndarray) -> Figure:
    """Every point's heatmap over the faint map, and the point that is its mean.

    Args:
        pressure: (H, W) pressure.
        maps_of_points: (K, h, w) heatmaps over the same canvas, each drawn to its own maximum.
        xy_norm: (K, 2) their means, in [-1, 1] over the canvas's outer edges.

    Raises:
        MatposeError: the numbers of heatmaps and points differ.
    """
    count, _, _ = _stack(maps_of_points)
    _same_length(count, points=xy_norm)
    rows, cols = pressure.shape
    extent = (0, cols, rows, 0)
    figure, panels = page_of(count, columns=6, aspect=rows / cols)
    shadow = brightness(pressure, full_scale(pressure))
    for index, panel in enumerate(panels):
        panel.imshow(shadow, cmap="gray", vmin=0, vmax=1.6, extent=extent, interpolation="nearest")
        share = maps_of_points[index] / max(float(maps_of_points[index].max()), np.finfo(np.float32).tiny)
        colour = np.array(point_rgb(index)) / 255
        glow = np.dstack([np.broadcast_to(colour, (*share.shape, 3)), np.sqrt(share.clip(0, 1))])
        panel.imshow(glow, extent=extent, interpolation="bilinear")
        x, y = (np.asarray(xy_norm[index]) + 1) / 2 * (cols, rows)
        panel.plot(x, y, "+", color="white", markersize=5, markeredgewidth=0.9)
        panel.set(xlim=(0, cols), ylim=(rows, 0))
        panel.set_title(str(index), pad=2)
    return figure


def _stack(maps: np.ndarray) -> tuple[int, int, int]:
    if maps.ndim != 3 or not len(maps):
        raise MatposeError(f"maps of shape {maps.shape} cannot be drawn", mend="give at least one, as (N, H, W)")
    return maps.shape[0], maps.shape[1], maps.shape[2]


def _same_length(count: int, **others: Sequence | np.ndarray) -> None:
    for name, values in others.items():
        if len(values) != count:
            raise MatposeError(f"{count} maps but {len(values)} {name}", mend="give one for each map")
