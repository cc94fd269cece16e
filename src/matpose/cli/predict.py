"""`matpose predict`: points, joints and posture of every frame, of one recording or of whole archives of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, OutDir, PitchMm, RateHz, Rotate, Rows, Sensor, Unit

if TYPE_CHECKING:
    from rich.console import Console

    from matpose.runtime.archive import Archive, Engine, Job

_MANY = "Many recordings"


def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Recordings, or folders of them.")],
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
    pictures: Annotated[
        bool | None,
        typer.Option("--pictures/--no-pictures", help="Overlay PNGs and a GIF; by default not of folders' files."),
    ] = None,
    deeplabcut: Annotated[
        bool, typer.Option("--deeplabcut", help="Also deeplabcut.csv: joints as DeepLabCut writes them, in mm.")
    ] = False,
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
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes; by default one a core. The results do not depend on it.",
            rich_help_panel=_MANY,
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="processes|ray",
            help="Who computes: this machine's cores, or Ray (RAY_ADDRESS, else a local one).",
            rich_help_panel=_MANY,
        ),
    ] = "processes",
) -> None:
    """Find points and joints in metres and the posture in every frame of one or more recordings.

    Writes poses.jsonl, coco.json, joints.csv, points.csv, posture.csv and pictures; of several recordings, into one
    folder each. Of a folder, every recording below it is done, its place kept; a later run leaves out what is done and
    unchanged. Files of a folder that cannot be read are listed in failures.jsonl and do not stop the others.
    """
    from matpose.errors import MatposeError

    if engine not in ("processes", "ray"):
        raise MatposeError(f"there is no engine {engine!r}", mend="give processes or ray")
    options = {
        "mat": mat, "rows": rows, "cols": cols, "pitch_mm": pitch_mm, "unit": unit, "rotate": rotate,
        "mirror": mirror, "rate_hz": rate_hz, "sensor": sensor,
    }  # fmt: skip
    folders = any(path.is_dir() for path in paths)
    if pictures is None:
        pictures = not folders
    wanted = {"options": options, "pictures": pictures, "deeplabcut": deeplabcut}
    if len(paths) == 1 and not folders:
        _one(paths[0], output, model, wanted, as_json)
    else:
        _many(paths, output, model, wanted, as_json, workers, engine)


def _one(path: Path, output: Path, model: Path | None, wanted: dict[str, Any], as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from matpose.runtime import Detector
    from matpose.runtime.predict_file import predict_file

    console = Console(stderr=True)
    detector = Detector(model)
    with Progress(console=console) as progress:
        bar = progress.add_task(path.name, total=None)

        def begin(recording, said: list[str]) -> None:
            for remark in said:
                console.print(f"[yellow]note[/] on {path}: {remark}")
            progress.update(bar, total=len(recording))

        def step(frames: int) -> None:
            progress.advance(bar, frames)

        summary = predict_file(detector, path, output, begin=begin, step=step, **wanted)
    _tell_files([summary], as_json)


def _many(
    paths: list[Path], output: Path, model: Path | None, wanted: dict[str, Any], as_json: bool, workers: int | None,
    engine: str,
) -> None:  # fmt: skip
    from rich.console import Console

    from matpose.cli.outputs import folder_names
    from matpose.errors import MatposeError
    from matpose.runtime.archive import FAILURES, jobs_of, predict_archive

    console = Console(stderr=True)
    names = folder_names([path.resolve() if path.is_dir() else path for path in paths])
    jobs = jobs_of(paths, names, output)
    chosen = _engine(engine, workers, len(jobs))
    with _progress(len(jobs), chosen, console) as tell:
        archive = predict_archive(jobs, output, chosen, model=model, tell=tell, **wanted)
    summaries = sorted((*archive.done, *archive.skipped), key=lambda one: one["output"])
    _tell_notes(summaries, console)
    if not any(path.is_dir() for path in paths):
        if not archive.failures:
            _tell_files(summaries, as_json)
    else:
        _tell_archive(archive, output, as_json)
    named = [one for one in archive.failures if one["named"]]
    if named or not summaries:
        first, others = (named or archive.failures)[0], len(archive.failures) - 1
        reason = first["reason"]
        if others:
            reason += f"; {others} more of {len(jobs)} files could not be read, see {output / FAILURES}"
        raise MatposeError(reason, mend=first["mend"], path=first["source"], place=first["place"])


def _engine(name: str, workers: int | None, files: int) -> Engine:
    import os

    if name == "ray":
        from matpose.runtime.archive_ray import RayEngine

        return RayEngine(workers)
    from matpose.runtime.archive_pool import Pool

    return Pool(min(workers or os.cpu_count() or 1, files))


@contextmanager
def _progress(files: int, engine: Engine, console: Console) -> Iterator[Callable[[Job], None]]:
    """A bar over files with the frames done so far, and a function that counts a file."""
    import time

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    start = time.perf_counter()

    class Frames(ProgressColumn):
        def render(self, task) -> Text:
            done = engine.frames
            rate = done / max(time.perf_counter() - start, 1e-9)
            return Text(f"{done:,} frames, {rate:,.0f} a second" if done else "")

    columns = (TextColumn("files"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), Frames())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("files", total=files)
        yield lambda job: progress.advance(bar)


def _tell_notes(summaries: list[dict], console: Console) -> None:
    """What holds for some files, and for how many."""
    said = Counter(note for one in summaries for note in one["notes"])
    for note, times in said.most_common(6):
        console.print(f"[yellow]note[/] on {times} of {len(summaries)} recordings: {note}")


def _tell_files(summaries: list[dict], as_json: bool) -> None:
    from rich.console import Console

    if as_json:
        names = ("source", "output", "frames", "postures", "flags")
        typer.echo(json.dumps([{name: one[name] for name in names} for one in summaries]))
        return
    out = Console()
    for one in summaries:
        out.print(f"{one['source']}: {one['frames']} frames; {_counts(one['postures'])} -> {one['output']}")
        _tell_flags(one["flags"], out)


def _tell_archive(archive: Archive, output: Path, as_json: bool) -> None:
    from rich.console import Console

    from matpose.runtime.archive import FAILURES

    known = (*archive.done, *archive.skipped)
    postures = sum((Counter(one["postures"]) for one in known), Counter())
    flags = sum((Counter(one["flags"]) for one in known), Counter())
    per_s = archive.frames / archive.seconds if archive.seconds else 0.0
    if as_json:
        answer = {
            "output": str(output), "done": len(archive.done), "skipped": len(archive.skipped),
            "failed": len(archive.failures), "frames": archive.frames, "seconds": round(archive.seconds, 3),
            "frames_per_s": round(per_s, 1), "workers": archive.workers, "postures": postures, "flags": flags,
            "failures": [{name: one[name] for name in ("source", "reason", "mend")} for one in archive.failures],
        }  # fmt: skip
        typer.echo(json.dumps(answer))
        return
    out = Console()
    if archive.done:
        workers = f"{archive.workers} worker{'s' * (archive.workers != 1)}"
        out.print(
            f"{len(archive.done)} recordings, {archive.frames:,} frames in {archive.seconds:.1f} s: "
            f"{per_s:,.0f} a second on {workers} -> {output}",
            soft_wrap=True,
        )
    if archive.skipped:
        out.print(f"{len(archive.skipped)} recordings were done before and have not changed")
    if known:
        out.print(f"postures: {_counts(postures)}")
    _tell_flags(flags, out)
    if archive.failures:
        out.print(f"[red]{len(archive.failures)} files could not be read[/], see {output / FAILURES}:", soft_wrap=True)
        for reason, times in Counter(one["reason"] for one in archive.failures).most_common(5):
            out.print(f"  {times}: {reason}", markup=False, soft_wrap=True)


def _tell_flags(flags: dict[str, int], out: Console) -> None:
    if flags:
        out.print(f"  flagged: {_counts(flags)}")
        if "outside" in flags:
            out.print("  outside: force lies beside the canvas; check rows, columns and pitch")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
