"""Every variant differs from plain, or from all, in one term."""

from __future__ import annotations

from tiny import tiny_recipe

from matpose.training.objective import TERMS
from matpose.training.recipe import Recipe
from matpose.training.term_variants import OFF, term_variants

EVERY = tiny_recipe("cross_view=true", "start=both", *(f"{term}_weight=0.7" for term in TERMS))


def _differs(a: Recipe, b: Recipe) -> set[str]:
    return {key for key in Recipe.model_fields if getattr(a, key) != getattr(b, key)}


def test_plain_has_no_term_and_all_has_every_one():
    variants = term_variants(EVERY)
    assert variants["all"] == EVERY
    keys = {"cross_view", "start", *(f"{term}_weight" for term in TERMS)}
    assert _differs(variants["plain"], EVERY) == keys == {key for off in OFF.values() for key in off}


def test_each_of_the_others_differs_in_its_own_term():
    variants = term_variants(EVERY)
    assert len(variants) == 2 + 2 * len(OFF)
    for term, keys in OFF.items():
        assert _differs(variants[f"plus-{term}"], variants["plain"]) == set(keys)
        assert _differs(variants[f"without-{term}"], EVERY) == set(keys)
