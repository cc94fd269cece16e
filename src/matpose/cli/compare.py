"""`matpose compare`: every pose system side by side on pressure maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matpose.cli.options import JsonOut


def compare(
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE...]", help="Changes to the recipe, such as samples=20000 or seeds=3."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the grid.")] = Path(
        "runs/compare"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="A few small systems, minutes; their order means little.")] = (
        False
    ),
    recipe: Annotated[str | None, typer.Option(help="full, quick, or a YAML file; by default full.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="pmatdata:PATH: posture is measured on real people, else on simulated ones."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that simulate; by default one a core. Nothing hangs on it.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto, for training.")] = "cpu",
    as_json: JsonOut = False,
) -> None:
    r"""Train every pose system on the same people, simulated or of a dataset, and say which is worth what.

    Systems are those of the paper's Table 1, nets of our size, our own, and every technique on a small backbone; name
    others as systems=\[native+dark,resnet18+simcc]. What is trained already is not trained again: stop and repeat the
    command at will, or add systems and seeds. The model that ships stands beside them, with a larger budget of its own.

    DIR takes compare.json, tables.md, compare.png (accuracy against cost), curves.png and attention-SYSTEM.png of each
    transpose system.

    joints=slp:PATH learns from SLP's people, or from any recordings with joints, in place of simulated ones;
    crop=full|upper looks at the contact alone; test_scales=[0.9,1,1.1] looks several times; couples=60 also tests on
    two people at once.
    """
    import json
    import os

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from matpose.atomic import atomic_path
    from matpose.compare.grid import compare as run
    from matpose.compare.pictures import accuracy_against_cost, validation_curves
    from matpose.compare.recipe import load_compare_recipe
    from matpose.compare.tables import markdown, sheets, table
    from matpose.errors import MatposeError
    from matpose.zoo.systems import OURS

    console = Console(stderr=True)
    if quick and recipe is not None:
        raise MatposeError("--quick is a recipe of its own", mend="give one of --quick and --recipe")
    chosen = load_compare_recipe("quick" if quick else recipe or "full", tuple(changes or ()))
    found = run(
        chosen, output, dataset=dataset, workers=workers or os.cpu_count() or 1, device=device,
        progress=console.is_terminal, say=console.print,
    )  # fmt: skip
    lines = table(found)
    tables = sheets(lines)
    for name, text in (
        ("compare.json", json.dumps({"table": lines, **found}, indent=1) + "\n"),
        ("tables.md", markdown(tables)),
    ):
        with atomic_path(output / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    accuracy_against_cost(lines, OURS).savefig(output / "compare.png")
    validation_curves(found["rows"], OURS).savefig(output / "curves.png")
    if as_json:
        typer.echo(json.dumps({"table": lines, "json": str(output / "compare.json")}))
        return
    page = Console()
    if not page.is_terminal:
        page = Console(width=120)  # a file has room for all columns
    for sheet in tables:
        shown = Table(title=sheet.title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for number, column in enumerate(sheet.columns):
            shown.add_column(column, justify="right" if number else "left", no_wrap=not number)
        for row in sheet.rows:
            shown.add_row(*row)
        page.print(shown)
    console.print(", ".join(str(output / name) for name in ("compare.json", "tables.md", "compare.png", "curves.png")))
