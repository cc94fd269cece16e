"""`matpose report`: the report of a run drawn again, or several runs compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from matpose.cli.options import JsonOut


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a folder of runs to compare.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The page; else report.html in the folder.")
    ] = None,
    as_json: JsonOut = False,
) -> None:
    """Draw a run's report again, or compare runs that differ in their recipes or seeds.

    Writes the page, and the paper's figures 4 to 6 (presence, loss curves, reconstruction) into figures/ beside it.
    """
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
