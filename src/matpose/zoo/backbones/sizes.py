"""Which maps a backbone can take: every halving needs an even number of cells."""

from __future__ import annotations

import torch

from matpose.errors import ModelError


def require_sides(x: torch.Tensor, multiple: int, name: str) -> None:
    """Refuse maps that a backbone cannot halve to its coarsest level.

    Args:
        x: (B, C, H, W).
        multiple: what H and W must be multiples of.
        name: of the backbone, for the message.

    Raises:
        ModelError: other sides, or none.

    Example:
        >>> require_sides(torch.zeros(1, 1, 64, 32), 32, "native")
        >>> require_sides(torch.zeros(1, 1, 64, 32), 64, "shglass")
        Traceback (most recent call last):
        matpose.errors.ModelError: shglass cannot take maps of 64 x 32 cells. Mend: pad them with empty cells to sides
        that are multiples of 64.
    """
    height, width = x.shape[-2:]
    if not height or not width or height % multiple or width % multiple:
        raise ModelError(
            f"{name} cannot take maps of {height} x {width} cells",
            mend=f"pad them with empty cells to sides that are multiples of {multiple}",
        )
