"""`matpose convert`: any readable file to our own recording file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit


def convert(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to convert.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.h5", help="The recording to write.")],
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    unit: Unit = None,
    rotate: Rotate = 0,
    mirror: Mirror = False,
    rate_hz: RateHz = None,
    sensor: Sensor = None,
    subject: Annotated[str | None, typer.Option(metavar="NAME", help="Who lies there.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file, though never the input.")] = False,
    json: JsonOut = False,
) -> None:
    """Write any readable file as a Matpose recording (HDF5): canonical frames, units, flags, times."""
    from matpose.cli.outputs import refuse_to_overwrite
    from matpose.readers import read, write_recording

    refuse_to_overwrite(output, [path], force=force)
    recording = read(
        path, mat=mat, rows=rows, cols=cols, pitch_mm=pitch_mm, unit=unit, rotate=rotate, mirror=mirror,
        rate_hz=rate_hz, subject=subject, sensor=sensor,
    )  # fmt: skip
    write_recording(output, recording)
    if json:
        import json as json_format

        facts = {
            "output": str(output),
            "frames": len(recording),
            "rows": recording.mat.rows,
            "cols": recording.mat.cols,
            "unit": recording.unit,
            "bytes": output.stat().st_size,
        }
        typer.echo(json_format.dumps(facts))
    else:
        grid = f"{recording.mat.rows} x {recording.mat.cols}"
        typer.echo(f"{output}: {len(recording)} frames of {grid} cells, {recording.unit}")
