"""`matpose demo`: joints and posture over a small simulated night, with the weights that ship, in a minute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from matpose.cli.options import JsonOut

FILM_FRAMES = 80


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for everything.")] = Path(
        "demo"
    ),
    train: Annotated[
        bool, typer.Option("--train", help="Instead train briefly and test on somebody new; needs the extra train.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With --train: folder with pmatdata; by default $MATPOSE_DATA or ../shared/data, else simulated.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE...]", help="With --train: changes to the recipe.")
    ] = None,
    as_json: JsonOut = False,
) -> None:
    """Find joints and posture in a simulated night that comes with the package, and write report.html and a film."""
    from matpose.errors import MatposeError

    if train:
        from matpose.cli.demo_training import demo_training

        demo_training(output, data, changes or [], as_json)
        return
    if data is not None or changes:
        raise MatposeError("--data and KEY=VALUE are for a training", mend="add --train")
    from rich.console import Console
    from rich.progress import track

    from matpose.readers import read
    from matpose.runtime import Detector
    from matpose.runtime.film import write_gif
    from matpose.runtime.formats import write_results
    from matpose.runtime.overlay import overlay
    from matpose.runtime.recording_report import report_recording, sample_night

    console = Console(stderr=True)
    night = read(sample_night())
    console.print(f"[bold]1[/] a simulated night: {len(night)} frames, {night.duration_s / 3600:.0f} hours")
    detector = Detector()
    console.print("[bold]2[/] looking for joints, points and posture")
    poses = list(track(detector(night), "frames", total=len(night), console=console))
    write_results(output, poses, night)
    console.print("[bold]3[/] writing the report")
    figures = report_recording(output / "report.html", night, poses, title="Matpose demo: a simulated night")
    lying = [pose for pose in poses if pose.posture not in ("empty", "unknown")][:FILM_FRAMES]
    write_gif(output / "film.gif", (overlay(night.frames[pose.frame], night.mat, pose) for pose in lying), fps=4)
    if as_json:
        typer.echo(json.dumps({"report": str(output / "report.html"), "data": "simulated night", **figures}))
        return
    shares = ", ".join(f"{name} {share:.0%}" for name, share in figures["posture_share"].items())
    console.print(f"posture: {shares}; right in {figures['posture_accuracy']:.1%} of the frames with somebody lying")
    console.print(f"joints: half of them within {figures['joint_median_cm']:.1f} cm of the truth, which is known here")
    console.print(f"\n[green]Open {output / 'report.html'}[/] - and see {output / 'film.gif'}")
