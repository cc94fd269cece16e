"""Augmentation of pressure maps: what people and mats do anyway."""

from __future__ import annotations

import torch

from matpose.nn.warp import Warp, random_warp
from matpose.training.recipe import Recipe

COPIES = 4
"""Varied copies of every frame that posture classifiers train on, besides the frame itself."""


def varied_copies(pressure: torch.Tensor, recipe: Recipe, copies: int = COPIES) -> torch.Tensor:
    """Augmented maps for classifiers on points: the encoder's points of a moved map are not the moved points.

    Args:
        pressure: (N, 1, H, W).
        recipe: the ranges, and the seed.
        copies: of each map.

    Returns:
        (copies * N, 1, H, W), the whole set again and again.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    return torch.cat([augment(pressure, recipe, generator)[0] for _ in range(copies)])


def augment(pressure: torch.Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Warped and sensor-varied maps, and the same without the sensor's faults as the target to rebuild.

    Args:
        pressure: (B, 1, H, W), any unit.
        recipe: the ranges.
        generator: the only source of chance.

    Returns:
        (seen, target), both (B, 1, H, W): ``target`` is warped and has its gamma changed; ``seen`` has also lost
        a row or column here and there.
    """
    return varied(pressure, draw_warp(len(pressure), recipe, generator), recipe, generator)


def draw_warp(count: int, recipe: Recipe, generator: torch.Generator) -> Warp:
    """As many warps in the recipe's ranges."""
    return random_warp(
        count,
        recipe.canvas.width_m / recipe.canvas.height_m,
        generator,
        turn_deg=recipe.turn_deg,
        scale=recipe.scale,
        shift=recipe.shift,
        bend=recipe.bend,
    )


def varied(
    pressure: torch.Tensor, warp: Warp, recipe: Recipe, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`augment`, with a warp drawn before."""
    count, _, height, width = pressure.shape
    target = warp.maps(pressure).clamp_min(0)
    gamma = 1 + recipe.gamma * (2 * torch.rand(count, 1, 1, 1, generator=generator) - 1)
    peak = target.amax((2, 3), keepdim=True).clamp_min(1e-12)
    target = peak * (target / peak) ** gamma
    seen = target.clone()
    for axis, size in ((2, height), (3, width)):
        lost = torch.rand(count, generator=generator) < recipe.drop_lines / 2
        line = torch.randint(size, (count,), generator=generator)
        for index in torch.nonzero(lost).flatten().tolist():
            seen[index].select(axis - 1, int(line[index])).zero_()
    return seen, target
