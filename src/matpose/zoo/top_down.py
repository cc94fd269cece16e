"""Several people on one mat, from above: each region of contact is one person, to be looked at alone.

People who touch are one region: :mod:`matpose.zoo.heads.grouping` goes the other way.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from matpose.zoo.crops import TOUCHING, contact_cells

REACH = (8, 2)
"""Cells that contact reaches along and across a mat to meet its own: on 32 mm, gaps of half a metre between feet and
hips, of an eighth between arm and trunk. People lie along a mat, so across it a gap means somebody else sooner."""
LEAST_FORCE = 0.1  # of the heaviest region's: an arm bears less, a child more


def people(pressure: torch.Tensor, *, reach: tuple[int, int] = REACH) -> torch.Tensor:
    """A map of everybody to a map of each; no cell is lost or doubled.

    Contact joins where it comes nearer than twice the reach; a region that bears too little for a person, and every
    cell that is in no region, goes to the nearest person.

    Args:
        pressure: (H, W), any unit.
        reach: cells along and across.

    Returns:
        (P, 1, H, W), the heaviest first; the map as it is where nothing presses.

    Example:
        >>> x = torch.zeros(32, 32); x[4:28, 2:8], x[4:28, 20:30] = 1.0, 2.0
        >>> people(x).sum((1, 2, 3)).tolist()
        [480.0, 144.0]
    """
    load = pressure.detach().cpu().numpy()
    contact = contact_cells(load)
    reached = ndimage.binary_dilation(contact, np.ones((2 * reach[0] + 1, 2 * reach[1] + 1)))
    labels, count = ndimage.label(reached, TOUCHING)  # pyright: ignore[reportGeneralTypeIssues]
    if not count:
        return pressure[None, None]
    labels = np.where(contact, labels, 0)
    force = np.bincount(labels.ravel(), load.ravel(), count + 1)[1:]
    order = np.argsort(-force, kind="stable") + 1
    heavy = order[force[order - 1] >= LEAST_FORCE * force.max()]
    # the person whose contact is nearest has the cell
    near = ndimage.distance_transform_edt(~np.isin(labels, heavy), return_distances=False, return_indices=True)
    whose = torch.from_numpy(labels[tuple(np.asarray(near))]).to(pressure.device)
    return torch.stack([pressure.where(whose == int(label), 0.0) for label in heavy])[:, None]
