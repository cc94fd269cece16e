"""Worker processes: results in order, whatever the number of workers; they end with their parent."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import TypeVar

from matpose.errors import MatposeError

AHEAD = 4  # results a worker may be ahead of the caller
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Item = TypeVar("Item")
Made = TypeVar("Made")


def in_order(work: Callable[[Item], Made], items: Iterable[Item], workers: int) -> Generator[Made, None, None]:
    """Results in the order of their items, a bounded number of them made ahead.

    Close the generator to end the workers early; each finishes what it is at.

    Args:
        work: picklable: a module's function, or a partial of one.
        items: what to call it with; picklable.
        workers: how many processes, each of one thread, so that results do not depend on their number.

    Yields:
        What ``work`` returns.

    Raises:
        MatposeError: a worker was killed. What ``work`` raises arrives as itself.

    Example:
        >>> list(in_order(abs, [-3, 1, -2], workers=1))
        [3, 1, 2]
    """
    waiting: deque[Future[Made]] = deque()
    with one_thread_each():
        pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=settle)
        try:
            for item in items:
                with no_interrupt():
                    waiting.append(pool.submit(work, item))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise MatposeError(
                "a worker was killed, perhaps for want of memory",
                mend="repeat the command, with fewer --workers: it goes on where it stopped",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def settle() -> None:
    """In a worker: leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


@contextmanager
def no_interrupt() -> Iterator[None]:
    """Workers started in here do not hear Ctrl-C even before they settle, where it would print their tracebacks."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Workers started in here do their sums in one thread, so in the same order; said before their libraries load."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
