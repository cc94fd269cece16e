"""An archive on Ray Data: the same files and results, on one machine or on a cluster that shares its disks."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path

from matpose.errors import MatposeError
from matpose.runtime.archive import Job

_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_STORE_BYTES = 100 << 20  # names go through Ray's store, never frames
_BLOCKS = 4096  # one file a block balances best; of more files, some share one


class RayEngine:
    """Shares an archive's files out by Ray Data; see :class:`matpose.runtime.archive.Engine`.

    Without ``RAY_ADDRESS`` a Ray of this machine starts, and ends with the job. With it the job runs there:
    Matpose must be installed on every node, and model, recordings and results have the same paths on all.
    Ray's usage statistics and its dashboard stay off.

    Args:
        workers: how many processes of this machine; None: as many as there are cores.

    Raises:
        MatposeError: Ray is not installed, or does not start.
    """

    def __init__(self, workers: int | None = None) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # must be said before ray is imported
        try:
            import ray.data  # noqa: F401
        except ModuleNotFoundError as error:
            raise MatposeError(
                f"the engine ray needs the package {error.name!r}", mend="pip install 'matpose[cluster]'"
            ) from None
        self.workers = workers or os.cpu_count() or 1
        self.frames = 0  # of the files that are done

    def as_done(
        self, work: Callable[[Job], dict], items: Iterable[Job]
    ) -> Generator[tuple[Job, dict | None], None, None]:
        """(job, what ``work`` made of it), as they come; Ray itself tries a file again whose process died."""
        import ray.data
        import ray.exceptions

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        jobs = {job.output: job for job in items}
        if not jobs:
            return
        self._start()
        rows = [{"source": str(job.source), "output": job.output, "named": job.named} for job in jobs.values()]
        try:
            shared = ray.data.from_items(rows, override_num_blocks=min(len(rows), _BLOCKS))
            for row in shared.map(partial(_made, work=work, place=str(Path.cwd()))).iter_rows():
                made = json.loads(row["made"])
                if "fatal" in made:
                    problem, mend, path = made["fatal"]
                    raise MatposeError(problem, mend=mend, path=path)
                self.frames += made.get("summary", {}).get("frames", 0)
                yield jobs[row["output"]], made
        except ray.exceptions.RayError as error:
            raise MatposeError(
                f"Ray gave up: {str(error).splitlines()[0]}",
                mend="repeat the command: it goes on where it stopped",
            ) from error
        finally:
            ray.shutdown()

    def _start(self) -> None:
        import ray

        address = os.environ.get("RAY_ADDRESS")
        try:
            ray.init(
                address or "local",
                num_cpus=None if address else self.workers,
                object_store_memory=None if address else _STORE_BYTES,
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": _THREADS},
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise MatposeError(
                f"Ray does not start: {str(error).splitlines()[0]}",
                mend="check RAY_ADDRESS, or unset it to run on this machine",
            ) from error
        self.workers = int(ray.cluster_resources().get("CPU", 1))


def _made(row: dict, *, work: Callable[[Job], dict], place: str) -> dict:
    """In a worker of Ray, which may have started anywhere; answers as text, which no table changes."""
    os.chdir(place)
    try:
        made = work(Job(Path(row["source"]), row["output"], row["named"]))
    except MatposeError as error:
        made = {"fatal": [error.problem, error.mend, error.path]}
    return {"output": row["output"], "made": json.dumps(made)}
