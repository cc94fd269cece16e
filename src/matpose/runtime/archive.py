"""An archive to its results: every recording below a folder, on all cores, and again only what has changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, partial
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

from matpose import __version__
from matpose.atomic import atomic_path, remove_unfinished
from matpose.datasets.folder import LABELS
from matpose.errors import MatposeError
from matpose.runtime import archive_ledger
from matpose.runtime.archive_ledger import Ledger, fingerprint
from matpose.runtime.archive_pool import Pool, step
from matpose.runtime.detector import SHIPPED, Detector
from matpose.runtime.predict_file import predict_file

FAILURES = "failures.jsonl"


class Engine(Protocol):
    """Who computes: processes of this machine, or a cluster.

    Args:
        workers: how many processes, known at the latest when it is done.
        frames: done so far.
    """

    workers: int

    @property
    def frames(self) -> int: ...

    def as_done(
        self, work: Callable[[Job], dict], items: Iterable[Job]
    ) -> Generator[tuple[Job, dict | None], None, None]:
        """(item, what ``work`` made of it, None where its process died), as they come."""
        ...


@dataclass(frozen=True)
class Job:
    """One file of an archive.

    Args:
        source: the file.
        output: the folder of its results, relative to the archive's, with ``/`` between.
        named: whether the user named this file, and not a folder above it.
    """

    source: Path
    output: str
    named: bool = False


@dataclass
class Archive:
    """What became of an archive's files.

    Args:
        done: summaries of the files computed now, in the order of their outputs.
        skipped: of those done before and unchanged since.
        failures: ``{"source", "reason", "mend", "place", "named"}`` of those that could not be read.
        seconds: spent on those computed now.
        workers: how many processes did it.
    """

    done: list[dict] = field(default_factory=list)
    skipped: list[dict] = field(default_factory=list)
    failures: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    workers: int = 0

    @property
    def frames(self) -> int:
        """Frames computed now."""
        return sum(one["frames"] for one in self.done)


def predict_archive(
    jobs: list[Job],
    output: Path,
    engine: Engine | None = None,
    *,
    model: str | PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    pictures: bool = False,
    deeplabcut: bool = False,
    tell: Callable[[Job], None] = lambda job: None,
) -> Archive:
    """Points, joints and posture of every file, in a folder each; files done before and unchanged are left out.

    The results do not depend on the engine, the number of workers or the order in which they finish. Whatever
    kills a run leaves whole result files, and the next run goes on. A file that cannot be read does not stop
    the others: it is listed in ``failures.jsonl``.

    Args:
        jobs: the files; see :func:`jobs_of`.
        output: the folder of all results.
        engine: who computes; by default one process a core.
        model: as :class:`Detector` takes it.
        options: those of :func:`matpose.read`, for the files that do not say their own mat.
        pictures, deeplabcut: what else to write of each, as :func:`predict_file` does.
        tell: told whenever a file is finished, be it well or ill.

    Raises:
        ModelError: no such model.
        MatposeError: the folder cannot be written to, or another run is writing there.
    """
    said = {name: value for name, value in (options or {}).items() if value not in (None, False, 0)}
    chosen = Path(model or SHIPPED).absolute()
    Detector(model)  # before anything is written; each worker makes its own
    more = {"pictures": pictures, "deeplabcut": deeplabcut}
    work = partial(_done, output=output, model=str(chosen), options=said, more=more)
    settings = json.dumps([__version__, _hash(chosen), said, more], sort_keys=True, default=str)
    ledger = Ledger(output, settings)
    engine = engine or Pool(os.cpu_count() or 1)
    archive = Archive()
    try:
        prints, waiting = {}, []
        for job in jobs:
            try:
                prints[job.output] = fingerprint(job.source)
            except OSError:
                prints[job.output] = {}  # the reader says what is wrong
            summary = ledger.done(job.output, prints[job.output], output / job.output)
            if summary is None:
                waiting.append(job)
            else:
                archive.skipped.append(summary | {"source": str(job.source), "output": str(output / job.output)})
                tell(job)
        start = time.perf_counter()
        waiting.sort(key=lambda job: -prints[job.output].get("size", 0))  # the longest last would keep all waiting
        with closing(engine.as_done(work, waiting)) as results:
            for job, made in results:
                if made is not None and "summary" in made:
                    summary = made["summary"]
                    known = {name: value for name, value in summary.items() if name not in ("source", "output")}
                    ledger.add(job.output, prints[job.output], known, made["files"])
                    archive.done.append(summary)
                else:
                    archive.failures.append(_failure(job, made))
                tell(job)
        archive.seconds, archive.workers = time.perf_counter() - start, engine.workers
    finally:
        for summaries in (archive.done, archive.skipped):
            summaries.sort(key=lambda one: one["output"])
        archive.failures.sort(key=lambda one: one["source"])
        _write_failures(output / FAILURES, archive.failures)
        ledger.close()
    return archive


def jobs_of(paths: list[Path], names: list[str], output: Path) -> list[Job]:
    """Files and all files below folders, and where the results of each shall stand.

    A file within a folder keeps its place and its whole name (``S1/night.h5/``). Left out are hidden files,
    ``labels.csv``, and folders of results.

    Args:
        paths: files and folders.
        names: a folder's name for each; one lone folder's files stand in ``output`` itself.
        output: the folder of all results.

    Raises:
        MatposeError: nothing there.
    """
    jobs = []
    for path, name in zip(paths, names, strict=True):
        if not path.is_dir():
            jobs.append(Job(path, name, named=True))
            continue
        if path.resolve() == output.resolve():
            raise MatposeError(
                "the results would stand among the recordings", mend="choose another --output", path=path
            )
        for source in _files_below(path, output.resolve()):
            place = source.relative_to(path).as_posix()
            jobs.append(Job(source, place if len(paths) == 1 else f"{name}/{place}"))
    if not jobs:
        raise MatposeError("holds no files", mend="give a folder with recordings", path=paths[0] if paths else None)
    return jobs


def _files_below(folder: Path, output: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        here = Path(place)
        if archive_ledger.NAME in files or here.resolve() == output:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name != LABELS:
                yield here / name


def _done(job: Job, *, output: Path, model: str, options: Mapping[str, Any], more: Mapping[str, bool]) -> dict:
    """In a worker: ``{"summary", "files"}``, or ``{"failure"}`` where the file is to blame."""
    folder = output / job.output
    remove_unfinished(folder)
    remove_unfinished(folder / "pictures")
    try:
        summary = predict_file(
            _detector(model), job.source, folder, options=options, own_mat_wins=not job.named, step=step,
            pictures=more["pictures"], deeplabcut=more["deeplabcut"],
        )  # fmt: skip
    except MatposeError as error:
        if error.path is not None and Path(error.path).is_relative_to(folder):  # no place to write: nor for the others
            raise
        return {"failure": {"reason": error.problem, "mend": error.mend, "place": error.place}}
    except Exception as error:  # a fault of ours in one file of thousands; the others are wanted all the same
        reason = f"{type(error).__name__}: {error}"
        return {"failure": {"reason": reason, "mend": "report this, with the file if you can", "place": None}}
    files = ["poses.jsonl", *sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != "poses.jsonl")]
    return {"summary": summary, "files": files}


@cache
def _detector(model: str) -> Detector:
    return Detector(model)


def _failure(job: Job, made: dict | None) -> dict:
    died = {"reason": "the process that read it died", "mend": "check the file and the memory", "place": None}
    return {"source": str(job.source), **(died if made is None else made["failure"]), "named": job.named}


def _write_failures(path: Path, failures: list[dict]) -> None:
    if not failures:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as temporary:
        lines = ({name: one[name] for name in ("source", "reason", "place", "mend")} for one in failures)
        temporary.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")


def _hash(model: Path) -> str:
    """Of the model's bytes; a run's folder is its model file."""
    files = sorted(model.glob("*.safetensors")) if model.is_dir() else [model]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
