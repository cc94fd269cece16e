"""The objective besides the reconstruction: what makes points follow the body. Each term is switched by its weight."""

from __future__ import annotations

import torch

from matpose.losses.concentration import concentration_loss
from matpose.losses.contact import contact_loss, contact_mask
from matpose.losses.equivariance import equivariance_loss
from matpose.losses.flip import flip_loss
from matpose.losses.separation import separation_loss
from matpose.losses.temporal import temporal_loss
from matpose.nn.efd import EFD
from matpose.nn.heatmap import variance_cells
from matpose.nn.scaling import scale_free
from matpose.training.recipe import Recipe
from matpose.training.views import Views

TERMS = ("equivariance", "concentration", "separation", "contact", "flip", "temporal")
"""In a recipe each has its ``<term>_weight``."""

# half-heights of the canvas are the unit of all distances
BLOB_CELLS = 2.0  # of the heatmap: within this a point may be spread
REACH = 0.08  # nearer than about this, two points are one
STILL_CELLS = 1.5  # of the canvas: the sensor's own jitter


def weights_of(recipe: Recipe) -> dict[str, float]:
    """The terms that are switched on, with their weights.

    Example:
        >>> from matpose.training.recipe import load_recipe
        >>> weights_of(load_recipe("plain", ("contact_weight=0.5",)))
        {'contact': 0.5}
    """
    weights = {term: getattr(recipe, f"{term}_weight") for term in TERMS}
    return {term: weight for term, weight in weights.items() if weight}


def ramp(recipe: Recipe, epochs_done: float) -> float:
    """Share of their weights that the terms have after so many epochs of the first stage; the second starts at 1.

    Example:
        >>> from matpose.training.recipe import load_recipe
        >>> ramp(load_recipe("plain", ("ramp_epochs=4",)), 1.0)
        0.25
    """
    return min(1.0, epochs_done / recipe.ramp_epochs) if recipe.ramp_epochs else 1.0


def rebuild_and_terms(
    model: EFD, views: Views, recipe: Recipe
) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """One pass of the encoder over all views, one of the decoder.

    Args:
        model: the model.
        views: B maps, as :func:`matpose.training.views.draw_views` draws them for the recipe.
        recipe: which terms, and whether the reconstruction crosses views.

    Returns:
        rebuilt (B, outputs, H, W); the pressure (B, 1, H, W) that it should be; every switched-on term, unweighted,
        as a mean over the B maps.
    """
    on = weights_of(recipe)
    first, second = views.first, views.second
    count = len(first.seen)
    shown = {"first": first.seen}
    if second is not None:
        shown["second"] = second.seen
    upright = count * len(shown)  # of these maps the target is known
    if views.later is not None:
        shown["later"] = views.later
    if "flip" in on:
        shown["mirrored"] = first.seen.flip(3)
    encoded = model.encoder(model.see(torch.cat(list(shown.values()))))
    xy_norm, k_c, k_f = model.fuser.pool(encoded)
    stretch = xy_norm.new_tensor((recipe.canvas.width_m / recipe.canvas.height_m, 1.0))
    xy = dict(zip(shown, (xy_norm * stretch).split(count), strict=True))

    if second is not None and recipe.cross_view:
        rebuilt, target = model.rebuild(k_c[count : 2 * count], k_f[:count]), second.target
    else:
        rebuilt, target = model.rebuild(k_c[:count], k_f[:count]), first.target

    terms: dict[str, torch.Tensor] = {}
    if second is not None and "equivariance" in on:
        found, expected = (
            view.warp.source(xy[name] / stretch) * stretch for name, view in (("second", second), ("first", first))
        )
        terms["equivariance"] = equivariance_loss(found, expected)
    if "flip" in on:
        terms["flip"] = flip_loss(xy["mirrored"], xy["first"])
    if "temporal" in on:
        terms["temporal"] = temporal_loss(xy["later"], xy["first"], still=STILL_CELLS * 2 / recipe.rows)
    pressure = torch.cat([view.target for view in (first, second) if view is not None])
    terms |= _terms_of_heatmaps(encoded.heatmaps[:upright], xy_norm[:upright], stretch, pressure, on)
    return rebuilt, target, terms


def _terms_of_heatmaps(
    heatmaps: torch.Tensor, xy_norm: torch.Tensor, stretch: torch.Tensor, pressure: torch.Tensor, on: dict[str, float]
) -> dict[str, torch.Tensor]:
    """Terms that look at one view at a time, over all of them."""
    terms = {}
    if "concentration" in on:
        cell = 2 / heatmaps.shape[2]
        variance = variance_cells(heatmaps, xy_norm) * cell**2
        terms["concentration"] = concentration_loss(variance, radius=BLOB_CELLS * cell)
    if "separation" in on:
        terms["separation"] = separation_loss(xy_norm * stretch, reach=REACH)
    if "contact" in on:
        share = heatmaps / heatmaps.sum((2, 3), keepdim=True).clamp_min(1e-12)
        mask = contact_mask(scale_free(pressure), (heatmaps.shape[2], heatmaps.shape[3]))
        terms["contact"] = contact_loss(share, mask)
    return terms
