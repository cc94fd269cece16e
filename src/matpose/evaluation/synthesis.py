"""Fits beside real maps: where on the body they differ, what a mean map does, and a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from matpose.evaluation.palette import full_scale
from matpose.evaluation.panels import draw_difference, draw_pressure, page_of
from matpose.mat import Mat
from matpose.recording import JOINT_NAMES, PART_NAMES
from matpose.simulate.likeness import best_shifts, moved, shape_of

_BONES = tuple(
    (JOINT_NAMES.index(one), JOINT_NAMES.index(other))
    for one, other in (
        ("head_top", "thorax"), ("left_hip", "right_hip"),
        *(("thorax", f"{side}_shoulder") for side in ("left", "right")),
        *((f"{side}_{one}", f"{side}_{other}") for side in ("left", "right") for one, other in (
            ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"))),
    )
)  # fmt: skip
_LINE = "#7ce0ff"


def mean_of_others(map_kpa: np.ndarray, others_kpa: np.ndarray) -> np.ndarray:
    """What other people in the same posture press on the mean, each moved by whole cells to lie on a map.

    Args:
        map_kpa: (rows, cols), not empty.
        others_kpa: (N, rows, cols), none empty; each counts as much as another, whatever they weigh.

    Returns:
        (rows, cols) of the map's force, but for what is moved over the edge.

    Example:
        >>> spot = np.zeros((8, 8))
        >>> spot[2, 3] = 2
        >>> float(mean_of_others(spot, 5 * np.roll(spot, 2, 0)[None])[2, 3])
        2.0
    """
    shifts, _ = best_shifts(shape_of(map_kpa), shape_of(others_kpa))
    shares = others_kpa / others_kpa.sum((1, 2), keepdims=True)
    cells = shifts.round().astype(int).tolist()
    laid = [moved(share, down, right) for share, (down, right) in zip(shares, cells, strict=True)]
    return map_kpa.sum() * np.mean(laid, axis=0)


def excess_by_part(real_kpa: np.ndarray, simulated_kpa: np.ndarray, parts: np.ndarray) -> dict[str, float]:
    """Force of the real map less the simulated one's under every part of the body, as shares of all force.

    Args:
        real_kpa, simulated_kpa: (rows, cols); each is taken as a share of its own force.
        parts: (rows, cols) uint8 of the simulated map; "none" is where nobody lies in it.

    Returns:
        Part to share; they add up to 0.

    Example:
        >>> parts = np.array([[0, 1]])
        >>> found = excess_by_part(np.array([[1.0, 3.0]]), np.array([[0.0, 2.0]]), parts)
        >>> found["none"], found["head"]
        (0.25, -0.25)
    """
    difference = real_kpa / real_kpa.sum() - simulated_kpa / simulated_kpa.sum()
    by_part = np.bincount(parts.ravel(), difference.ravel(), len(PART_NAMES))
    return dict(zip(PART_NAMES, by_part.tolist(), strict=True))


def fits_beside_real(
    real_kpa: np.ndarray, fitted_kpa: np.ndarray, joints_m: np.ndarray, mat: Mat, titles: Sequence[str]
) -> Figure:
    """Real map, fit with its joints, and real less fit (red: the real map presses more); three panels a map.

    Args:
        real_kpa, fitted_kpa: (N, rows, cols); the fits are drawn at the real maps' force.
        joints_m: (N, 14, 3) of the fits, in the mat's frame; not measured.
        mat: theirs.
        titles: N short ones.

    Example:
        >>> maps = np.ones((2, 8, 4))
        >>> figure = fits_beside_real(maps, maps, np.zeros((2, 14, 3)), Mat(8, 4, 0.1, 0.1), ["a", "b"])
        >>> [panel.get_title() for panel in figure.axes[:3]]
        ['a', 'fit', 'real - fit']
    """
    figure, panels = page_of(3 * len(real_kpa), columns=6, aspect=mat.height_m / mat.width_m)
    cells = np.array(mat.pitch_m[::-1])
    for index, (real, fitted) in enumerate(zip(real_kpa, fitted_kpa, strict=True)):
        first, second, third = panels[3 * index : 3 * index + 3]
        scale, fitted = full_scale(real), fitted * (real.sum() / fitted.sum())
        draw_pressure(first, real, scale=scale)
        draw_pressure(second, fitted, scale=scale)
        at = joints_m[index, :, :2] / cells - 0.5
        for bone in _BONES:
            second.plot(*at[list(bone)].T, color=_LINE, linewidth=0.8)
        second.set(xlim=(-0.5, mat.cols - 0.5), ylim=(mat.rows - 0.5, -0.5))
        draw_difference(third, real - fitted, scale / 2)
        for panel, title in zip((first, second, third), (titles[index], "fit", "real - fit"), strict=True):
            panel.set_title(title, fontsize=6)
    figure.supxlabel("maps: PmatData (Pouyan et al. 2017), ODC-By 1.0; joints are the fits', not measured", fontsize=6)
    return figure
