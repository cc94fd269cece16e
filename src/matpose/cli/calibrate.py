"""`matpose calibrate`: from raw counts to kPa, by a known factor or by somebody's weight."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit

if TYPE_CHECKING:
    from matpose.mat import Mat
    from matpose.recording import Recording

_SCALE = "Scale (one of the two)"
_ZERO = "Zero (one of the two, or what the mat's preset says, else 0)"


def calibrate(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The recording, in raw counts.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.h5", help="The recording to write.")],
    body_weight_kg: Annotated[
        float | None,
        typer.Option(metavar="KG", help="Weight of the person who lies there.", rich_help_panel=_SCALE),
    ] = None,
    kpa_per_count: Annotated[
        float | None, typer.Option(metavar="X", help="Pressure of one count, kPa.", rich_help_panel=_SCALE)
    ] = None,
    zero_count: Annotated[
        float | None, typer.Option(metavar="N", help="Count of an unloaded cell.", rich_help_panel=_ZERO)
    ] = None,
    zero: Annotated[
        Path | None,
        typer.Option(metavar="EMPTY_FILE", help="Recording of the same mat, empty.", rich_help_panel=_ZERO),
    ] = None,
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    unit: Unit = None,
    rotate: Rotate = 0,
    mirror: Mirror = False,
    rate_hz: RateHz = None,
    sensor: Sensor = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file, though never an input.")] = False,
    as_json: JsonOut = False,
) -> None:
    """Turn raw counts into kPa: (count - zero) times a factor that is known, or follows from somebody's weight.

    By weight, the mat then reads all of it. In truth pillows and the bed's edges carry some, .16 of a supine person.
    """
    from matpose import calibration
    from matpose.cli.outputs import refuse_to_overwrite
    from matpose.errors import MatposeError
    from matpose.readers import read, write_recording
    from matpose.remarks import remarks

    if zero is not None and zero_count is not None:
        raise MatposeError("two zeros are given", mend="give --zero-count or --zero")
    refuse_to_overwrite(output, [path, zero] if zero else [path], force=force)
    recording = read(
        path, mat=mat, rows=rows, cols=cols, pitch_mm=pitch_mm,
        unit=unit, rotate=rotate, mirror=mirror, rate_hz=rate_hz, sensor=sensor,
    )  # fmt: skip
    calibrated, report = calibration.calibrate(
        recording,
        body_weight_kg=body_weight_kg,
        kpa_per_count=kpa_per_count,
        zero=zero_count if zero is None else _empty_mat(zero, recording.mat, sensor),
    )
    write_recording(output, calibrated)
    notes = [*report.remarks, *remarks(calibrated)]
    if as_json:
        import json

        typer.echo(json.dumps({"output": str(output)} | report.as_dict() | {"remarks": notes}))
        return
    for note in notes:
        typer.secho(f"note: {note}", fg="yellow", err=True)
    typer.echo(f"{output}: {report}")


def _empty_mat(path: Path, mat: Mat, sensor: str | None) -> Recording:
    """The recording of a mat without a person; a file that does not say its mat and unit has this mat, in counts."""
    from matpose.readers import MatOptions, examine, to_recording

    contents = examine(path, sensor=sensor)
    if contents.recording is not None:
        return contents.recording
    return to_recording(contents, MatOptions(mat), unit=contents.stated.unit or "raw")
