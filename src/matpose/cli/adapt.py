"""`matpose adapt`: a trained model learns the user's own mat from unlabelled recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit

if TYPE_CHECKING:
    from rich.progress import TaskID

    from matpose.training.adapt import Adapted

SHIPPED = "shipped"
ROWS = {
    "joints_mean_cm": ("simulated people: joints' mean error, cm", "{:.2f}"),
    "joints_contact_median_cm": ("simulated people: median error in contact, cm", "{:.2f}"),
    "posture_wrong": ("simulated people: postures wrong", "{:.1%}"),
    "confidence_off": ("simulated people: confidence off by", "{:.3f}"),
    "points_equivariance_pct": ("your maps: points do not move along, % of height", "{:.2f}"),
    "joints_agreement_cm": ("your maps: joints of moved views apart, cm", "{:.2f}"),
}
"""What each figure is called, and how it is written; all are better small."""


def adapt(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help=f"A model file with joints, its run's folder, or {SHIPPED!r}: the package's own."
        ),
    ],
    recordings: Annotated[
        list[str],
        typer.Argument(metavar="RECORDING...", help="Files, folders or datasets, all of one mat; no labels needed."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.safetensors", help="Where the adapted model goes.")
    ],
    subjects: Annotated[str | None, typer.Option(help="Of a dataset, only these: 1-6,8 or i:1-6.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=9999, help="Of all chance.")] = 0,
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
    """Adapt a model to one mat, in minutes on one core; written only if it got no worse.

    People are simulated on exactly this mat: the model learns from some of them and from the recordings, and is
    judged on others before and after. If it got worse, nothing is written and the model you have stays the best one.
    """
    from rich.console import Console
    from rich.progress import Progress

    from matpose.cli.loading import reading
    from matpose.cli.outputs import refuse_to_overwrite
    from matpose.errors import MatposeError
    from matpose.training.adapt import adapt as adapted_to
    from matpose.training.model_file import load_model, save_model

    if output.suffix.lower() != ".safetensors":
        raise MatposeError(
            "the name of an adapted model ends in .safetensors", mend=f"use {output.name}.safetensors", path=output
        )
    refuse_to_overwrite(output, [Path(model)], force=True)
    trained = load_model(_model_file(model))
    given = {
        "mat": mat, "rows": rows, "cols": cols, "pitch_mm": pitch_mm,
        "unit": unit, "rotate": rotate, "mirror": mirror, "rate_hz": rate_hz, "sensor": sensor,
    }  # fmt: skip
    console = Console(stderr=True)
    bar = Progress(console=console)
    tasks: dict[str, TaskID] = {}

    def advance(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
            bar.start()  # not before: reading has a spinner of its own
        bar.update(tasks[what], completed=done)

    try:
        found = reading(recordings, console, subjects=subjects, mat_options=given)
        outcome = adapted_to(trained, found, seed=seed, progress=advance)
    finally:
        bar.stop()
    if outcome.accepted:
        save_model(output, outcome.model)
    if as_json:
        typer.echo(json.dumps(_answer(outcome, output)))
        return
    options = "".join(
        f" --{name.replace('_', '-')}" + ("" if value is True else f" {value}")
        for name, value in given.items()
        if value not in (None, False, 0)
    )
    _tell(outcome, output, options)


def _model_file(model: str) -> Path:
    """Where the model lies that was asked for."""
    from matpose.errors import ModelError
    from matpose.runtime.detector import SHIPPED as SHIPPED_ONNX

    path = Path(model)
    if model == SHIPPED and not path.exists():
        path = SHIPPED_ONNX.with_suffix(".safetensors")
        if not path.is_file():
            raise ModelError(
                "no model that could learn comes with this version",
                mend="give a model file with joints",
            )
    if path.suffix.lower() == ".onnx":
        raise ModelError(
            "an exported model cannot learn",
            mend=f"give the *.safetensors that it was exported from, or {SHIPPED!r}",
            path=path,
        )
    return path


def _answer(outcome: Adapted, output: Path) -> dict:
    return {
        "accepted": outcome.accepted,
        "output": str(output) if outcome.accepted else None,
        "recordings": outcome.recordings,
        "maps": outcome.maps,
        "before": outcome.before,
        "after": outcome.after,
        "worse": list(outcome.worse),
    }


def _tell(outcome: Adapted, output: Path, options: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(
        "all are better small", "before", "after", title=f"{outcome.maps} maps of {outcome.recordings} recordings"
    )
    for name, (words, form) in ROWS.items():
        mark = " worse" if name in outcome.worse else ""
        table.add_row(words, form.format(outcome.before[name]), form.format(outcome.after[name]) + mark)
    console.print(table)
    if not outcome.accepted:
        console.print(
            "The model was kept as it was, and nothing is written: adapted to this mat it would be worse. "
            "More recordings of more people may help."
        )
        return
    console.print(f"{output} is written. Next:")
    console.print(f"  matpose predict RECORDING --model {output} -o results{options}", soft_wrap=True)
    console.print(f"  matpose export {output} -o {output.with_suffix('.onnx')}", soft_wrap=True)
