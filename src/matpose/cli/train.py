"""`matpose train`: self-supervised keypoints from any recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit


def train(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA... [KEY=VALUE...]",
            help="Folders or files of recordings, datasets (pmatdata:PATH, hlppdat:PATH, slp:PATH, smal:PATH, tip:PATH,"
            " simulated:N), and changes to the recipe such as epochs=20.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Folder of the run.")],
    recipe: Annotated[str, typer.Option(help="native, plain, paper, or a YAML file.")] = "native",
    subjects: Annotated[str | None, typer.Option(help="Of a dataset, only these: 1-6,8 or i:1-6.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    unit: Unit = None,
    rotate: Rotate = 0,
    mirror: Mirror = False,
    rate_hz: RateHz = None,
    sensor: Sensor = None,
    as_json: JsonOut = False,
) -> None:
    """Train keypoints on recordings without labels; learn posture too where recordings say it.

    The run's folder takes model.safetensors, report.html, metrics.csv, recipe.yaml and TensorBoard's events.
    """
    from rich.console import Console

    from matpose.cli.loading import reading
    from matpose.errors import MatposeError
    from matpose.training.recipe import load_recipe
    from matpose.training.run import RECIPE_NAME
    from matpose.training.run import train as train_run
    from matpose.training.run_report import report_run
    from matpose.training.world import this_world

    first = this_world().speaks
    console = Console(stderr=True, quiet=not first)
    changes = tuple(word for word in what if "=" in word and not Path(word).exists())
    data = [word for word in what if word not in changes]
    if not data:
        raise MatposeError("no recordings were given", mend="name a folder, files or a dataset before the changes")
    given = {
        "mat": mat, "rows": rows, "cols": cols, "pitch_mm": pitch_mm,
        "unit": unit, "rotate": rotate, "mirror": mirror, "rate_hz": rate_hz, "sensor": sensor,
    }  # fmt: skip
    before = output / RECIPE_NAME
    chosen = load_recipe(str(before) if resume and not changes and before.is_file() else recipe, changes)
    recordings = reading(data, console, subjects=subjects, mat_options=given)
    run = train_run(recordings, chosen, output, resume=resume, device=device, say=console.print)
    if not first:
        return
    figures = report_run(run, output / "report.html")
    if as_json:
        typer.echo(json.dumps({"run": str(output), "report": str(output / "report.html"), **figures}))
        return
    measured = figures["label_free"]
    console.print(
        f"On the validation people: equivariance error {measured['equivariance_median_pct']:.1f} % of the canvas's "
        f"height, swap ratio {measured['swap_ratio']:.1f}, reconstruction SSIM {measured['ssim']:.2f}"
    )
    if posture := figures["posture"]:
        console.print(
            f"Posture: {posture['accuracy']:.1%} of their frames, "
            f"{posture['recordings'] - len(posture['wrong_recordings'])} of {posture['recordings']} recordings right"
        )
    console.print(f"[green]Done.[/] Model, report and history are in {output}. Next:")
    options = "".join(
        f" --{name.replace('_', '-')}" + ("" if value is True else f" {value}")
        for name, value in given.items()
        if value not in (None, False, 0)
    )
    console.print(f"  matpose predict RECORDING --model {output} -o results{options}", soft_wrap=True)
