"""Smooth warps of maps and points: turn, scale, shift and thin-plate bending, with one definition for both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch.nn import functional as F

from matpose.nn.heatmap import cell_centres

INVERSE_STEPS = 12


def _kernel(squared: torch.Tensor) -> torch.Tensor:
    return squared * squared.clamp_min(1e-12).log()  # r^2 log r^2


@lru_cache(maxsize=8)
def _controls(aspect: float) -> tuple[torch.Tensor, torch.Tensor]:
    """5 x 5 control points over the canvas (25, 2), and the inverse of the thin-plate system (28, 28)."""
    along = torch.linspace(-1, 1, 5, dtype=torch.float64)
    points = torch.cartesian_prod(aspect * along, along)
    affine = torch.cat((torch.ones(25, 1, dtype=torch.float64), points), 1)
    system = torch.zeros(28, 28, dtype=torch.float64)
    system[:25, :25] = _kernel((points[:, None] - points).square().sum(-1))
    system[:25, 25:], system[25:, :25] = affine, affine.T
    return points, torch.linalg.inv(system)


@dataclass(frozen=True)
class Warp:
    """B warps of a canvas. Lengths are in half-heights of the canvas, so that a turn is rigid.

    ``source(u)`` says where in the original the warped map's place ``u`` comes from; a map is warped by sampling
    there, and a point ``p`` of the warped map lies at ``source(p)`` of the original.

    Args:
        turn_rad: (B,).
        scale: (B,), above 1 enlarges.
        shift: (B, 2), x and y.
        bend: (B, 25, 2) displacements of a 5 x 5 grid of control points.
        aspect: width / height of the canvas.
    """

    turn_rad: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor
    bend: torch.Tensor
    aspect: float

    def __getitem__(self, part: slice) -> Warp:
        """Some of the warps."""
        return Warp(self.turn_rad[part], self.scale[part], self.shift[part], self.bend[part], self.aspect)

    def source(self, xy_norm: torch.Tensor) -> torch.Tensor:
        """Places in the warped canvas to places in the original, in [-1, 1] both.

        Args:
            xy_norm: (B, N, 2), or (1, N, 2) for all warps.

        Returns:
            (B, N, 2).
        """
        stretch = xy_norm.new_tensor((self.aspect, 1.0))
        xy = xy_norm * stretch
        points, inverse = (t.to(xy_norm) for t in _controls(self.aspect))
        turn_rad, scale, shift, bend = (t.to(xy_norm) for t in (self.turn_rad, self.scale, self.shift, self.bend))
        distance = _kernel((xy[:, :, None] - points).square().sum(-1))  # (B, N, 25)
        basis = torch.cat((distance, torch.ones_like(xy[..., :1]), xy), -1)  # (B, N, 28)
        bent = basis @ (inverse[:, :25] @ bend)  # (B, N, 2)
        cos, sin = turn_rad.cos(), turn_rad.sin()
        turn = torch.stack((cos, -sin, sin, cos), -1).view(-1, 2, 2) / scale.view(-1, 1, 1)
        return ((xy - shift[:, None]) @ turn.mT + bent) / stretch

    def arrives(self, xy_norm: torch.Tensor) -> torch.Tensor:
        """Places in the original to places in the warped canvas: the inverse of :meth:`source`, to a thousandth.

        Bending has no inverse in closed form; the steps are Newton's with the Jacobian of the rigid part, which
        converge where a canvas is not folded.

        Args:
            xy_norm: (B, N, 2).

        Returns:
            (B, N, 2).
        """
        stretch = xy_norm.new_tensor((self.aspect, 1.0))
        turn_rad, scale = self.turn_rad.to(xy_norm), self.scale.to(xy_norm)
        cos, sin = turn_rad.cos(), turn_rad.sin()
        back = torch.stack((cos, sin, -sin, cos), -1).view(-1, 2, 2) * scale.view(-1, 1, 1)
        arrived = xy_norm
        for _ in range(INVERSE_STEPS):
            arrived = arrived - ((self.source(arrived) - xy_norm) * stretch) @ back.mT / stretch
        return arrived

    def maps(self, maps: torch.Tensor) -> torch.Tensor:
        """Warp maps (B, C, H, W); what comes from outside is zero."""
        grid = cell_centres(maps.shape[2], maps.shape[3], maps)[None]  # (1, HW, 2)
        source = self.source(grid).view(len(maps), *maps.shape[2:], 2)
        return F.grid_sample(maps, source, mode="bilinear", padding_mode="zeros", align_corners=False)


def random_warp(
    count: int,
    aspect: float,
    generator: torch.Generator,
    *,
    turn_deg: float,
    scale: float,
    shift: float,
    bend: float,
    oblong: float = 0.0,
) -> Warp:
    """Warps drawn evenly within +-turn, +-scale and +-shift, with normal bending.

    Args:
        count: B.
        aspect: width / height of the canvas.
        turn_deg: largest turn, degrees.
        scale: largest relative change of size.
        shift: largest shift, half-heights.
        bend: standard deviation of the control points' displacement, half-heights.
        oblong: largest relative stretch of the original's width, and of its height, each for itself.

    Example:
        >>> warp = random_warp(2, 0.5, torch.Generator().manual_seed(0), turn_deg=9, scale=0, shift=0, bend=0)
        >>> warp.maps(torch.ones(2, 1, 64, 32)).shape
        torch.Size([2, 1, 64, 32])
    """

    def even(*size: int) -> torch.Tensor:
        return 2 * torch.rand(*size, generator=generator) - 1

    warp = Warp(
        turn_rad=torch.deg2rad(turn_deg * even(count)),
        scale=1 + scale * even(count),
        shift=shift * even(count, 2),
        bend=bend * torch.randn(count, 25, 2, generator=generator),
        aspect=aspect,
    )
    if not oblong:
        return warp
    points, _ = _controls(aspect)  # a thin plate follows displacements that are linear in the place exactly
    return replace(warp, bend=warp.bend + points.float() * (oblong * even(count, 1, 2)))


def published_warps(aspect: float) -> Warp:
    """The 20 warps on which equivariance is measured: +-15 degrees, .9-1.1, +-10 % of the height, bending of .05.

    They are drawn once from a fixed seed that training never uses.
    """
    generator = torch.Generator().manual_seed(20240214)
    return random_warp(20, aspect, generator, turn_deg=15, scale=0.1, shift=0.2, bend=0.05)
