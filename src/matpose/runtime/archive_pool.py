"""Processes that share out many files, whichever comes next to whoever is free; a file may kill its process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from matpose.workers import no_interrupt, one_thread_each, settle

Item = TypeVar("Item")
Made = TypeVar("Made")
Results = Generator[tuple[Item, Made | None], None, None]

_context = get_context("spawn")  # onnxruntime's threads do not survive a fork


class _Stopped(BaseException):  # no fault of the file, which whoever catches an Exception would take it for
    pass


class Pool:
    """Worker processes, and the count of frames that they all add to.

    Args:
        workers: how many processes, each of one thread.

    Example:
        >>> sorted(Pool(workers=1).as_done(abs, [-3, 1]))
        [(-3, 3), (1, 1)]
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._frames = _context.Value("q", 0)
        self._stop = _context.Event()

    @property
    def frames(self) -> int:
        """Frames done by all workers so far."""
        return self._frames.value

    def as_done(self, work: Callable[[Item], Made], items: Iterable[Item]) -> Results:
        """Results as they come. Close the generator to stop the workers within a frame.

        Args:
            work: picklable: a module's function, or a partial of one. It may call :func:`step`.
            items: what to call it with; picklable.

        Yields:
            (item, what ``work`` returned), or (item, None) where the process died of it, twice, the second time alone.

        Raises:
            Exception: whatever ``work`` raises.
        """
        left = deque(items)
        try:
            while left:
                suspects = deque((yield from self._until_one_dies(work, left, self.workers, ahead=2)))
                while suspects:
                    for item in (yield from self._until_one_dies(work, suspects, workers=1, ahead=1)):
                        yield item, None
        finally:
            self._stop.set()

    def _until_one_dies(
        self, work: Callable[[Item], Made], left: deque[Item], workers: int, ahead: int
    ) -> Generator[tuple[Item, Made | None], None, list[Item]]:
        """Returns what was under way when a process died: one of them is to blame."""
        flying: dict[Future[Made], Item] = {}
        with one_thread_each():
            pool = ProcessPoolExecutor(
                workers, _context, initializer=_begin, initargs=(self._frames, self._stop)
            )  # fmt: skip
            try:
                while left or flying:
                    while left and len(flying) < ahead * workers:
                        with no_interrupt():
                            future = pool.submit(work, left[0])
                        flying[future] = left.popleft()
                    done, _ = wait(flying, return_when=FIRST_COMPLETED)
                    for future in done:
                        made = future.result()
                        yield flying.pop(future), made
            except BrokenProcessPool:
                return list(flying.values())
            except BaseException:
                self._stop.set()  # so that nobody waits for the end of a night
                raise
            finally:
                pool.shutdown(cancel_futures=True)
        return []


_frames: Any = None
_stop: Any = None


def _begin(frames: Any, stop: Any) -> None:
    global _frames, _stop
    _frames, _stop = frames, stop
    settle()


def step(frames: int) -> None:
    """In a worker: so many more frames are done. Ends the work where the parent has given up."""
    if _frames is None:  # no worker of a pool
        return
    with _frames.get_lock():
        _frames.value += frames
    if _stop.is_set():
        raise _Stopped
