"""The processes that share a training: those that torchrun started, or this one alone."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """This process's place among those that train one model.

    Args:
        rank: number of this process; 0 alone writes files and speaks.
        size: how many there are.
        nodes: machines they run on, the same number on each.

    Example:
        >>> [World(rank, 3).share(8) for rank in range(3)]
        [slice(0, 2, None), slice(2, 5, None), slice(5, 8, None)]
    """

    rank: int = 0
    size: int = 1
    nodes: int = 1

    @property
    def speaks(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's part of ``count`` things; the parts of all are the whole."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)


def this_world() -> World:
    """The world that torchrun describes in the environment; without torchrun, one process.

    Example:
        >>> this_world()
        World(rank=0, size=1, nodes=1)
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return World()
    size = int(os.environ["WORLD_SIZE"])
    return World(int(os.environ["RANK"]), size, size // int(os.environ["LOCAL_WORLD_SIZE"]))
