"""The hub: the newest state of every bed, to whoever listens; nobody who listens slowly is waited for."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from matpose.live.freshness import Freshness
from matpose.live.state import BedFacts, as_json, event_fields, live_fields, silent_fields
from matpose.monitor.moment import Event, Moment
from matpose.recording import Flag

PERIOD_S = 0.95
"""A bed is told once a second at most; a little less, for mats that count their seconds short."""
HEARTBEAT_S = 2.0
"""A bed of which there is nothing new is told so often, so that a page knows that it is still connected."""
TICK_S = 0.25
KEPT_EVENTS = 200
"""Events that wait for a slow client; older ones are in the store."""


class Subscriber:
    """One client: which beds have news for it, not what the news is, so that it always gets the newest.

    Args:
        hub: where the states are.
        bed: the one it watches, in full; None: all of them, as tiles.
    """

    def __init__(self, hub: Hub, bed: str | None) -> None:
        self.bed = bed
        self._hub = hub
        self._news: dict[str, None] = dict.fromkeys(hub.beds if bed is None else [bed])
        self._events: deque[str] = deque(maxlen=KEPT_EVENTS)
        self._wake = asyncio.Event()
        self._open = True

    def note(self, bed: str) -> None:
        """There is something new of this bed."""
        self._news[bed] = None
        self._wake.set()

    def note_event(self, text: str) -> None:
        """An event; where too many wait, the oldest goes."""
        self._events.append(text)
        self._wake.set()

    def close(self) -> None:
        """No more for this one."""
        self._open = False
        self._wake.set()

    def take(self) -> str | None:
        """The next message, made at this instant; None where there is nothing new."""
        if self._events:
            return self._events.popleft()
        if not self._news:
            return None
        bed = next(iter(self._news))
        del self._news[bed]
        return self._hub.text(bed, full=self.bed is not None)

    async def next(self) -> str | None:
        """Wait for the next message; None once there are no more."""
        while self._open:
            text = self.take()
            if text is not None:
                return text
            self._wake.clear()
            await self._wake.wait()
        return None


class _Known:
    """What the hub holds of one bed."""

    def __init__(self, facts: BedFacts, signal_s: float, now_s: float) -> None:
        self.facts = facts
        self.freshness = Freshness(signal_s)
        self.moment: Moment | None = None
        self.texts: dict[bool, str] = {}  # of this moment, without its age
        self.since_s = now_s
        self.told_s = -1e9
        self.news = True
        self.said_lost = False


class Hub:
    """The newest state of every bed. All its methods are for one thread: the event loop's.

    Args:
        signal_s: after so long without a frame a bed has no signal.
        heard: called with bed and event for everything that happens, "no_signal" and "signal" included.
        clock: seconds that never jump.
    """

    def __init__(
        self,
        *,
        signal_s: float = 5.0,
        heard: Callable[[str, Event], None] = lambda bed, event: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.told: Callable[[str], None] = lambda bed: None
        """Called with a bed whenever clients are told of it: once a second at most."""
        self._signal_s = signal_s
        self._heard = heard
        self._known: dict[str, _Known] = {}
        self._subscribers: set[Subscriber] = set()

    @property
    def beds(self) -> tuple[str, ...]:
        """Names of all beds, in the order in which they became known."""
        return tuple(self._known)

    @property
    def listeners(self) -> int:
        """How many clients listen."""
        return len(self._subscribers)

    def know(self, facts: BedFacts) -> None:
        """There is such a bed; until its first frame it has no signal."""
        if facts.bed not in self._known:
            self._known[facts.bed] = _Known(facts, self._signal_s, self.clock())

    def publish(self, bed: str, moment: Moment, came_s: float) -> None:
        """The newest moment of a known bed.

        Args:
            bed: its name.
            moment: of its newest frame.
            came_s: when that frame came, by the hub's clock.
        """
        known = self._known[bed]
        known.freshness.came(came_s, moment.epoch_s, new_clock=Flag.CLOCK in moment.flags)
        known.moment, known.news = moment, True
        known.texts.clear()
        for event in moment.events:
            self.tell_event(bed, event)
        now_s = self.clock()
        self._note_signal(known, now_s)
        if now_s - known.told_s >= PERIOD_S:
            self._tell(known, now_s)

    def tell_event(self, bed: str, event: Event) -> None:
        """Something happened."""
        self._heard(bed, event)
        listeners = [each for each in self._subscribers if each.bed in (None, bed)]
        if listeners:
            text = as_json({"event": event_fields(bed, event)})
            for each in listeners:
                each.note_event(text)

    def tick(self) -> None:
        """Say what came too soon after the last word, and which bed has lost its signal; call it every ``TICK_S``."""
        now_s = self.clock()
        for known in self._known.values():
            self._note_signal(known, now_s)
            silent_s = now_s - known.told_s
            if silent_s >= HEARTBEAT_S or (known.news and silent_s >= PERIOD_S):
                self._tell(known, now_s)

    def text(self, bed: str, *, full: bool) -> str:
        """The message of this bed at this instant."""
        known, now_s = self._known[bed], self.clock()
        age_s = known.freshness.age_s(now_s)
        if known.moment is None or known.freshness.lost(now_s):
            text = as_json(silent_fields(known.facts, known.moment))
        else:
            if full not in known.texts:
                known.texts[full] = as_json(live_fields(known.facts, known.moment, full=full))
            text = known.texts[full]
        return f'{{"age_s":{"null" if age_s is None else f"{age_s:.2f}"},{text[1:]}'

    def lost(self, bed: str) -> bool:
        """Whether this bed has no signal."""
        return self._known[bed].freshness.lost(self.clock())

    def last_s(self, bed: str) -> float | None:
        """Epoch seconds of this bed's last frame; None before the first."""
        moment = self._known[bed].moment
        return None if moment is None else moment.epoch_s

    def subscribe(self, bed: str | None = None) -> Subscriber:
        """Listen to one bed, in full, or to all, as tiles; the state of each comes at once.

        Raises:
            KeyError: no such bed.
        """
        if bed is not None and bed not in self._known:
            raise KeyError(bed)
        subscriber = Subscriber(self, bed)
        self._subscribers.add(subscriber)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Listen no more."""
        subscriber.close()
        self._subscribers.discard(subscriber)

    def close(self) -> None:
        """Let all listeners go."""
        for subscriber in list(self._subscribers):
            self.leave(subscriber)

    def _tell(self, known: _Known, now_s: float) -> None:
        known.told_s, known.news = now_s, False
        bed = known.facts.bed
        self.told(bed)
        for subscriber in self._subscribers:
            if subscriber.bed in (None, bed):
                subscriber.note(bed)

    def _note_signal(self, known: _Known, now_s: float) -> None:
        """Say once that the signal is lost, and once that it is back."""
        lost = known.freshness.lost(now_s)
        if lost and known.moment is None and now_s - known.since_s <= self._signal_s:
            return  # the first frame may yet come
        if lost == known.said_lost:
            return
        known.said_lost, known.news = lost, True
        known.told_s = -1e9  # this is not to wait for its second
        epoch_s = time.time()
        if known.moment is not None:  # by the bed's own clock, like its other events
            epoch_s = known.moment.epoch_s + (known.freshness.age_s(now_s) or 0.0)
        self.tell_event(known.facts.bed, Event(epoch_s, "no_signal" if lost else "signal"))
