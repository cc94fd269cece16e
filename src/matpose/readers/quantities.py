"""Numbers, lengths and units as makers write them in the heads of their exports."""

from __future__ import annotations

import re

_UNITS = {
    "kpa": "kPa", "mmhg": "mmHg", "torr": "mmHg", "psi": "psi", "n/cm2": "N/cm2", "pa": "Pa", "mpa": "MPa",
    "bar": "bar", "mbar": "mbar", "kg/cm2": "kgf/cm2", "kgf/cm2": "kgf/cm2", "g/cm2": "gf/cm2", "gf/cm2": "gf/cm2",
    "cmh2o": "cmH2O", "inh2o": "inH2O", "raw": "raw", "counts": "raw",
}  # fmt: skip
_METRES = {
    "mm": 1e-3, "millimeters": 1e-3, "millimetres": 1e-3, "cm": 1e-2, "centimeters": 1e-2, "centimetres": 1e-2,
    "m": 1.0, "meters": 1.0, "metres": 1.0, "in": 0.0254, "inch": 0.0254, "inches": 0.0254,
}  # fmt: skip
_QUANTITY = re.compile(r"(\d{1,12}(?:[.,]\d{0,12})?)\s*([^\s\d]*)")


def quantity(said: str) -> tuple[float, str] | None:
    """The number at the start of some words, with a point or a comma, and the word behind it.

    Example:
        >>> quantity("0,127 centimeters"), quantity("25"), quantity("none")
        ((0.127, 'centimeters'), (25.0, ''), None)
    """
    match = _QUANTITY.match(said.strip())
    return None if match is None else (float(match[1].replace(",", ".")), match[2])


def length_m(said: str, unit: str | None = None) -> float | None:
    """A pitch in metres; None for what is not a length from 0.5 to 500 mm.

    Args:
        said: "5.08 mm", "0.127 centimeters", "0,86".
        unit: the unit, where it stands elsewhere.

    Example:
        >>> length_m("0.5 inches"), length_m("0,86", "cm"), length_m("5.08"), length_m("7 km")
        (0.0127, 0.0086, None, None)
    """
    found = quantity(said)
    scale = None if found is None else _METRES.get((unit or found[1]).lower())
    metres = None if found is None or scale is None else round(found[0] * scale, 9)
    return metres if metres is not None and 0.0005 <= metres <= 0.5 else None


def pressure_unit(said: str) -> str | None:
    """The unit of pressure meant, as ``KPA_PER_UNIT`` has it, or "raw"; None for any other.

    Example:
        >>> pressure_unit("KPa"), pressure_unit("N/cm²"), pressure_unit("PSI"), pressure_unit("bananas")
        ('kPa', 'N/cm2', 'psi', None)
    """
    return _UNITS.get(said.lower().replace("²", "2").replace("^", "").replace(" ", ""))
