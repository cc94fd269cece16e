"""Simulated people by the thousand: workers, in order, into a file that survives a kill.

Sample k depends on k alone, so a file is the same whatever the number of workers and however often it was resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from matpose.mat import Mat
from matpose.quality import assess
from matpose.readers.files import refuse_too_long, refuse_too_many
from matpose.readers.hdf5_stream import RecordingStream
from matpose.recording import FACTS, Recording
from matpose.simulate.sample import Sample
from matpose.workers import in_order


def simulate_frames(
    make: Callable[[int], Sample],
    count: int,
    mat: Mat,
    path: str | PathLike[str],
    *,
    workers: int,
    settings: Mapping[str, Any],
    chunk: int = 32,
    force: bool = False,
    progress: Callable[[int], object] = lambda done: None,
) -> None:
    """Write ``count`` independent samples as one recording, a frame a second, each of another person.

    A script that calls this needs the guard ``if __name__ == "__main__"``: workers are started anew.

    Args:
        make: gives the sample of an index, whoever else is asked for; picklable (a partial of a module's function).
        count: how many, from index 0.
        mat: the mat of every sample.
        path: the ``*.h5``. A run that was stopped is gone on with.
        workers: processes, of one thread each.
        settings: all that decides the samples besides the mat; kept with the file as its ``meta``.
        chunk: frames that a kill may lose.
        force: begin anew, whatever was begun.
        progress: told the number of frames that are made.

    Raises:
        MatposeError: what ``make`` raised; settings other than those of the run before; no room; a file too large.
    """
    path = Path(path)
    refuse_too_long(count, path)
    refuse_too_many(count * mat.rows * mat.cols, path)
    stream = RecordingStream(path, _told({**settings, "frames": count, "chunk": chunk}, mat), force=force)
    progress(stream.frames_done)
    known = {"name": path.stem, "source": "simulated", "meta": _meta(settings)}
    with closing(in_order(partial(_made, make, mat), range(stream.frames_done, count), workers)) as made:
        while (start := stream.frames_done) < count:
            piece: list[Recording] = []
            for frame in islice(made, chunk):
                piece.append(frame)
                progress(start + len(piece))
            stream.append(_joined(piece, start, **known))
    stream.finish()


def simulate_night(
    chunks: Iterator[Recording],
    mat: Mat,
    path: str | PathLike[str],
    *,
    hours: float,
    settings: Mapping[str, Any],
    force: bool = False,
    progress: Callable[[float], object] = lambda hours: None,
) -> None:
    """Write a night that is simulated in order, with its events, as one recording.

    A night that was stopped is simulated again up to where the file stood, and gone on with from there.

    Args:
        chunks: consecutive flagged frames with times that run on, the same chunks for the same settings.
        mat: the mat of every chunk.
        path: the ``*.h5``.
        hours: how long it will be.
        settings: all that decides the night; kept with the file as its ``meta``.
        force: begin anew, whatever was begun.
        progress: told the hours that are simulated.

    Raises:
        MatposeError: as :func:`simulate_frames`.
    """
    path = Path(path)
    stream = RecordingStream(path, _told({**settings, "hours": hours}, mat), force=force)
    for number, chunk in enumerate(chunks):
        if number == 0:
            _refuse_too_large(chunk, hours, path)
        if number >= stream.pieces_done:
            meta = {**chunk.meta, **_meta(settings)}
            stream.append(replace(chunk, name=path.stem, source="simulated", meta=meta))
        progress(float(chunk.time_s[-1]) / 3600)
    stream.finish()
    progress(hours)


def recording_of(sample: Sample, mat: Mat, **known) -> Recording:
    """A sample as a recording of one frame, flagged by itself: frames beside it would show other people.

    Args:
        sample: the sample.
        mat: its mat.
        known: further fields of the recording.
    """
    return assess(
        Recording(
            frames=sample.pressure_kpa[None],
            mat=mat,
            unit="kPa",
            time_s=np.zeros(1),
            flags=np.zeros(1, np.uint16),
            facts=_table(sample.facts),
            partner_facts=None if sample.partner is None else _table(sample.partner.facts),
            **{name: value[None] for name, value in sample.labels.items()},
            **known,
        )
    )


def _table(facts: Mapping[str, str]) -> np.ndarray:
    """(1,) of ``FACTS``: those that a file keeps."""
    unknown = {"stature_m": "nan", "mass_kg": "nan", "sex": "", "style": "", "raised_deg": "nan", "posture17": "0"}
    return np.array([tuple(facts.get(name, unknown[name]) for name in unknown)], FACTS)


def _made(make: Callable[[int], Sample], mat: Mat, index: int) -> Recording:
    return recording_of(make(index), mat, person=np.array([index], np.uint32))


def _joined(frames: Sequence[Recording], start: int, **known) -> Recording:
    """Recordings of one frame each as one recording, a frame a second."""
    columns = {name: np.concatenate([frame.columns[name] for frame in frames]) for name in frames[0].columns}
    columns["time_s"] = np.arange(start, start + len(frames), dtype=np.float64)
    return replace(frames[0], **columns, **known)


def _told(settings: Mapping[str, Any], mat: Mat) -> dict[str, Any]:
    """What the file must have been begun with."""
    return {**settings, **asdict(mat)}


def _meta(settings: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items() if value is not None}


def _refuse_too_large(chunk: Recording, hours: float, path: Path) -> None:
    """Not after hours of work."""
    if len(chunk) > 1 and chunk.duration_s > 0:
        frames = round(hours * 3600 * (len(chunk) - 1) / chunk.duration_s)
        refuse_too_long(frames, path)
        refuse_too_many(frames * chunk.mat.rows * chunk.mat.cols, path)
