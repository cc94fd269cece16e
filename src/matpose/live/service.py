"""The service: sources through beds to the hub."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from matpose.errors import MatposeError
from matpose.live.arrival import Arrival, Source
from matpose.live.bed import Bed, Watching
from matpose.live.hub import TICK_S, Hub
from matpose.live.journal import Journal
from matpose.live.metrics import Metrics
from matpose.live.state import BedFacts
from matpose.mat import Mat
from matpose.monitor.moment import Event, Moment

WAITING = 256
"""Frames that wait for the worker; a source with more to say waits with them, for none may be lost."""
BATCH = 32
"""Frames given to the worker at once."""
MOST_BEDS = 4096
"""Whoever can send frames could else fill the memory with names of beds."""
RESTART_S = 5.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

log = logging.getLogger("matpose.live")

WatchFor = Callable[[str, Mat, str], tuple[Watching, float]]
"""Bed, mat and unit to the bed's watch and its turn interval in hours."""


@dataclass(frozen=True)
class _Waiting:
    bed: Bed
    arrival: Arrival
    came_s: float


class Service:
    """Runs sources through beds.

    All of it is on one event loop, but for the work on frames, which one worker thread does in their order: two would
    fight over the interpreter, and a frame cost half as much again.

    Args:
        sources: where frames come from; no two with the same bed.
        watch_for: makes the watch of a bed.
        signal_s: after so long without a frame a bed has no signal.
        journal: where moments are kept; None keeps nothing.
        heard: called with bed and event whenever something happens.

    Raises:
        MatposeError: two sources with the same bed, or a bed whose name is none.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        watch_for: WatchFor,
        *,
        signal_s: float = 5.0,
        journal: Journal | None = None,
        heard: Callable[[str, Event], None] = lambda bed, event: None,
    ) -> None:
        self.metrics = Metrics()
        self.journal = journal
        self.hub = Hub(signal_s=signal_s, heard=self._on_event)
        self.sources_failing = 0
        """Sources that have ended with an error, or wait to be begun again."""
        self.failing: set[str] = set()
        """Beds whose last frame could not be watched, by an error of ours."""
        self._heard = heard
        self._sources = list(sources)
        self._watch_for = watch_for
        self._beds: dict[str, Bed] = {}
        self._owner: dict[str, Source] = {}
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="frames")
        self._noted: list[tuple[str, Moment, Event]] = []
        for source in self._sources:
            for name in source.beds:
                if self._bed(name, source) is None:
                    raise MatposeError(
                        f"two sources have a bed {name!r}, or that is no name",
                        mend="give every bed one name of its own: up to 64 letters, digits, - and _",
                    )

    @property
    def waiting(self) -> int:
        """Frames that wait for the worker."""
        return self._queue.qsize()

    @property
    def sources_waiting(self) -> int:
        """Sources whose line is down and will be tried again."""
        lines = [getattr(source, "line", None) for source in self._sources]
        return sum(line is not None and line.state == "waiting" for line in lines)

    async def run(self) -> None:
        """Until it is cancelled; sources that end leave their beds without a signal.

        Raises:
            MatposeError: what no waiting will mend, once it has ended every source.
        """
        listening = [asyncio.create_task(self._listen(source)) for source in self._sources]
        tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._tick()), *listening]
        try:
            running = set(tasks)
            while running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                ended = [task.result() for task in done]  # raises what is an error of ours
                if any(ended) and all(task.done() and task.result() for task in listening):
                    raise next(error for error in ended if error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._worker.shutdown()  # then nobody writes any more
            self.hub.close()
            self._write_noted()
            if self.journal is not None:
                self.journal.close()

    async def drained(self) -> None:
        """Until every frame that came has been published."""
        await self._queue.join()

    async def _listen(self, source: Source) -> MatposeError | None:
        """Take a source's frames until it ends; what it cannot mend is its answer."""
        failed = False
        while True:
            try:
                async for arrival in source.arrivals():
                    if failed:
                        failed = False
                        self.sources_failing -= 1
                    bed = self._bed(arrival.bed, source)
                    if bed is not None:
                        await self._queue.put(_Waiting(bed, arrival, self.hub.clock()))
                return None
            except MatposeError as error:
                if len(self._sources) > 1:  # the last one's error ends the service, and is told by whoever ran it
                    log.error("a source has ended: %s", error)
                self.sources_failing += not failed
                return error
            except Exception:  # an error of ours in one source must not end the others
                log.exception("a source failed; it is begun again in %g s", RESTART_S)
                self.sources_failing += not failed
                failed = True
            await asyncio.sleep(RESTART_S)

    def _bed(self, name: str, source: Source) -> Bed | None:
        """The bed of that name, if it is this source's; made when first heard of."""
        if self._owner.get(name) is source:
            return self._beds[name]
        why = None
        if name in self._owner:
            why = "bed of another source"  # two people's maps must never meet
        elif not _NAME.fullmatch(name):
            why = "no name"
        elif len(self._beds) >= MOST_BEDS:
            why = "too many beds"
        if why is not None:
            if not self.metrics.unwanted[why]:
                log.warning("frames are not taken: %s", why)
            self.metrics.unwanted[why] += 1
            return None
        watch, turn_interval_h = self._watch_for(name, source.mat, source.unit)
        self._owner[name] = source
        self._beds[name] = bed = Bed(name, watch, self.journal)
        self.hub.know(BedFacts(name, source.mat, source.unit, turn_interval_h))
        return bed

    async def _work(self) -> None:
        """Give what waits to the worker, and publish what it answers."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            for each, answer in zip(batch, await loop.run_in_executor(self._worker, _take, batch), strict=True):
                if isinstance(answer, Exception):
                    self._fail(each.bed.name, answer)
                else:
                    self._publish(each, answer)
                self._queue.task_done()

    def _fail(self, bed: str, error: Exception) -> None:
        """An error of ours: a bed whose frames all fail loses its signal, and the others go on."""
        self.failing.add(bed)
        self.metrics.failed += 1
        if self.metrics.failed < 10 or self.metrics.failed % 1000 == 0:
            log.error("a frame of bed %s could not be watched (%d)", bed, self.metrics.failed, exc_info=error)

    def _publish(self, each: _Waiting, moment: Moment) -> None:
        self.failing.discard(each.bed.name)
        self.hub.publish(each.bed.name, moment, each.came_s)
        self.metrics.frames[each.bed.name] += 1
        self.metrics.poses += moment.fresh
        self.metrics.age.observe(self.hub.clock() - each.came_s)

    async def _tick(self) -> None:
        """What time alone brings: signals lost."""
        loop = asyncio.get_running_loop()
        while True:
            self.hub.tick()
            if self._noted:
                await loop.run_in_executor(self._worker, self._write_noted)
            await asyncio.sleep(TICK_S)

    def _on_event(self, bed: str, event: Event) -> None:
        """Events of frames are in the store with their moments; those of silence come from the hub alone."""
        latest = self._beds[bed].latest
        if event.kind in ("no_signal", "signal") and latest is not None and self.journal is not None:
            self._noted.append((bed, latest, event))
        self._heard(bed, event)

    def _write_noted(self) -> None:
        while self._noted and self.journal is not None:
            self.journal.note(*self._noted.pop(0))


def _take(batch: list[_Waiting]) -> list[Moment | Exception]:
    """In the worker: one moment a frame, or how our own code failed on it."""
    answers: list[Moment | Exception] = []
    for each in batch:
        try:
            answers.append(each.bed.take(each.arrival))
        except Exception as error:
            answers.append(error)
    return answers
