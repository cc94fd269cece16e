"""The views of a batch that the objective compares: one map moved in two ways, and another frame of its recording."""

from __future__ import annotations

from typing import NamedTuple

import torch

from matpose.nn.warp import Warp, random_warp
from matpose.training.augmentation import draw_warp, varied
from matpose.training.recipe import Recipe


class View(NamedTuple):
    """B maps, moved.

    Args:
        seen: (B, 1, H, W) pressure as the encoder is shown it, with the sensor's faults.
        target: (B, 1, H, W) pressure to rebuild.
        warp: the way back to the maps as they were.
    """

    seen: torch.Tensor
    target: torch.Tensor
    warp: Warp

    def part(self, part: slice) -> View:
        """Some of the maps."""
        return View(self.seen[part], self.target[part], self.warp[part])


class Views(NamedTuple):
    """What one step of training looks at.

    Args:
        first: the maps.
        second: the same maps moved otherwise; None where nothing compares two views.
        later: (B, 1, H, W) another frame of each map's recording, moved as ``first``; None where not asked for.
    """

    first: View
    second: View | None
    later: torch.Tensor | None

    def part(self, part: slice) -> Views:
        """Some of the maps."""
        return Views(
            self.first.part(part),
            None if self.second is None else self.second.part(part),
            None if self.later is None else self.later[part],
        )

    def to(self, device: torch.device) -> Views:
        """On another device; warps follow their points by themselves."""
        first, second = (
            view and View(view.seen.to(device), view.target.to(device), view.warp) for view in (self.first, self.second)
        )
        return Views(first, second, None if self.later is None else self.later.to(device))  # pyright: ignore[reportArgumentType]


def draw_views(
    pressure: torch.Tensor,
    other_frame: torch.Tensor,
    recipe: Recipe,
    generator: torch.Generator,
    *,
    as_they_are: bool = False,
) -> Views:
    """Views of maps, as far as the recipe's terms compare them.

    Args:
        pressure: (B, 1, H, W), any unit.
        other_frame: (B, 1, H, W) another frame of each map's recording, or the map itself.
        recipe: the ranges and terms.
        generator: the only source of chance.
        as_they_are: leave the first view as it is, for validation.
    """
    if as_they_are:
        aspect = recipe.canvas.width_m / recipe.canvas.height_m
        still = random_warp(len(pressure), aspect, generator, turn_deg=0, scale=0, shift=0, bend=0)
        first = View(pressure, pressure, still)
    else:
        first = _view(pressure, draw_warp(len(pressure), recipe, generator), recipe, generator)
    second = later = None
    if recipe.cross_view or recipe.equivariance_weight:
        second = _view(pressure, draw_warp(len(pressure), recipe, generator), recipe, generator)
    if recipe.temporal_weight:
        later = other_frame if as_they_are else varied(other_frame, first.warp, recipe, generator)[0]
    return Views(first, second, later)


def _view(pressure: torch.Tensor, warp: Warp, recipe: Recipe, generator: torch.Generator) -> View:
    return View(*varied(pressure, warp, recipe, generator), warp)
