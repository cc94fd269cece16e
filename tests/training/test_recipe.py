"""Recipes: every wrong one is an error that names the key and the mend."""

from __future__ import annotations

import pytest
import yaml

from matpose.errors import RecipeError
from matpose.training.build import build_efd
from matpose.training.recipe import Recipe, load_recipe


@pytest.mark.parametrize("name", ["native", "plain", "paper"])
def test_shipped_recipes_state_every_choice(name):
    """A key left to the code's default would not be commented where users look."""
    text = yaml.safe_load(
        (__import__("importlib.resources").resources.files("matpose.configs") / f"{name}.yaml").read_text()
    )
    assert set(text) == set(Recipe.model_fields)
    assert load_recipe(name).name == name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("epohcs=5", "no key 'epohcs'"),
        ("epochs=0", "epochs: .*greater than or equal to 1"),
        ("epochs=many", "epochs: "),
        ("rows=30", "rows: .*multiple of 8"),
        ("normalisation=relu", "normalisation: "),
        ("seed=-1", "seed: "),
        ("seed=99999999999", "seed: "),
        ("routes=[0.3]", "routes"),
        ("routes=[]", "routes"),
        ("points", "changes nothing"),
        ("points=[", "not YAML"),
    ],
)
def test_a_wrong_change_is_named(change, said):
    with pytest.raises(RecipeError, match=said) as caught:
        load_recipe("native", (change,))
    assert "Mend: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\npoints: 5\n")
    assert load_recipe(str(path), ("epochs=2",)).model_dump() | {"name": "mine", "points": 5, "epochs": 2} == (
        load_recipe(str(path), ("epochs=2",)).model_dump()
    )
    for text in ("- a\n- b\n", "just words", "", "a: [", "\x00\x01"):
        path.write_text(text)
        with pytest.raises(RecipeError):
            load_recipe(str(path))


def test_an_absent_recipe_names_the_shipped_ones():
    with pytest.raises(RecipeError, match="native, paper, plain"):
        load_recipe("nativ")


def test_choices_that_do_not_go_together_are_a_recipe_error(monkeypatch):
    monkeypatch.setattr("matpose.training.build.NATIVE_BLOCKS", ())
    with pytest.raises(RecipeError, match="native blocks: no block has stride 4"):
        build_efd(load_recipe("native", ("stride=4",)))


def test_every_stride_and_kind_of_blocks_goes_together():
    for blocks in ("native", "paper"):
        for stride in (2, 4):
            build_efd(load_recipe("native", (f"blocks={blocks}", f"stride={stride}")))
