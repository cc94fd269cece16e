"""Simulated maps beside real ones, for the eye: sheets, nearest neighbours, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter, shift

from matpose.errors import MatposeError
from matpose.evaluation.charts import INK, plain_axes
from matpose.evaluation.palette import PRESSURE_MAP, full_scale
from matpose.evaluation.panels import PAGE_IN, draw_bar, draw_pressure, page_of

SHEET_COLUMNS = 6
BLUR_CELLS = 1.0
_REAL, _SIMULATED = "#0072b2", "#d55e00"


def sheets(real: np.ndarray, simulated: np.ndarray, *, columns: int = SHEET_COLUMNS) -> Figure:
    """Two blocks of maps on one colour scale, simulated at the left.

    Args:
        real, simulated: (N, H, W) pressure, kPa; the scale is that of the real ones.
        columns: maps in a line of each block.

    Raises:
        MatposeError: no maps, or other numbers or sizes of them.

    Example:
        >>> figure = sheets(np.ones((4, 8, 4)), np.ones((4, 8, 4)), columns=2)
        >>> [axes.get_title() for axes in figure.axes[:2]]
        ['simulated', 'real']
    """
    if real.shape != simulated.shape or not len(real):
        raise MatposeError("the two sheets do not match", mend="give as many real maps as simulated ones, on one grid")
    scale = full_scale(real)
    blocks = {"simulated": _tiled(simulated, columns), "real": _tiled(real, columns)}
    height, width = blocks["real"].shape
    figure = Figure(figsize=(PAGE_IN, 0.7 + PAGE_IN / 2 * height / width), layout="constrained", dpi=200)
    panels = figure.subplots(1, 2).ravel().tolist()
    for panel, (title, block) in zip(panels, blocks.items(), strict=True):
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        draw_pressure(panel, block, scale=scale)
        panel.set_title(title, fontsize=9, color=INK)
    draw_bar(figure, panels, PRESSURE_MAP, PowerNorm(0.5, 0, scale), "pressure, kPa")
    return figure


def nearest_real(simulated: np.ndarray, real: np.ndarray, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """The real maps most like each simulated one, wherever on the canvas the person lies.

    Maps are shifted so that their centres of pressure meet; distance is the root mean square difference of blurred
    root pressure.

    Args:
        simulated, real: (N, H, W), (M, H, W) pressure on one canvas, kPa.
        count: neighbours of each.

    Returns:
        (N, count) indices of real maps, the nearest first, and (N, count) distances in root kPa.

    Raises:
        MatposeError: fewer real maps than neighbours, or other grids.

    Example:
        >>> maps = np.random.default_rng(0).gamma(1.0, 1.0, (5, 8, 4))
        >>> nearest_real(maps[:2], maps, 1)[0].tolist()
        [[0], [1]]
    """
    if len(real) < count or real.shape[1:] != simulated.shape[1:]:
        raise MatposeError("these maps have no such neighbours", mend=f"give {count} real maps or more, on one grid")
    a, b = (np.stack([_aligned(np.asarray(m, np.float64)) for m in maps]) for maps in (simulated, real))
    distances = np.sqrt(((a[:, None] - b[None]) ** 2).mean((2, 3)))
    order = distances.argsort(1, kind="stable")[:, :count]
    return order, np.take_along_axis(distances, order, 1)


def neighbours(simulated: np.ndarray, real: np.ndarray, real_names: Sequence[str], count: int = 3) -> Figure:
    """Each simulated map with the real ones most like it (:func:`nearest_real`), two groups a line.

    Args:
        simulated: (N, H, W) pressure on one canvas, kPa.
        real: (M, H, W) likewise; the colour scale is theirs.
        real_names: M short titles.
        count: neighbours of each.
    """
    order, distances = nearest_real(simulated, real, count)
    scale = full_scale(real)
    figure, panels = page_of(len(order) * (count + 1), columns=2 * (count + 1), aspect=real.shape[1] / real.shape[2])
    for group, (own, indices, far) in enumerate(zip(simulated, order, distances, strict=True)):
        first, *others = panels[group * (count + 1) : (group + 1) * (count + 1)]
        draw_pressure(first, own, scale=scale)
        first.set_title("simulated", fontsize=7, fontweight="bold")
        for panel, index, away in zip(others, indices, far, strict=True):
            draw_pressure(panel, real[index], scale=scale)
            panel.set_title(f"{real_names[index]}\n{away:.2f}", fontsize=6)
    return figure


def curves(comparison: Mapping[str, Mapping]) -> Figure:
    """Area over pressure and power over frequency, real and simulated, with 10-90 % bands: a line a posture.

    Args:
        comparison: from :func:`matpose.evaluation.realism_comparison.compare_maps`.
    """
    figure = Figure(figsize=(PAGE_IN, 0.4 + 1.7 * len(comparison)), layout="constrained", dpi=200)
    grid = figure.subplots(len(comparison), 2, squeeze=False)
    for (left, right), (posture, found) in zip(grid, comparison.items(), strict=True):
        for panel, key, axis in ((left, "area_m2", "threshold_mmhg"), (right, "log10_power", "cycles_per_m")):
            for kind, colour in (("real", _REAL), ("simulated", _SIMULATED)):
                band = found[key][kind]
                panel.plot(found[key][axis], band["median"], color=colour, linewidth=1.6, label=kind)
                panel.fill_between(found[key][axis], band["p10"], band["p90"], color=colour, alpha=0.15, linewidth=0)
        left.set_xscale("log")
        plain_axes(left, f"{posture}: area above, m\N{SUPERSCRIPT TWO}", pad=4)
        plain_axes(right, "log power of root pressure", pad=4)
    grid[0, 0].legend(frameon=False, fontsize=8)
    grid[-1, 0].set_xlabel("mmHg", fontsize=9, color=INK)
    grid[-1, 1].set_xlabel("cycles per metre", fontsize=9, color=INK)
    return figure


def _tiled(maps: np.ndarray, columns: int) -> np.ndarray:
    """One picture of all maps, a cell without a reading between them."""
    lines = -(-len(maps) // columns)
    padded = np.full((lines * columns, maps.shape[1] + 1, maps.shape[2] + 1), np.nan)
    padded[: len(maps), :-1, :-1] = maps
    tall, wide = padded.shape[1:]
    return padded.reshape(lines, columns, tall, wide).transpose(0, 2, 1, 3).reshape(lines * tall, columns * wide)


def _aligned(kpa: np.ndarray) -> np.ndarray:
    """Blurred root pressure with the centre of pressure in the middle of the canvas."""
    kpa = np.clip(np.nan_to_num(kpa, nan=0.0), 0, None)
    total = max(float(kpa.sum()), 1e-12)
    middle = [(cells - 1) / 2 for cells in kpa.shape]
    centre = [float(kpa.sum(1) @ np.arange(kpa.shape[0])) / total, float(kpa.sum(0) @ np.arange(kpa.shape[1])) / total]
    moved = shift(kpa, np.subtract(middle, centre), order=1, mode="constant")
    return gaussian_filter(np.sqrt(moved), BLUR_CELLS, mode="constant")
