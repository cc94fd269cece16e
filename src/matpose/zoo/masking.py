"""Contact that is lost, or is where none should be: keypoint masking of MSS-Net, and BlazePose's occluders.

Lost contact at a joint is a pressure mat's own failure: the limb is lifted, or bears on a bone beside it.

Sources: Ke et al., ECCV 2018, section 3.4; Bazarevsky et al., CVPRW 2020, arXiv 2006.10204.
"""

from __future__ import annotations

import torch

from matpose.nn.heatmap import cell_centres
from matpose.zoo.system import Truth


def _place(xy_norm: torch.Tensor, which: torch.Tensor, aspect: float) -> torch.Tensor:
    """One joint of every person, (B, 1, 2), in half-heights."""
    people = torch.arange(xy_norm.shape[0], device=xy_norm.device)
    return (xy_norm * xy_norm.new_tensor((aspect, 1.0)))[people, which][:, None]


def _disc(pressure: torch.Tensor, centre: torch.Tensor, radius: torch.Tensor, aspect: float) -> torch.Tensor:
    """(B, 1, H, W) bool: cells whose centres lie nearer than the radius to (B, 1, 2) in half-heights."""
    height, width = pressure.shape[2:]
    cells = cell_centres(height, width, pressure).view(height, width, 2) * centre.new_tensor((aspect, 1.0))
    return ((cells - centre[:, :, None]).norm(dim=-1) < radius.view(-1, 1, 1))[:, None]


def mask_joint(
    pressure: torch.Tensor, xy_norm: torch.Tensor, which: torch.Tensor, radius: torch.Tensor, aspect: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps without the contact around one joint each.

    Args:
        pressure: (B, 1, H, W).
        xy_norm: (B, J, 2), where the joints are.
        which: (B,) int, the joint of every map.
        radius: (B,) in half-heights of the map; 0 takes nothing.
        aspect: width / height of the map.

    Returns:
        The maps, and (B, J) bool: the joints within the radius, whose contact cannot be seen any more.

    Example:
        >>> joints = torch.tensor([[[0.0, -0.75], [0.0, 0.75]]])
        >>> left, lost = mask_joint(torch.ones(1, 1, 4, 1), joints, torch.tensor([1]), torch.tensor([0.1]), 0.25)
        >>> left.flatten().tolist(), lost.tolist()
        ([1.0, 1.0, 1.0, 0.0], [[False, True]])
    """
    centre = _place(xy_norm, which, aspect)
    lost = (xy_norm * xy_norm.new_tensor((aspect, 1.0)) - centre).norm(dim=-1) < radius.view(-1, 1)
    return pressure * ~_disc(pressure, centre, radius, aspect), lost


def transplant_joint(
    pressure: torch.Tensor,
    xy_norm: torch.Tensor,
    which: torch.Tensor,
    radius: torch.Tensor,
    aspect: float,
    to_norm: torch.Tensor,
) -> torch.Tensor:
    """Maps with the contact around one joint a second time, elsewhere: as if of another limb, or another person.

    The copy is moved by whole cells and nothing is taken away: where both press, the greater pressure stays.

    Args:
        pressure, xy_norm, which, radius, aspect: as of :func:`mask_joint`.
        to_norm: (B, 2), where the copied joint comes to lie.

    Returns:
        (B, 1, H, W).

    Example:
        >>> joint = torch.tensor([[[0.0, 0.75]]])
        >>> one = (torch.tensor([0]), torch.tensor([0.1]), 0.25, torch.tensor([[0.0, -0.75]]))
        >>> transplant_joint(torch.arange(4.0).view(1, 1, 4, 1), joint, *one).flatten().tolist()
        [3.0, 1.0, 2.0, 3.0]
    """
    count, _, height, width = pressure.shape
    patch = pressure * _disc(pressure, _place(xy_norm, which, aspect), radius, aspect)
    people = torch.arange(count, device=pressure.device)
    move = (to_norm - xy_norm[people, which]) * to_norm.new_tensor((width / 2, height / 2))
    right, down = move.round().long().view(count, 2, 1).unbind(1)  # cells, (B, 1)
    rows = torch.arange(height, device=pressure.device) - down  # (B, H): where every row comes from
    columns = torch.arange(width, device=pressure.device) - right
    on_map = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    moved = patch[people[:, None, None], 0, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None]]
    return torch.maximum(pressure, (moved * on_map)[:, None])


def occlude(
    x: torch.Tensor, truth: Truth, generator: torch.Generator, *, boxes: int = 2, largest: float = 0.4
) -> tuple[torch.Tensor, Truth]:
    """For training: rectangles at random places hold no pressure, and what lies beneath is not seen to press.

    Args:
        x: (B, 1, H, W).
        truth: of the B people.
        generator: draws them.
        boxes: rectangles on each map.
        largest: the longest side, as a share of the map's; sides are drawn evenly from zero up to it.

    Returns:
        Maps with zeros; the truth with ``contact`` false within a rectangle. Places stay as they are.

    Example:
        >>> truth = Truth(torch.zeros(1, 14, 2), torch.ones(1, 14, dtype=torch.bool), torch.ones(1, 14))
        >>> dark, _ = occlude(torch.ones(1, 1, 64, 32), truth, torch.Generator().manual_seed(0))
        >>> 0 < int((dark == 0).sum()) < 2 * 0.4**2 * 64 * 32 + 1
        True
    """
    drawn = torch.rand(2, len(x), boxes, 2, generator=generator).to(x)
    middle, half = 2 * drawn[0] - 1, largest * drawn[1]  # xy_norm, (B, boxes, 2)

    def under(xy_norm: torch.Tensor) -> torch.Tensor:
        """(B, N, 2) or (1, N, 2) to (B, N) bool."""
        return ((xy_norm[:, None] - middle[:, :, None]).abs() <= half[:, :, None]).all(-1).any(1)

    hidden = under(cell_centres(x.shape[2], x.shape[3], x)[None]).view(len(x), 1, *x.shape[2:])
    return x.masked_fill(hidden, 0.0), truth._replace(contact=truth.contact & ~under(truth.xy_norm))
