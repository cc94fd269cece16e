"""`matpose simulate`: people on a mat with every joint known, as many as wanted, or a whole night."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matpose.cli.options import Cols, JsonOut, MatName, PitchMm, Rows

if TYPE_CHECKING:
    from matpose.mat import Mat

_HEAD_M = 0.3  # a mat with a shorter side holds no more than a head


def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.h5", help="The recording to write.")],
    frames: Annotated[int | None, typer.Option(min=1, help="How many maps, each of another person.")] = None,
    night: Annotated[float | None, typer.Option(metavar="HOURS", help="Instead of these, a night, this long.")] = None,
    people: Annotated[
        int, typer.Option(min=1, max=2, help="On the mat at once: 2 side by side on one that is wide enough.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same file.")] = 0,
    posture: Annotated[
        str | None, typer.Option(metavar="NAME", help="All in this posture; else as sleepers choose.")
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Or in this style (left-foetal, starfish, ...); pmatdata: its seventeen in turn."
        ),
    ] = None,
    bodies: Annotated[
        str, typer.Option(metavar="light|anny", help="Quick shapes by the tables, or realistic surfaces.")
    ] = "light",
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a core. The file does not depend on it.")
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(metavar="SHEET.png", help="Also a picture of up to 48 of the maps.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file, and begin anew where one was begun.")
    ] = False,
    as_json: JsonOut = False,
) -> None:
    """Simulate people on a mat (preset pmatdata-i if none is given): pressure, joints, landmarks and body parts.

    A run that was stopped goes on where it was when the same command is given again.
    """
    from importlib.metadata import version

    from matpose import __version__
    from matpose.cli.outputs import refuse_to_overwrite
    from matpose.errors import MatposeError

    if (frames is None) == (night is None):
        raise MatposeError("what to simulate is not clear", mend="give either --frames N or --night HOURS")
    if posture is not None and style is not None:
        raise MatposeError("a posture and a style are given", mend="give one of them")
    chosen = _mat(mat, rows, cols, pitch_mm)
    if people == 2:
        from matpose.simulate.couple import refuse_for_two

        refuse_for_two(chosen, style)
    refuse_to_overwrite(output, [], force=force)
    if preview is not None:
        if preview.absolute() == output.absolute():
            raise MatposeError("the picture and the recording have one name", mend="give two", path=preview)
        refuse_to_overwrite(preview, [], force=force)
    settings = {"seed": seed, "bodies": bodies, "matpose": __version__, "mujoco": version("mujoco")}
    if people == 2:  # a file of one that was begun before there were two goes on
        settings["people"] = people
    if bodies == "anny":
        settings["anny"] = version("anny")
        _load_anny()
    if frames is not None:
        _frames(output, frames, chosen, (posture, style), workers or os.cpu_count() or 1, settings, force)
    if night is not None:
        if posture is not None or style is not None:
            raise MatposeError("a night has many postures", mend="leave out --posture and --style")
        _night(output, night, chosen, settings, force)
    if preview is not None:
        from matpose.simulate.sheet import write_sheet

        write_sheet(preview, output, chosen)
    _tell(output, chosen, preview, as_json)


def _mat(name: str | None, rows: int | None, cols: int | None, pitch_mm: str | None) -> Mat:
    """The mat that the options say, if a person can lie on it."""
    from matpose.errors import MatposeError
    from matpose.mat import Mat, preset
    from matpose.readers.mats import pitch_m

    if (rows is None) != (cols is None):
        raise MatposeError("only one of rows and columns is given", mend="give both or neither")
    pitch = (None, None) if pitch_mm is None else pitch_m(pitch_mm)
    if rows is not None and cols is not None:
        if name is not None:
            raise MatposeError("two mats are given", mend="give --mat, or --rows, --cols and --pitch-mm")
        mat = Mat(rows, cols, *pitch)
    else:
        if pitch_mm is not None:
            raise MatposeError("a preset has its own pitch", mend="give --rows and --cols with --pitch-mm")
        mat = preset(name or "pmatdata-i")
    if min(mat.pitch_m[0] * mat.rows, mat.pitch_m[1] * mat.cols) < _HEAD_M:
        raise MatposeError(
            f"a mat of {mat.height_m:.2f} x {mat.width_m:.2f} m holds nobody",
            mend=f"give one of at least {_HEAD_M:g} m a side; --pitch-mm is the distance of cell centres",
        )
    return mat


def _load_anny() -> None:
    """Before the workers start, which would build it side by side, into the same files."""
    from matpose.simulate.anny_rig import load_rig

    typer.echo("loading anny: the first time on a machine this takes a minute or two", err=True)
    load_rig()


def _frames(
    output: Path, count: int, mat: Mat, lying: tuple[str | None, str | None], workers: int, settings: dict[str, Any],
    force: bool,
) -> None:  # fmt: skip
    from functools import partial

    from matpose.simulate.generate import simulate_frames
    from matpose.simulate.presets import draw_pmatdata
    from matpose.simulate.scene import draw_sample

    posture, style = lying
    draw = draw_sample
    if settings.get("people") == 2:
        from matpose.simulate.couple import draw_couple as draw
    make = partial(draw, bodies=settings["bodies"], seed=settings["seed"], mat=mat, posture=posture, style=style)
    if style == "pmatdata":
        make = partial(draw_pmatdata, bodies=settings["bodies"], seed=settings["seed"], mat=mat)
    settings = settings | {"posture": posture, "style": style}
    with _progress(count, "frames") as advance:
        simulate_frames(
            make, count, mat, output, workers=min(workers, count), settings=settings, force=force, progress=advance
        )


def _night(output: Path, hours: float, mat: Mat, settings: dict[str, Any], force: bool) -> None:
    from math import isfinite

    from matpose.errors import MatposeError
    from matpose.simulate.generate import simulate_night
    from matpose.simulate.night import night

    if not (isfinite(hours) and hours > 0):
        raise MatposeError(f"a night of {hours:g} hours", mend="give hours above 0")
    with _progress(hours, "hours") as advance:
        people = settings.get("people", 1)
        chunks = night(settings["seed"], mat, hours, people=people, bodies=settings["bodies"])
        simulate_night(chunks, mat, output, hours=hours, settings=settings, force=force, progress=advance)


@contextmanager
def _progress(total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """A bar on standard error with the rate and the time left; stopped, it says that nothing is lost."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TextColumn(f"{{task.completed:.4g}} of {{task.total:g}} {unit}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console)
    task = bar.add_task("", total=total, rate="")

    def advance(done: float) -> None:
        if not bar.live.is_started:  # not before the options have proved sound
            bar.reset(task, completed=int(done))  # frames of a run before would make the rate look high
            bar.start()
        bar.update(task, completed=min(done, total))
        if speed := bar.tasks[0].speed:
            bar.update(task, rate=f"{speed:.3g} {unit} a second")

    try:
        yield advance
    except KeyboardInterrupt:
        console.print("[yellow]interrupted[/]: what is simulated is kept; the same command goes on from there")
        raise
    finally:
        if bar.live.is_started:
            bar.stop()


def _tell(output: Path, mat: Mat, preview: Path | None, as_json: bool) -> None:
    import h5py

    with h5py.File(output, "r") as file:
        frames = file["frames"]
        assert isinstance(frames, h5py.Dataset)
        count = len(frames)
    if as_json:
        import json

        facts = {
            "output": str(output), "frames": count, "rows": mat.rows, "cols": mat.cols, "unit": "kPa",
            "bytes": output.stat().st_size, "preview": str(preview) if preview else None,
        }  # fmt: skip
        typer.echo(json.dumps(facts))
        return
    typer.echo(f"{output}: {count} frames of {mat.rows} x {mat.cols} cells, kPa, with joints, landmarks and parts")
    if preview is not None:
        typer.echo(f"{preview}: a picture of them")
