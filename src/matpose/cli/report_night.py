"""The night's part of `matpose report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from matpose.errors import MatposeError

if TYPE_CHECKING:
    from rich.console import Console

    from matpose.monitor.night_words import Clock
    from matpose.monitor.store import Store


def report_night(
    night: Path,
    output: Path | None,
    *,
    bed: str | None,
    since: str | None,
    until: str | None,
    turn_interval_h: float | None,
    pdf: bool,
    csv: Path | None,
    parquet: Path | None,
    as_json: bool,
    mat_options: dict[str, Any],
) -> None:
    """Write the page of one bed's night, and what else was asked for.

    Raises:
        MatposeError: the night cannot be read, or something cannot be written.
    """
    from rich.console import Console

    from matpose.cli.outputs import refuse_to_overwrite
    from matpose.monitor.night_report import write_night_report
    from matpose.monitor.night_sentences import lead
    from matpose.monitor.night_summary import only_bed, summarise
    from matpose.monitor.night_words import local_clock
    from matpose.monitor.pdf import find_browser, write_pdf
    from matpose.monitor.schema import is_sqlite
    from matpose.monitor.store import Store

    console = Console(stderr=True)
    page = output or Path(f"{night.stem}-report.html")
    refuse_to_overwrite(page, [night], force=True)
    if turn_interval_h is not None and not 0 < turn_interval_h <= 24:
        raise MatposeError(f"a turn interval of {turn_interval_h:g} h", mend="give hours above 0, to 24")
    if pdf:
        find_browser()  # rather now than after a long reading
    if is_sqlite(night):
        if any(mat_options.values()):
            raise MatposeError("a monitor's database knows its mats", mend="leave out their options", path=night)
        store, notes, clock = Store(night, read_only=True), (), None
        source = f"a monitor's record ({night.name})"
    else:
        store, notes, clock = _watched(night, turn_interval_h, mat_options, console)
        source = f"the recording {night.name}"
    with store:
        name = only_bed(store, bed)
        clock = clock or local_clock(store.beds()[0]["first_s"] or 0.0)
        since_s, until_s = (None if text is None else clock.parse(text) for text in (since, until))
        chosen = {"since_s": since_s, "until_s": until_s}
        summary = summarise(store, name, turn_interval_h=turn_interval_h, **chosen)
        if clock.zone is not None and is_sqlite(night):
            clock = local_clock(summary["from_s"])  # as it was then, in summer or winter
        write_night_report(page, summary, clock, source=source, notes=notes)
        written = [page]
        if pdf:
            written.append(write_pdf(page, page.with_suffix(".pdf")))
        if csv is not None or parquet is not None:
            from matpose.monitor.exports import export_csv, export_parquet

            written += export_csv(store, name, csv, **chosen) if csv else []
            written += export_parquet(store, name, parquet, **chosen) if parquet else []
    if as_json:
        typer.echo(json.dumps({"report": str(page), "written": [str(path) for path in written], **summary}))
        return
    console.print(lead(summary, clock))
    for note in notes:
        console.print(f"[yellow]note[/]: {note}")
    console.print(f"[green]Open {page}[/]" + "".join(f"; {path}" for path in written[1:]))


def _watched(
    path: Path, turn_interval_h: float | None, mat_options: dict[str, Any], console: Console
) -> tuple[Store, tuple[str, ...], Clock]:
    """A recording as the monitor sees it, what its reader should know, and its clock."""
    from rich.progress import track

    from matpose.monitor.night_words import recording_clock
    from matpose.monitor.settings import Settings
    from matpose.monitor.store import Store
    from matpose.monitor.watch import watch
    from matpose.readers import read
    from matpose.remarks import remarks
    from matpose.runtime import Detector

    recording = read(path, **mat_options)
    detector = Detector()
    notes = (*remarks(recording), *detector.remarks(recording))
    settings = Settings() if turn_interval_h is None else Settings(turn_interval_h=turn_interval_h)
    store = Store(":memory:")
    moments = watch(recording, detector, settings)
    for moment in track(moments, "watching the night", total=len(recording), console=console):
        store.add(path.stem, moment)
    return store, notes, recording_clock(recording.start_time)
