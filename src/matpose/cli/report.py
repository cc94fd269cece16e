"""`matpose report`: the report of a night; or that of a run of training drawn again, or several runs compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit
from matpose.errors import MatposeError

_NIGHT = "Of a night"


def report(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="NIGHT|RUN",
            help="A monitor's database or any recording; or a folder: a run of training, or several to compare.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE.html", help="The page; else NIGHT-report.html here, RUN/report.html there."
        ),
    ] = None,
    bed: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which bed, in a database of several.", rich_help_panel=_NIGHT)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="ISO", help="E.g. 2026-03-12T21:00.", rich_help_panel=_NIGHT),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="ISO", help="E.g. 2026-03-13T07:00.", rich_help_panel=_NIGHT)
    ] = None,
    turn_interval: Annotated[
        float | None,
        typer.Option(metavar="HOURS", help="By default as it was set then, else 2.", rich_help_panel=_NIGHT),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Also a PDF beside the page, by Chromium.", rich_help_panel=_NIGHT)
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also events, postures and doses as CSV.", rich_help_panel=_NIGHT),
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also these as Parquet.", rich_help_panel=_NIGHT)
    ] = None,
    as_json: JsonOut = False,
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    unit: Unit = None,
    rotate: Rotate = 0,
    mirror: Mirror = False,
    rate_hz: RateHz = None,
    sensor: Sensor = None,
) -> None:
    """Write the page of a night: turns, postures, and the pressure that each part of the body has borne.

    Of a run of training, draw its report again, or compare several that differ in their recipes or seeds: the page,
    and the paper's figures 4 to 6 (presence, loss curves, reconstruction) into figures/ beside it.
    """
    mat_options = {
        "mat": mat, "rows": rows, "cols": cols, "pitch_mm": pitch_mm, "unit": unit, "rotate": rotate,
        "mirror": mirror, "rate_hz": rate_hz, "sensor": sensor,
    }  # fmt: skip
    night_options = (bed, since, until, turn_interval, csv, parquet, pdf or None)
    if not what.is_dir():
        from matpose.cli.report_night import report_night

        report_night(
            what, output, bed=bed, since=since, until=until, turn_interval_h=turn_interval, pdf=pdf, csv=csv,
            parquet=parquet, as_json=as_json, mat_options=mat_options,
        )  # fmt: skip
        return
    if any(option is not None for option in night_options) or any(mat_options.values()):
        raise MatposeError(
            "this is a folder, so a run of training is meant, and the options given are a night's",
            mend="give a recording or a monitor's database, or leave them out",
            path=what,
        )
    _report_run(what, output, as_json)


def _report_run(run: Path, output: Path | None, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from matpose.training.run import RECIPE_NAME

    console = Console(stderr=True)
    page = output or run / "report.html"
    if (run / RECIPE_NAME).is_file():
        from matpose.training.run import load_run
        from matpose.training.run_report import report_run

        figures = report_run(load_run(run), page)
    else:
        from matpose.training.comparison_report import report_comparison, shown_rows

        figures = report_comparison(run, page)
        rows = shown_rows(figures)
        table = Table(*(row["variant"] for row in [{"variant": ""}, *rows]))
        for name in list(rows[0])[1:]:
            table.add_row(name, *(row[name] for row in rows))
        if not as_json:
            console.print(table)
            console.print(f"Mean \N{PLUS-MINUS SIGN} sd over the seeds. {figures['note']}")
    if as_json:
        typer.echo(json.dumps({"run": str(run), "report": str(page), **figures}))
        return
    console.print(f"[green]Open {page}[/]; the pictures are in {page.parent / 'figures'}")
