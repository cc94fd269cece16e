"""`matpose label`: mark joints by eye on enlarged maps, in a page on this machine; compare two people's marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit

if TYPE_CHECKING:
    from matpose.labelling.marks import Mark


def label(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="RECORDING...", help="Files, folders or datasets (pmatdata:PATH ...); with --compare, marks."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="MARKS.csv", help="The file of marks.")
    ] = None,
    annotator: Annotated[str | None, typer.Option(metavar="NAME", help="Who marks.")] = None,
    frames: Annotated[int, typer.Option(help="Maps of each recording, evenly spaced.")] = 1,
    subjects: Annotated[str | None, typer.Option(help="Of a dataset, only these: 1-6,8 or i:1-6.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0 for any free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare two files of marks, or two annotators in one.")
    ] = False,
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
    """Mark joints by eye on enlarged pressure maps, in a page on this machine: a truth to test against.

    Every change is in the file at once; the same line goes on where it stands. Ctrl-C ends it.
    """
    from rich.console import Console

    from matpose.errors import MatposeError

    if compare:
        _compare([Path(each) for each in what], as_json)
        return
    if output is None or annotator is None:
        raise MatposeError("it is not said who marks, and where to", mend="give --annotator NAME and -o MARKS.csv")
    from matpose.cli.loading import reading
    from matpose.labelling.maps import label_maps
    from matpose.labelling.server import LabelServer
    from matpose.labelling.session import LabelSession

    console = Console(stderr=True)
    given = {
        "mat": mat, "rows": rows, "cols": cols, "pitch_mm": pitch_mm,
        "unit": unit, "rotate": rotate, "mirror": mirror, "rate_hz": rate_hz, "sensor": sensor,
    }  # fmt: skip
    maps, without = label_maps(reading(what, console, subjects=subjects, mat_options=given), frames)
    if without:
        console.print(f"[yellow]note[/] nobody lies in {', '.join(without[:6])}{' ...' * (len(without) > 6)}")
    with LabelServer(LabelSession(maps, output, annotator), port) as server:
        _serve(server, browser, console)
        done = server.session.summary()
    if as_json:
        typer.echo(json.dumps(done))
    else:
        typer.echo(
            f"{output}: {done['points']} points of {annotator} on {done['begun']} of {done['maps']} maps, "
            f"{done['complete']} of them with all joints"
        )


def _serve(server, browser: bool, console) -> None:
    """Until Ctrl-C."""
    import webbrowser
    from threading import Thread

    if browser:  # a browser in the terminal would not come back
        Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
    try:
        console.print(f"{len(server.session.maps)} maps. Mark them at [bold]{server.url}[/]", soft_wrap=True)
        console.print("Ctrl-C ends it; every change is saved at once.")
        server.serve_forever()
    except KeyboardInterrupt:
        console.print()


def _compare(paths: list[Path], as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from matpose.labelling.agreement import agreement

    found = agreement(*_passes(paths))
    if as_json:
        typer.echo(json.dumps(found))
        return
    console = Console()
    first, second = found["annotators"]
    table = Table(title=f"{first} and {second}, {found['maps']} maps, centimetres apart", title_justify="left")
    table.add_column("point")
    for heading in ("points", "median", "p90", "both seen: median", "p90", "else: median", "p90"):
        table.add_column(heading, justify="right")
    for name, group in found["points"].items():
        table.add_row(name, str(group["all"]["count"]), *_numbers(group))
    console.print(table)
    sides = found["sides"]
    console.print(f"Left and right exchanged: {sides['exchanged']} of {sides['pairs']} pairs")
    console.print(f"Marked by one alone: {found['only_first']} points by {first}, {found['only_second']} by {second}")


def _numbers(group: dict[str, Any]) -> list[str]:
    values = [group[part][key] for part in ("all", "both_seen", "else") for key in ("median_cm", "p90_cm")]
    return ["" if value is None else f"{value:.1f}" for value in values]


def _passes(paths: list[Path]) -> tuple[list[Mark], list[Mark]]:
    """Two annotators' marks: of two files, or both of one."""
    from matpose.errors import MatposeError
    from matpose.labelling.marks import read_marks

    if len(paths) == 2:
        return read_marks(paths[0]), read_marks(paths[1])
    if len(paths) != 1:
        raise MatposeError(f"{len(paths)} files to compare", mend="give two files of marks, or one of two annotators")
    marks = read_marks(paths[0])
    names = sorted({mark.annotator for mark in marks})
    if len(names) != 2:
        raise MatposeError(
            f"holds marks of {', '.join(names) or 'nobody'}", mend="give a file of two annotators", path=paths[0]
        )
    one, other = ([mark for mark in marks if mark.annotator == name] for name in names)
    return one, other
