"""Flat YAML files of choices, shipped or the user's own: read, changed by key=value, checked."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from matpose.errors import RecipeError

Choices = TypeVar("Choices", bound=BaseModel)


def load_flat(kind: type[Choices], folder: str, name: str, changes: tuple[str, ...] = ()) -> Choices:
    """A recipe of some kind.

    Args:
        kind: unknown keys must be errors of its.
        folder: where the shipped ones are, in ``matpose.configs``; "" for itself.
        name: of a shipped one, or the path of a YAML file.
        changes: "epochs=5" and the like; values are read as YAML.

    Raises:
        RecipeError: no such recipe, an unknown key, a value out of its range.
    """
    shipped = {
        Path(entry.name).stem: entry
        for entry in files("matpose.configs").joinpath(folder).iterdir()
        if entry.name.endswith(".yaml")
    }
    if name in shipped:
        text = shipped[name].read_text(encoding="utf-8")
    elif Path(name).is_file():
        text = Path(name).read_text(encoding="utf-8", errors="replace")
    else:
        raise RecipeError(
            f"there is no recipe {name!r}",
            mend=f"use one of {', '.join(sorted(shipped))}, or a YAML file's path",
        )
    try:
        values = yaml.safe_load(text)
        if not isinstance(values, dict):
            raise RecipeError("a recipe is a list of 'key: value' lines", mend="see configs/native.yaml", path=name)
        for change in changes:
            key, equals, value = change.partition("=")
            if not equals:
                raise RecipeError(f"{change!r} changes nothing", mend="write key=value, for example epochs=5")
            values[key.strip()] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RecipeError(
            f"not YAML ({error})".replace("\n", " "), mend="write 'key: value' lines", path=name
        ) from None
    return _checked(kind, values, name)


def _checked(kind: type[Choices], values: dict, name: str) -> Choices:
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            problem, mend = f"a recipe has no key {key!r}", f"use one of {', '.join(kind.model_fields)}"
        else:
            problem, mend = f"{key}: {first['msg']}", "correct the value"
        raise RecipeError(problem, mend=mend, path=name) from None
