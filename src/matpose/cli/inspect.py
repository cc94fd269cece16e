"""`matpose inspect`: what a file holds, who made it as far as it says, and what is wrong with its frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, RateHz, Rotate, Rows, Sensor, Unit

if TYPE_CHECKING:
    from matpose.readers import Contents
    from matpose.recording import Recording


def inspect(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file.")],
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    unit: Unit = None,
    rotate: Rotate = 0,
    mirror: Mirror = False,
    rate_hz: RateHz = None,
    sensor: Sensor = None,
    json: JsonOut = False,
) -> None:
    """Show what a recording holds: format, mat, frames, faults, pressure, and a picture of it."""
    from matpose.errors import UnknownMat
    from matpose.readers import MatOptions, examine, to_recording

    contents = examine(path, sensor=sensor)
    options = MatOptions(mat, rows, cols, pitch_mm, rotate, mirror)
    try:
        recording, known = to_recording(contents, options, unit=unit, rate_hz=rate_hz), True
    except UnknownMat:  # telling what an unknown file may be is what this verb is for
        recording, known = _as_stored(contents), False
    facts = _facts(contents, recording, known, rate_hz)
    if json:
        import json as json_format

        typer.echo(json_format.dumps(facts, allow_nan=False))
    else:
        _show(facts, recording, known)


def _as_stored(contents: Contents) -> Recording | None:
    """The likeliest frames of a file whose mat nobody knows: not turned, no unit, no lengths."""
    from matpose.intake import intake
    from matpose.mat import Mat

    grid = contents.guessed_grid
    frames = contents.table.frames(grid) if contents.table is not None and grid is not None else None
    return None if frames is None or grid is None else intake(frames, Mat(*grid, None, None), unit="raw")


def _facts(contents: Contents, recording: Recording | None, known: bool, rate_hz: float | None) -> dict[str, Any]:
    from matpose.readers.pmatdata import looks_like_experiment_ii
    from matpose.remarks import remarks

    mat = recording.mat if recording is not None and known else None
    notes = list(contents.notes)
    assumed = [mat.assumed] if mat is not None and mat.assumed else []
    # these say their times
    timed = known and (contents.format in ("matpose-hdf5", "pmatdata-i") or contents.stated.time_s is not None)
    if recording is not None and len(recording) > 1 and not timed and rate_hz is None:
        assumed.append("one frame a second")
    if mat is not None and mat.pitch_y_m is None:
        notes.append("the pitch is not known: lengths, areas and forces need --pitch-mm")
    if not known and contents.table is not None and looks_like_experiment_ii(contents.table):
        notes.append(
            "counts above a baseline of 44, as in PmatData's experiment ii (--mat pmatdata-ii); "
            "the bytes do not prove which way up the mat lay"
        )
    if recording is not None and known:
        notes += [said for said in remarks(recording) if said not in notes]
    names = ("name", "rows", "cols", "pitch_y_m", "pitch_x_m", "rotate", "mirror")
    return {
        "format": contents.format,
        "mat": {name: getattr(mat, name, None) for name in names},
        "grid_as_stored": list(mat.stored_shape) if mat else contents.guessed_grid and list(contents.guessed_grid),
        "frames": None if recording is None else len(recording),
        "duration_s": recording.duration_s if recording is not None and known else None,
        "unit": recording.unit if recording is not None and known else None,
        "start_time": recording.start_time if recording is not None else None,
        "subject": recording.subject if recording is not None else None,
        "flags": {} if recording is None else _flag_counts(recording),
        "truth": {} if recording is None else _truth(recording),
        "pressure": None if recording is None else _pressure(recording),
        "candidates": [] if known else list(contents.candidates),
        "meta": {name: said for name, said in recording.meta.items() if name != "notes"}
        if recording is not None
        else {},
        "assumed": assumed,
        "notes": notes,
    }


def _flag_counts(recording: Recording) -> dict[str, int]:
    from matpose.recording import Flag

    counts = {flag.names[0]: int(((recording.flags & flag) > 0).sum()) for flag in Flag}
    return {name: count for name, count in counts.items() if count}


def _truth(recording: Recording) -> dict[str, Any]:
    """What the file knows besides pressure: how many points, people, body parts and events, and which postures."""
    import numpy as np

    postures = [] if recording.posture is None else recording.posture.tolist()
    said = {
        "postures": {name: postures.count(name) for name in dict.fromkeys(sorted(postures))},
        "joints": 0 if recording.joints_m is None else recording.joints_m.shape[1],
        "landmarks": 0 if recording.landmarks_m is None else recording.landmarks_m.shape[1],
        "parts": 0 if recording.parts is None else int(np.count_nonzero(np.unique(recording.parts))),
        "people": 0 if recording.person is None else len(np.unique(recording.person)),
        "events": len(recording.events),
    }
    return {name: value for name, value in said.items() if value}


def _typical_frame(recording: Recording) -> int:
    """Index of the frame with the median total, among those with somebody on the mat and sound transfer."""
    import numpy as np

    from matpose.recording import Flag

    sound = np.flatnonzero((recording.flags & (Flag.EMPTY_BED | Flag.CORRUPTED | Flag.WRONG_SIZE)) == 0)
    chosen = sound if len(sound) else np.arange(len(recording))
    total = np.array([np.nansum(recording.frames[index], dtype=float) for index in chosen])
    return int(chosen[np.argsort(total, kind="stable")[len(total) // 2]])


def _pressure(recording: Recording) -> dict[str, Any]:
    """Peak, and where the unit and pitch allow it contact and force, of the typical frame."""
    import numpy as np

    from matpose.quality import LOADED

    index = _typical_frame(recording)
    cells = recording.frames[index]
    cells = cells[np.isfinite(cells)]
    mat = recording.mat
    loaded = cells[cells >= LOADED] if recording.unit == "kPa" else cells[:0]
    cell_m2 = mat.pitch_m[0] * mat.pitch_m[1] if mat.pitch_y_m and len(loaded) else None
    return {
        "frame": index,
        "peak": float(cells.max()) if len(cells) else None,
        "contact_mean_kpa": float(loaded.mean()) if len(loaded) else None,
        "contact_area_m2": len(loaded) * cell_m2 if cell_m2 else None,
        "force_n": float(cells.clip(0).sum(dtype=float)) * 1000 * cell_m2 if cell_m2 else None,
    }


def _show(facts: dict[str, Any], recording: Recording | None, known: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from matpose.cli.thumbnail import thumbnail

    console = Console()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for name, value in _sentences(facts, recording, known):
        table.add_row(name, escape(value))
    console.print(table)
    if recording is not None and facts["pressure"]["peak"] is not None:
        index = facts["pressure"]["frame"]
        where = "head edge up" if known else "as stored"
        console.print(f"\nframe {index}, {where}:", style="dim")
        console.print(thumbnail(recording.frames[index], recording.mat, colour=console.color_system is not None))


def _sentences(facts: dict[str, Any], recording: Recording | None, known: bool) -> list[tuple[str, str]]:
    """(heading, text) lines of the human output."""
    lines = [("format", facts["format"])]
    if known and recording is not None:
        mat = recording.mat
        lengths = " x ".join(f"{pitch * 1e3:g}" for pitch in (mat.pitch_y_m, mat.pitch_x_m) if pitch)
        pitch = f"{lengths} mm" if lengths else "pitch unknown"
        turn = f", turned by {mat.rotate} degrees" * bool(mat.rotate) + ", mirrored" * mat.mirror
        by = "said by the file" if facts["meta"].get("maker") else "by hand"
        lines.append(("mat", f"{mat.name or by}: {mat.rows} x {mat.cols} cells, {pitch}{turn}"))
        lines.append(("frames", f"{len(recording)} in {recording.duration_s:g} s, {recording.unit}"))
    else:
        grid = facts["grid_as_stored"]
        looks = f"; looks like {facts['frames']} frame(s) of {grid[0]} x {grid[1]} cells" if grid else ""
        lines.append(("mat", f"the file does not say{looks}"))
        tries = " or ".join(f"--mat {name}" for name in facts["candidates"])
        by_hand = "--rows, --cols and --pitch-mm"
        lines.append(("try", f"{tries}; or {by_hand}" if tries else by_hand))
    if facts["start_time"]:
        lines.append(("start", facts["start_time"]))
    if facts["subject"]:
        lines.append(("subject", facts["subject"]))
    pressure = facts["pressure"]
    if pressure and pressure["peak"] is not None:
        said = [f"peak {pressure['peak']:.3g} {facts['unit'] or 'raw'}"]
        if pressure["contact_mean_kpa"] is not None:
            said.append(f"mean over contact {pressure['contact_mean_kpa']:.3g} kPa")
        if pressure["force_n"] is not None:
            said.append(f"contact area {pressure['contact_area_m2']:.2f} m2")
            said.append(f"force {pressure['force_n']:.0f} N ({pressure['force_n'] / 9.80665:.1f} kgf)")
        lines.append(("pressure", ", ".join(said) + f" (frame {pressure['frame']})"))
    if truth := facts["truth"]:
        counts = [f"{count} {name}" for name, count in truth.items() if name != "postures"]
        postures = [f"{name} ({count})" for name, count in truth.get("postures", {}).items()]
        lines.append(("known", ", ".join([*counts, *postures])))
    lines += [("flag", f"{name}: {count} frames; {FLAG_MEANING[name]}") for name, count in facts["flags"].items()]
    lines += [(name.replace("_", " "), value) for name, value in facts["meta"].items()]
    lines += [("assumed", text) for text in facts["assumed"]] + [("note", text) for text in facts["notes"]]
    return lines


FLAG_MEANING = {
    "nan": "a cell has no reading",
    "dead": "cells read zero in the midst of loaded ones",
    "stuck": "cells never change while their neighbours do",
    "saturated": "cells are at the sensor's full scale; the true pressure is higher",
    "hot": "a single cell reads far more than all its neighbours",
    "negative": "cells read below zero",
    "wrong_size": "the frame does not have the mat's grid and is left out",
    "empty_bed": "nobody is on the mat",
    "corrupted": "the transfer failed: the total force is impossible",
    "outside": "force falls outside the canvas",
    "gap": "frames are missing before this one",
    "clock": "the clock jumped before this one",
}
