"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_GRID = "Mat (for files that do not say it)"

MatName = Annotated[
    str | None,
    typer.Option("--mat", metavar="PRESET", help="Mat preset, e.g. bpms, bt3510.", rich_help_panel=_GRID),
]
Rows = Annotated[int | None, typer.Option(help="Cells from head to foot.", rich_help_panel=_GRID)]
Cols = Annotated[int | None, typer.Option(help="Cells across.", rich_help_panel=_GRID)]
PitchMm = Annotated[
    str | None,
    typer.Option(
        metavar="Y[xX]", help="Distance of cell centres in mm, e.g. 27.8 or 28.6x27.5.", rich_help_panel=_GRID
    ),
]
Unit = Annotated[
    str | None,
    typer.Option(metavar="UNIT", help="kPa, mmHg, psi, N/cm2, bar, cmH2O ..., counts or raw.", rich_help_panel=_GRID),
]
Rotate = Annotated[
    int, typer.Option(help="Clockwise degrees that bring the head edge to the top.", rich_help_panel=_GRID)
]
Mirror = Annotated[
    bool,
    typer.Option("--mirror", help="The array, once turned, is seen from below: flip it.", rich_help_panel=_GRID),
]
RateHz = Annotated[
    float | None, typer.Option(help="Frames a second, where the file does not say.", rich_help_panel=_GRID)
]
Sensor = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Part of a sensor's name, in a file of several.", rich_help_panel=_GRID),
]
JsonOut = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
OutDir = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")]
