"""`matpose clean`: mends what the neighbours can mend, and says how much that was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit

if TYPE_CHECKING:
    from matpose.quality import CleaningReport
    from matpose.recording import Recording


def clean(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Recordings.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT.h5|DIR", help="The recording to write, or a folder.")
    ],
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    unit: Unit = None,
    rotate: Rotate = 0,
    mirror: Mirror = False,
    rate_hz: RateHz = None,
    sensor: Sensor = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files, though never an input.")] = False,
    as_json: JsonOut = False,
) -> None:
    """Mend faulty cells of recordings and write them as HDF5, saying what was changed.

    Hot, dead, stuck and single missing cells take the median of their sound neighbours; flags stay.

    Cells above full scale are clipped to it, negative ones set to zero; larger patches without a reading stay so.
    """
    from rich.console import Console
    from rich.progress import track

    from matpose import quality
    from matpose.cli.outputs import refuse_to_overwrite
    from matpose.readers import read, write_recording

    outputs = _outputs(paths, output)
    for target in outputs:
        refuse_to_overwrite(target, paths, force=force)
    done: list[tuple[Path, Path, Recording, CleaningReport]] = []
    pairs = list(zip(paths, outputs, strict=True))
    for path, target in track(pairs, "cleaning", console=Console(stderr=True), transient=True):
        recording = read(
            path, mat=mat, rows=rows, cols=cols, pitch_mm=pitch_mm,
            unit=unit, rotate=rotate, mirror=mirror, rate_hz=rate_hz, sensor=sensor,
        )  # fmt: skip
        cleaned, report = quality.clean(recording)
        write_recording(target, _with_history(cleaned, path, report))
        done.append((path, target, cleaned, report))
    if as_json:
        import json

        said = [
            {"source": str(path), "output": str(target), "frames": len(cleaned), "changed": report.as_dict()}
            for path, target, cleaned, report in done
        ]
        typer.echo(json.dumps({"recordings": said}))
    else:
        _show(done)


def _outputs(paths: list[Path], output: Path) -> list[Path]:
    """One file for each input: the one that is named, else a file of the input's name in the folder."""
    from matpose.cli.outputs import folder_names
    from matpose.errors import MatposeError

    if output.suffix.lower() not in (".h5", ".hdf5"):
        return [output / f"{name}.h5" for name in folder_names(paths)]
    if len(paths) > 1:
        raise MatposeError(f"one file for {len(paths)} recordings", mend="name a folder with -o", path=output)
    return [output]


def _with_history(cleaned: Recording, path: Path, report: CleaningReport) -> Recording:
    """The recording with a line of JSON in its meta for every cleaning it went through."""
    import json
    from dataclasses import replace
    from datetime import UTC, datetime

    step = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "from": str(path)} | report.as_dict()
    lines = [*cleaned.meta.get("cleaning", "").splitlines(), json.dumps(step)]
    return replace(cleaned, meta={**cleaned.meta, "cleaning": "\n".join(lines)})


def _show(done: list[tuple[Path, Path, Recording, CleaningReport]]) -> None:
    """A row a recording, a column for every kind that occurred, then the sum in words."""
    from rich.console import Console
    from rich.table import Table

    from matpose.quality import CleaningReport

    totals = {kind: sum(report.as_dict()[kind] for *_, report in done) for kind in CleaningReport().as_dict()}
    kinds = [kind for kind, count in totals.items() if count]
    table = Table("written", "frames", "cells", *(kind.replace("_", " ") for kind in kinds), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for _, target, cleaned, report in done:
        counts = (f"{report.as_dict()[kind]:,}" for kind in kinds)
        table.add_row(str(target), f"{len(cleaned):,}", f"{cleaned.frames.size:,}", *counts)
    console = Console()
    console.print(table)
    console.print(f"{CleaningReport(**totals)}; flags stay as they were")
