"""What the terms of the objective are worth: recipes with none, one, all, and all but one of them."""

from __future__ import annotations

from typing import Any

from matpose.training.recipe import Recipe

OFF: dict[str, dict[str, Any]] = {
    "cross-view": {"cross_view": False},
    "equivariance": {"equivariance_weight": 0.0},
    "concentration": {"concentration_weight": 0.0},
    "separation": {"separation_weight": 0.0},
    "contact": {"contact_weight": 0.0},
    "flip": {"flip_weight": 0.0},
    "temporal": {"temporal_weight": 0.0},
    "gaussian": {"start": "fc"},
}
"""What each term is called, and the keys of a recipe without it."""


def term_variants(recipe: Recipe) -> dict[str, Recipe]:
    """Variant, as its folders are named, to its recipe.

    Args:
        recipe: one with every term switched on; augmentation, steps and all else is the same for all variants.

    Returns:
        "plain"; "plus-<term>" for each of ``OFF``; "all"; "without-<term>" for each: "without-gaussian" is all terms
        with the paper's fully connected start.

    Example:
        >>> from matpose.training.recipe import load_recipe
        >>> variants = term_variants(load_recipe("native"))
        >>> len(variants), variants["plain"].cross_view, variants["plus-cross-view"].cross_view
        (18, False, True)
    """
    none = recipe.model_copy(update={key: value for keys in OFF.values() for key, value in keys.items()})
    plus = {
        f"plus-{term}": none.model_copy(update={key: getattr(recipe, key) for key in keys})
        for term, keys in OFF.items()
    }
    without = {f"without-{term}": recipe.model_copy(update=keys) for term, keys in OFF.items()}
    return {"plain": none, **plus, "all": recipe, **without}
