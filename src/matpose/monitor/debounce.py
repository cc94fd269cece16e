"""A state that has to last before it counts."""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")


class Debounced(Generic[State]):
    """The last state that lasted; its start is dated back to when it was first seen.

    Args:
        state: at the start.

    Example:
        >>> door = Debounced("shut")
        >>> [door.update("open", now_s, wait_s=3) for now_s in (10.0, 12.0, 13.0)], door.state, door.since_s
        ([False, False, True], 'open', 10.0)
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.since_s: float | None = None
        self._next = state
        self._next_since_s = 0.0

    def update(self, seen: State, now_s: float, wait_s: float) -> bool:
        """Whether the state has changed with what is seen now; it must have been seen for so long without a break."""
        if seen != self._next:
            self._next, self._next_since_s = seen, now_s
        if seen == self.state or now_s - self._next_since_s < wait_s:
            return False
        self.state, self.since_s = seen, self._next_since_s
        return True

    def forget(self, state: State) -> None:
        """Back to a state, as if nothing had been seen."""
        self.state = self._next = state
        self.since_s = None
