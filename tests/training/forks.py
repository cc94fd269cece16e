"""Processes that need not import torch anew: forked from this one, to be killed or to train together."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def fork(work: Callable[[], object], errors: Path | None = None) -> int:
    """Start ``work`` in a forked process; it ends with code 0, or 1 after writing its traceback to ``errors``.

    Returns:
        The process's number.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    number = os.fork()
    if number:
        return number
    try:
        work()
    except BaseException:
        if errors is not None:
            errors.write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def outcome(number: int) -> int:
    """Wait for a process; its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def together(work: Callable[[int], object], folder: Path, size: int = 2) -> None:
    """Run ``work(rank)`` in ``size`` processes as torchrun would; fails if one of them fails.

    Args:
        work: what each does; answers go through files.
        folder: for tracebacks.
        size: how many.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "TORCHELASTIC_RUN_ID": "test", "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "GROUP_RANK": 0,
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
    }  # fmt: skip

    def start(rank: int) -> None:
        own = {"RANK": rank, "LOCAL_RANK": rank}
        os.environ.update({name: str(value) for name, value in (common | own).items()})
        work(rank)

    errors = [folder / f"rank{rank}.txt" for rank in range(size)]
    numbers = [fork(lambda rank=rank: start(rank), errors[rank]) for rank in range(size)]
    codes = [outcome(number) for number in numbers]
    assert codes == [0] * size, [path.read_text() for path in errors if path.exists()]
