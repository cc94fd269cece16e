"""Look closer: a crop around the contact, or around its head side, before the network; its answer brought back.

The crop has the network's aspect, so nobody is stretched, and everybody fills it: size no longer tells who is tall.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage

from matpose.nn.scaling import scale_free
from matpose.zoo.system import Answer

CONTACT = 0.1  # of scale-free pressure, where contact lies around a third: a tenth of a body's typical pressure
SPECK = 0.005  # of a map's force: connected cells that bear less are not the body, but a fold or a fault
TOUCHING = np.ones((3, 3))  # corners connect


class Box(NamedTuple):
    """Rectangles on B maps, in ``xy_norm``; they may reach beyond the map.

    Args:
        centre: (B, 2).
        half: (B, 2), half of width and height.
    """

    centre: torch.Tensor
    half: torch.Tensor


def contact_cells(pressure: np.ndarray) -> np.ndarray:
    """Where something presses that is no speck: (H, W) pressure in any unit to (H, W) bool."""
    scaled = scale_free(torch.from_numpy(pressure).float()[None, None])[0, 0].numpy()
    labels, count = ndimage.label(scaled > CONTACT, TOUCHING)  # pyright: ignore[reportGeneralTypeIssues]
    force = np.bincount(labels.ravel(), pressure.clip(0).ravel(), count + 1)
    return ((force >= SPECK * force.sum()) & (np.arange(count + 1) > 0))[labels]


def contact_box(pressure: torch.Tensor, aspect: float, *, share: float = 1.0, margin: float = 0.05) -> Box:
    """The box around what presses, with a margin, and as wide or as high as the aspect asks for.

    Args:
        pressure: (B, 1, H, W), any unit, cells square.
        aspect: width over height of the crop.
        share: of the contact's height, from the head side: 1 for the full body, about .5 for the upper.
        margin: on every side, as a share of the longer one.

    Returns:
        B boxes; of a map without contact, the whole map.

    Example:
        >>> x = torch.zeros(1, 1, 64, 32); x[..., 16:32, 4:8] = 1
        >>> box = contact_box(x, 0.5, margin=0.0)
        >>> box.centre.tolist(), box.half.tolist()
        ([[-0.625, -0.25]], [[0.25, 0.25]])
    """
    rows, cols = pressure.shape[2:]
    boxes = []
    for one in pressure[:, 0].detach().cpu().numpy():
        y, x = np.nonzero(contact_cells(one))
        top, bottom, left, right = (y.min(), y.max() + 1, x.min(), x.max() + 1) if len(y) else (0, rows, 0, cols)
        if share < 1:
            bottom = top + share * (bottom - top)
            upper = x[y < bottom]
            left, right = upper.min(), upper.max() + 1
        height, width = bottom - top, right - left
        extra = 2 * margin * max(height, width)
        half_height = max(height + extra, (width + extra) / aspect) / 2
        boxes.append(((left + right) / 2, (top + bottom) / 2, half_height * aspect, half_height))
    found = pressure.new_tensor(boxes) * pressure.new_tensor((2 / cols, 2 / rows)).repeat(2)
    return Box(found[:, :2] - 1, found[:, 2:])


def crop(pressure: torch.Tensor, box: Box, size: tuple[int, int]) -> torch.Tensor:
    """Mean pressure over each cell of the crops; beyond the map there is none.

    Cells count by the area they share, so that force is preserved whether a crop enlarges or reduces, as by
    :meth:`matpose.canvas.Canvas.resample`.

    Args:
        pressure: (B, 1, H, W).
        box: of the B maps.
        size: (rows, cols) of the crops.

    Returns:
        (B, 1, rows, cols).

    Example:
        >>> whole = Box(torch.zeros(1, 2), torch.ones(1, 2))
        >>> x = torch.rand(1, 1, 4, 4)
        >>> torch.allclose(crop(x, whole, (2, 2)), torch.nn.functional.avg_pool2d(x, 2))
        True
    """

    def shares(axis: int, cells: int, of: int) -> torch.Tensor:
        """(B, cells, of): how much of each crop cell each map cell covers."""
        middle, half = ((box.centre[:, axis] + 1) * of / 2)[:, None], (box.half[:, axis] * of / 2)[:, None]
        edge = torch.linspace(-1, 1, cells + 1, dtype=half.dtype, device=half.device) * half + middle  # in map cells
        start = torch.arange(of, dtype=half.dtype, device=half.device)
        shared = torch.minimum(edge[:, 1:, None], start + 1) - torch.maximum(edge[:, :-1, None], start)
        return shared.clamp_min(0) / (2 * half / cells)[..., None]

    along, across = shares(1, size[0], pressure.shape[2]), shares(0, size[1], pressure.shape[3])
    return (along @ pressure[:, 0] @ across.mT)[:, None]


def to_crop(xy_norm: torch.Tensor, box: Box) -> torch.Tensor:
    """Places (B, N, 2) on the maps to places on their crops, in [-1, 1] there."""
    return (xy_norm - box.centre[:, None]) / box.half[:, None]


def to_map(xy_norm: torch.Tensor, box: Box) -> torch.Tensor:
    """The inverse of :func:`to_crop`."""
    return box.centre[:, None] + xy_norm * box.half[:, None]


def on_crop(
    system: Callable[[torch.Tensor], Answer],
    pressure: torch.Tensor,
    size: tuple[int, int],
    *,
    share: float = 1.0,
    margin: float = 0.05,
) -> Answer:
    """What a system says of the crops around the contact, on the maps.

    Args:
        system: of (B, 1, *size), scale-free, in 0..1; trained on such crops.
        pressure: (B, 1, H, W), any unit.
        size: (rows, cols) that the system sees.
        share, margin: as for :func:`contact_box`.

    Returns:
        Joints in ``xy_norm`` of the maps.
    """
    box = contact_box(pressure, size[1] / size[0], share=share, margin=margin)
    found = system(scale_free(crop(pressure, box, size)))
    return Answer(to_map(found.xy_norm, box), found.score)
