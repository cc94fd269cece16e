"""Whether frames follow one another: what is missing before one, and whether its clock can be believed."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import NamedTuple

from matpose.recording import Flag

MAX_AHEAD_S = 10.0
"""A mat's clock may be so far ahead of ours: two clocks that are set over the network differ by less."""
GAP_INTERVALS = 3.0
"""Frames are missing where one takes more than so many of the usual intervals."""
LEAST_GAP_S = 1.5
"""By our time of receipt, or a clock of whole seconds, shorter breaks may be the line's and not the mat's."""
LATE_S = 60.0
LATE_FRAMES = 1000
LONGEST_LATE_RUN = 32  # a broker delivers twenty again; a sender that began anew goes on and on
_MODULUS = 1 << 32


class Placed(NamedTuple):
    """A frame's place in time.

    Args:
        epoch_s: when the mat made it, or when it came where nobody can be believed.
        flags: ``GAP`` and ``CLOCK``.
    """

    epoch_s: float
    flags: Flag


class Continuity:
    """The order of one bed's frames.

    - A frame that came already is left out: the same sequence and the same time (QoS 1 delivers twice), or one of the
      last thousand sequences with a time of the last minute before the newest. Frames are never brought into another
      order: a late one counts as missing, and the gap it left was flagged when it was noticed.
    - ``GAP``: the sequence skipped, or began anew at another number; or more than ``GAP_INTERVALS`` x the median of the
      last nine intervals passed; or whoever does not count lost something.
    - ``CLOCK``: time went back; or the mat's clock leapt while nothing is missing; or it came to be more than
      ``MAX_AHEAD_S`` ahead of ours, or ceased to be. While it is ahead, frames have the time at which they came. A
      clock behind ours stays as it is: a line that was cut may deliver what it had kept, and old is to be seen as old.

    Attributes:
        left_out: frames that came already.
        ahead_s: by how much the mat's clock is too far ahead; None while it is not.

    Example:
        >>> order, now_s = Continuity(), 1.7e9
        >>> [order.place(now_s + n, epoch_s=now_s + n, sequence=n) for n in (0, 3, 3)]
        [Placed(epoch_s=1700000000.0, flags=<Flag: 0>), Placed(epoch_s=1700000003.0, flags=<Flag.GAP: 1024>), None]
    """

    def __init__(self) -> None:
        self.left_out = 0
        self.ahead_s: float | None = None
        self._last: Placed | None = None
        self._received_s = 0.0
        self._said_s: float | None = None
        self._sequence: int | None = None
        self._intervals_s: deque[float] = deque(maxlen=9)
        self._late_run = 0

    def place(
        self, received_s: float, *, epoch_s: float | None = None, sequence: int | None = None, lost: bool = False
    ) -> Placed | None:
        """The next frame.

        Args:
            received_s: epoch seconds at which it came, by our clock.
            epoch_s: when the mat says it made it.
            sequence: the mat's counter.
            lost: whether something was lost before it; it speaks for mats that do not count.

        Returns:
            Its place, or None where it is to be left out.
        """
        step = None if sequence is None or self._sequence is None else (sequence - self._sequence) % _MODULUS
        if self._came_already(step, epoch_s, sequence) and self._late_run < LONGEST_LATE_RUN:
            self._late_run += 1
            self.left_out += 1
            return None
        self._late_run = 0
        counted = bool(step)  # a sender that does not count says the same number again and again
        missing = step != 1 if counted else lost
        was_ahead, time_s = self.ahead_s is not None, received_s
        self.ahead_s = None
        if epoch_s is not None and epoch_s - received_s > MAX_AHEAD_S:
            self.ahead_s = epoch_s - received_s
        elif epoch_s is not None:
            time_s = epoch_s
        jumped = was_ahead != (self.ahead_s is not None)
        own_clock = epoch_s is not None and self.ahead_s is None
        if self._last is not None:
            interval_s = time_s - self._last.epoch_s
            leapt = step == 1 and own_clock and interval_s - (received_s - self._received_s) > MAX_AHEAD_S
            jumped |= interval_s < 0 or leapt
            missing |= not jumped and interval_s > self._longest_interval_s(own_clock)
            if not jumped:
                self._intervals_s.append(interval_s)
        missing &= self._last is not None  # before the first there is nothing
        flags = Flag(Flag.GAP * missing | Flag.CLOCK * jumped)
        self._last, self._received_s = Placed(time_s, flags), received_s
        self._said_s, self._sequence = epoch_s, sequence
        return self._last

    def _came_already(self, step: int | None, epoch_s: float | None, sequence: int | None) -> bool:
        if step is None:
            return False
        if step == 0:
            return sequence != 0 if epoch_s is None else epoch_s == self._said_s
        behind = step >= _MODULUS - LATE_FRAMES
        return behind and epoch_s is not None and self._said_s is not None and 0 <= self._said_s - epoch_s <= LATE_S

    def _longest_interval_s(self, own_clock: bool) -> float:
        if len(self._intervals_s) < 3:
            return float("inf")
        usual_s = GAP_INTERVALS * median(self._intervals_s)
        return usual_s if own_clock and usual_s > 0 else max(usual_s, LEAST_GAP_S)
