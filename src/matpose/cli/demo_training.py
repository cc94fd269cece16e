"""`matpose demo --train`: the whole way once, from recordings to a trained model and its report, in some minutes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import typer

# enough for the points to settle and the posture to be told; a real training takes the recipe's own epochs
CHANGES = ("name=demo", "presence_epochs=6", "epochs=14")
PEOPLE = 6
SIMULATED = 24  # people, 8 maps each


def demo_training(output: Path, data: Path | None, changes: list[str], as_json: bool) -> None:
    """Read recordings, train keypoints briefly, classify posture of somebody new, and write report.html.

    Uses the real recordings of PmatData where they are found, else simulated people. Each demo starts afresh.
    """
    import shutil

    from rich.console import Console

    from matpose.datasets.splits import hold_out
    from matpose.training.data import collect_maps
    from matpose.training.recipe import load_recipe
    from matpose.training.run import train
    from matpose.training.run_report import report_run

    console = Console(stderr=True)
    recordings, source = _recordings(data, console)
    people = sorted({str(recording.subject) for recording in recordings})
    others, held_out = hold_out(people, 1 / PEOPLE)
    recipe = load_recipe("native", (*CHANGES, *changes))
    console.print(f"[bold]1[/] {len(recordings)} recordings of {len(people)} people: {source}")
    console.print(f"[bold]2[/] training on all but {', '.join(held_out)}, who is kept for the test")
    folder = output / "run"
    shutil.rmtree(folder, ignore_errors=True)
    run = train(
        (recording for recording in recordings if recording.subject in others),
        recipe,
        folder,
        say=console.print,
    )
    console.print("[bold]3[/] testing and writing the report")
    strangers = [recording for recording in recordings if recording.subject in held_out]
    test = collect_maps(strangers, recipe.canvas, frames_per_recording=recipe.frames_per_recording)
    figures = report_run(run, output / "report.html", test=test, title=f"Matpose demo: {source}")
    _film(folder, [recording for recording in strangers if recording.subject == strangers[0].subject], output)
    if as_json:
        typer.echo(json.dumps({"report": str(output / "report.html"), "data": source, **figures}))
        return
    _tell(figures, console)
    console.print(f"\n[green]Open {output / 'report.html'}[/] - and see {output / 'film.gif'}")


def _recordings(data: Path | None, console):
    """Real recordings of six people if they are here, else simulated people; and what they are."""
    from matpose.cli.loading import reading

    given = data or Path(os.environ.get("MATPOSE_DATA", "../shared/data"))
    if data is not None or (given / "pmatdata" / "experiment-i").is_dir():
        return list(
            reading([f"pmatdata:{given / 'pmatdata'}"], console, subjects=f"i:1-{PEOPLE}")
        ), "PmatData, real people"
    console.print(f"No recordings in {given}, so people are simulated: bodies that settle on a mattress by physics.")
    return list(reading([f"simulated:{SIMULATED}"], console)), "simulated people"


def _film(run: Path, recordings: list, output: Path) -> None:
    """One person's points over the first frames of each recording."""
    from matpose.runtime import Detector
    from matpose.runtime.film import write_gif
    from matpose.runtime.overlay import overlay

    detector = Detector(run)

    def drawn():
        for recording in recordings:
            some = recording.select(slice(0, 40 // len(recordings)))
            for pose in detector(some):
                yield overlay(some.frames[pose.frame], some.mat, pose)

    write_gif(output / "film.gif", drawn(), fps=4)


def _tell(figures: dict, console) -> None:
    from rich.table import Table

    table = Table("measured on people the training never saw", "", show_header=True)
    posture, presence, label_free = figures["posture"], figures["presence"], figures["label_free"]
    if posture:
        table.add_row("posture, frames right", f"{posture['accuracy']:.1%}")
        table.add_row("posture, recordings right", f"{posture['accuracy_recordings']:.1%} of {posture['recordings']}")
    if presence:
        table.add_row(
            "presence F-score (PCA, mean map)",
            f"{presence['model']:.3f} ({presence['pca']:.3f}, {presence['mean_map']:.3f})",
        )
    table.add_row("reconstruction SSIM", f"{label_free['ssim']:.3f}")
    table.add_row(
        "equivariance error of the points",
        f"{label_free['equivariance_median_pct']:.1f} % of the canvas's height",
    )
    console.print(table)
