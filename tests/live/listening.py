"""Helpers of the sources' tests: take some frames, with a time limit, and end in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import numpy as np

from matpose.live.arrival import Arrival
from matpose.live.reconnect import Backoff
from matpose.mat import Mat

SMALL = Mat(4, 3, 0.03, 0.03)
LIMIT_S = 20.0


def quick() -> Backoff:
    """Tests have no time."""
    return Backoff(0.01, 0.05)


async def taken(source: Any, count: int) -> list[Arrival]:
    """The source's next frames."""
    found: list[Arrival] = []
    async with asyncio.timeout(LIMIT_S), aclosing(source.arrivals()) as arrivals:
        async for arrival in arrivals:
            found.append(arrival)
            if len(found) == count:
                break
    return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await asyncio.sleep(0.005)


def run(work: Awaitable[Any]) -> Any:
    """Run it; threads and tasks that it leaves behind are a failure."""

    async def whole() -> Any:
        async with asyncio.timeout(3 * LIMIT_S):
            result = await work
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"left behind: {left}"
        return result

    return asyncio.run(whole())


def counts(number: int, mat: Mat = SMALL) -> np.ndarray:
    """A frame of which each is different."""
    return (np.arange(mat.rows * mat.cols).reshape(mat.stored_shape) + number).astype(np.uint16)
