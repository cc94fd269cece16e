"""`matpose predict`: points, joints and posture of every frame, as files and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, OutDir, PitchMm, RateHz, Rotate, Rows, Sensor, Unit

PICTURES = 12


def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Recordings.")],
    output: OutDir,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="An exported *.onnx, a run's folder or its model file; by default the model of the package.",
        ),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Write overlay PNGs and a GIF.")] = True,
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
    """Find points and joints in metres and the posture in every frame of one or more recordings.

    Writes poses.jsonl, coco.json, joints.csv, points.csv, posture.csv and pictures; of several recordings, into one
    folder each.
    """
    from collections import Counter

    from rich.console import Console
    from rich.progress import track

    from matpose.cli.outputs import folder_names
    from matpose.readers import read
    from matpose.remarks import remarks
    from matpose.runtime import Detector

    console = Console(stderr=True)
    detector = Detector(model)
    names = folder_names(paths)
    summary = []
    for path, name in zip(paths, names, strict=True):
        recording = read(
            path, mat=mat, rows=rows, cols=cols, pitch_mm=pitch_mm,
            unit=unit, rotate=rotate, mirror=mirror, rate_hz=rate_hz, sensor=sensor,
        )  # fmt: skip
        for remark in [*remarks(recording), *detector.remarks(recording)]:
            console.print(f"[yellow]note[/] on {path}: {remark}")
        folder = output / name if len(paths) > 1 else output
        poses = track(detector(recording), f"{path.name}", total=len(recording), console=console)
        found = _write(folder, poses, recording, pictures, console)
        flags = Counter(flag for pose in found for flag in pose.flags.names)
        summary.append(
            {
                "source": str(path),
                "output": str(folder),
                "frames": len(found),
                "postures": dict(Counter(pose.posture for pose in found)),
                "flags": dict(flags),
            }
        )
    if as_json:
        typer.echo(json.dumps(summary))
        return
    out = Console()
    for one in summary:
        postures = ", ".join(f"{name} {count}" for name, count in one["postures"].items())
        out.print(f"{one['source']}: {one['frames']} frames; {postures} -> {one['output']}")
        if one["flags"]:
            out.print("  flagged: " + ", ".join(f"{name} {count}" for name, count in one["flags"].items()))
            if "outside" in one["flags"]:
                out.print("  outside: force lies beside the canvas; check rows, columns and pitch")


def _write(folder: Path, poses, recording, pictures: bool, console) -> list:
    """Result files, and pictures of evenly spaced frames; returns the poses."""
    import numpy as np

    from matpose.runtime.film import GIF_FRAMES, write_gif, write_pngs
    from matpose.runtime.formats import write_results
    from matpose.runtime.overlay import overlay

    found = []

    def kept():
        for pose in poses:
            found.append(pose)
            yield pose

    write_results(folder, kept(), recording)
    if pictures and found:

        def drawn(count: int):
            for index in np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)):
                yield int(index), overlay(recording.frames[index], recording.mat, found[index])

        write_pngs(folder / "pictures", drawn(PICTURES))
        said = write_gif(folder / "film.gif", (image for _, image in drawn(GIF_FRAMES)), fps=8)
        if said:
            console.print(said)
    return found
