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
    recipe: Annotated[str, typer.Option(help="full, quick, or a YAML file.")] = "full",
    dataset: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="pmatdata:PATH: posture is measured on real people, else on simulated ones."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate people.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto, for training.")] = "cpu",
    as_json: JsonOut = False,
) -> None:
    """Train every pose system on the same simulated people, and say which is worth what.

    Systems are those of the paper's Table 1, nets of our size, our own, and every technique on a small backbone; name
    others as systems=[native+dark,resnet18+simcc]. What is trained already is not trained again: stop and repeat the
    command at will, or add systems and seeds. DIR takes compare.json and compare.png.
    """
    import json

    from rich.console import Console
    from rich.table import Table

    from matpose.atomic import atomic_path
    from matpose.evaluation.compare_table import accuracy_against_cost, table
    from matpose.training.compare import compare as run
    from matpose.training.compare_real import real_maps
    from matpose.training.compare_recipe import load_compare_recipe
    from matpose.zoo.systems import OURS

    console = Console(stderr=True)
    chosen = load_compare_recipe("quick" if quick else recipe, tuple(changes or ()))
    real = real_maps(dataset, chosen.canvas) if dataset else None
    found = run(
        chosen, output, real=real, workers=workers, device=device, progress=console.is_terminal, say=console.print
    )
    lines = table(found["rows"], found["latency_ms"])
    with atomic_path(output / "compare.json") as temporary:
        temporary.write_text(json.dumps({"table": lines, **found}, indent=1) + "\n", encoding="utf-8")
    accuracy_against_cost(lines, OURS).savefig(output / "compare.png")
    if as_json:
        typer.echo(json.dumps({"table": lines, "json": str(output / "compare.json")}))
        return
    shown = Table(title="PCKh@.2 and posture (balanced, GraphSAGE) in %, of mats of the training and others")
    for title in ("system", "parameters", "GMACs at 256", "ms", "seen", "unseen", "cm", "familiar", "frozen"):
        shown.add_column(title, justify="left" if title == "system" else "right")
    for line in lines:
        if "pckh20_seen" not in line:
            shown.add_row(line["system"], "failed to train")
            continue
        shown.add_row(
            line["system"], f"{line['parameters']:,}", f"{line['conv_macs_256'] / 1e9:.2f}",
            f"{line['latency_ms']:.1f}",
            f"{100 * line['pckh20_seen']:.1f}", f"{100 * line['pckh20_unseen']:.1f}", f"{line['median_cm_unseen']:.1f}",
            f"{100 * line['familiar_sage']:.1f}", f"{100 * line['frozen_sage']:.1f}",
        )  # fmt: skip
    Console().print(shown)
    console.print(f"{output / 'compare.json'}, {output / 'compare.png'}")
