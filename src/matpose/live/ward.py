"""A ward's settings: for all its beds, and for some of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from matpose.errors import MatposeError
from matpose.monitor.settings import Settings

LONGEST_BYTES = 1 << 20


class Ward(BaseModel):
    """Settings by bed.

    Args:
        all_beds: fields of :class:`matpose.monitor.settings.Settings` for every bed.
        beds: bed to fields that are otherwise there.

    Example:
        >>> ward = Ward(all_beds={"turn_interval_h": 3}, beds={"7": {"turn_interval_h": 4}})
        >>> ward.settings_of("7").turn_interval_h, ward.settings_of("8").turn_interval_h
        (4.0, 3.0)
    """

    model_config = ConfigDict(extra="forbid")

    all_beds: dict[str, Any] = {}
    beds: dict[str, dict[str, Any]] = {}

    def settings_of(self, bed: str) -> Settings:
        """The settings of one bed."""
        return Settings.model_validate(self.all_beds | self.beds.get(bed, {}))


def read_ward(path: Path | None, given: Mapping[str, Any]) -> Ward:
    """The ward of a YAML file.

    ```yaml
    all_beds: {turn_interval_h: 2, settle_s: 15}
    beds:
      "7": {turn_interval_h: 4}
    ```

    Args:
        path: the file; None: nothing special.
        given: fields from the command line: they go before the file's ``all_beds``, not before a bed's own.

    Raises:
        MatposeError: no such file, no YAML, or settings that there are not.
    """
    try:
        told = {} if path is None else _yaml(path)
        told["all_beds"] = {**(told.get("all_beds") or {}), **given}
        ward = Ward.model_validate(told)
        ward.settings_of("")
        for bed in ward.beds:
            ward.settings_of(bed)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise MatposeError(
            f"{where}: {first['msg']}", mend=f"a bed has {', '.join(Settings.model_fields)}", path=path
        ) from None
    return ward


def _yaml(path: Path) -> dict[str, Any]:
    mend = "give a YAML file with all_beds: and beds:"
    try:
        with path.open("rb") as file:
            told = yaml.safe_load(file.read(LONGEST_BYTES))
    except OSError as error:
        raise MatposeError(f"cannot be read: {error.strerror}", mend=mend, path=path) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = None if mark is None else f"line {mark.line + 1}"
        raise MatposeError("is no YAML", mend=mend, path=path, place=place) from None
    if not isinstance(told, dict | None):
        raise MatposeError("holds no settings", mend=mend, path=path)
    told = told or {}
    if not isinstance(told.get("all_beds") or {}, dict):
        raise MatposeError("its all_beds are no settings", mend=mend, path=path)
    beds = told.get("beds")
    if isinstance(beds, dict):  # YAML reads a bed that is called 7 as a number
        told["beds"] = {str(bed): fields for bed, fields in beds.items()}
    return told
