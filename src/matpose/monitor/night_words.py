"""Times and durations as people say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from matpose.errors import MatposeError


@dataclass(frozen=True)
class Clock:
    """How times are shown: by a wall clock, or from the beginning where nobody knows when that was.

    Args:
        from_s: epoch seconds at which the record begins.
        zone: the wall clock's; None where times are from the beginning.
        name: of the zone, for people.

    Example:
        >>> Clock(100.0).at(3760.0), Clock(0.0, UTC).at(3660.0)
        ('1:01 h', '01:01')
    """

    from_s: float
    zone: tzinfo | None = None
    name: str = ""

    def at(self, when_s: float) -> str:
        """Hours and minutes."""
        if self.zone is None:
            minutes = round((when_s - self.from_s) / 60)
            return f"{minutes // 60}:{minutes % 60:02d} h"
        return f"{datetime.fromtimestamp(when_s, self.zone):%H:%M}"

    def days(self, from_s: float, until_s: float) -> str:
        """Dates, where they are known.

        Example:
            >>> Clock(0.0, UTC).days(0.0, 100_000.0), Clock(0.0, UTC).days(0.0, 10.0)
            ('1 to 2 January 1970', '1 January 1970')
        """
        if self.zone is None:
            return ""
        first, last = (datetime.fromtimestamp(when_s, self.zone) for when_s in (from_s, until_s))
        end = f"{last.day} {last:%B %Y}"
        if first.date() == last.date():
            return end
        month = "" if first.month == last.month else f" {first:%B}"
        return f"{first.day}{month}{'' if first.year == last.year else f' {first.year}'} to {end}"

    def round_up(self, when_s: float, step_s: float) -> float:
        """The next time that is a round one on this clock."""
        if self.zone is None:
            base_s = self.from_s
        else:
            offset = datetime.fromtimestamp(when_s, self.zone).utcoffset()
            base_s = -offset.total_seconds() if offset else 0.0
        return base_s + -(-(when_s - base_s) // step_s) * step_s

    def parse(self, text: str) -> float:
        """Epoch seconds of a time that somebody wrote: ISO 8601, by this clock where it names no zone.

        Raises:
            MatposeError: it is no time.

        Example:
            >>> Clock(0.0, UTC).parse("1970-01-01T01:00"), Clock(100.0).parse("1:30")
            (3600.0, 5500.0)
        """
        try:
            if self.zone is None:
                hours, minutes = text.split(":")
                return self.from_s + 3600 * int(hours) + 60 * int(minutes)
            when = datetime.fromisoformat(text)
        except ValueError:
            mend = (
                "write it like 2026-03-12T21:00"
                if self.zone
                else "this recording does not say when it began: write hours and minutes from then, like 1:30"
            )
            raise MatposeError(f"{text!r} is no time", mend=mend) from None
        return (when if when.tzinfo else when.replace(tzinfo=self.zone)).timestamp()


def local_clock(from_s: float) -> Clock:
    """This machine's."""
    zone = datetime.fromtimestamp(from_s, UTC).astimezone().tzinfo
    return Clock(from_s, zone, f"this machine ({zone})")


def recording_clock(start_time: str | None) -> Clock:
    """The one by which a recording says when it began; without that, from its beginning.

    Example:
        >>> recording_clock("2026-03-12T22:00:00").at(1773352800.0), recording_clock(None).at(60.0)
        ('22:00', '0:01 h')
    """
    if not start_time:
        return Clock(0.0)
    start = datetime.fromisoformat(start_time)
    zone = start.tzinfo or UTC
    return Clock(start.replace(tzinfo=zone).timestamp(), zone, f"the recording ({start.tzinfo or 'it names no zone'})")


def span_words(seconds: float) -> str:
    """A duration.

    Example:
        >>> [span_words(seconds) for seconds in (20, 90, 3600, 10260)]
        ['20 s', '2 min', '1 h', '2 h 51 min']
    """
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = int(seconds / 60 + 0.5)
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


def times_words(count: int) -> str:
    """How often.

    Example:
        >>> [times_words(count) for count in (0, 1, 2, 7)]
        ['not once', 'once', 'twice', '7 times']
    """
    return {0: "not once", 1: "once", 2: "twice"}.get(count, f"{count} times")


def list_words(words: list[str]) -> str:
    """A list in a sentence.

    Example:
        >>> list_words(["head", "sacrum", "left hip"])
        'head, sacrum and left hip'
    """
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part) if words else ""
