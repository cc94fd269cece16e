"""Dates and times of day as makers' programs write them, in several of their languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan",), ("feb", "fév"), ("mar", "mär", "mrz"), ("apr", "avr"), ("may", "mai"), ("jun", "juin"),
            ("jul", "juil"), ("aug", "aoû"), ("sep",), ("oct", "okt"), ("nov",), ("dec", "dez", "déc"),
        ),
        1,
    )
    for name in names
}  # fmt: skip
_NAMED = re.compile(
    r"(?:(?P<d1>\d{1,2})\.?[ -])?(?P<month>[^\W\d_]{3,10})\.?,?[ -](?:(?P<d2>\d{1,2}),? )?(?P<year>\d{4})\b"
)
_YEAR_FIRST = re.compile(r"\b(\d{4})[-/. ](\d{1,2}|[^\W\d_]{3,10})[-/. ](\d{1,2})\b")
_YEAR_LAST = re.compile(r"\b(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})\b")
_TIME = re.compile(r"\b(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s*(?:([ap])\.?\s?m\b)?", re.IGNORECASE)


class Moment(NamedTuple):
    """A date and a time of day, each None where it is not said, or not beyond doubt.

    Args:
        day: the date.
        second: seconds since midnight.
    """

    day: date | None
    second: float | None

    def iso(self, later_s: float = 0.0) -> str | None:
        """ISO 8601, ``later_s`` seconds later; None without both date and time."""
        if self.day is None or self.second is None or not 0 <= later_s < 1e7:
            return None
        try:
            when = datetime.combine(self.day, time()) + timedelta(seconds=round(self.second + later_s, 3))
        except OverflowError:
            return None
        return when.isoformat(timespec="milliseconds" if when.microsecond else "seconds")


def moment(said: str) -> Moment:
    """The date and time in some words. 12/2/2019 may be in December or in February: no date.

    Example:
        >>> moment("Thursday, 16 February 2017 11:26:22 a.m.").iso()
        '2017-02-16T11:26:22'
        >>> moment("17.06.23 15.21").iso(), moment("8/16/2022 8:21:17.982 PM").iso()
        ('2023-06-17T15:21:00', '2022-08-16T20:21:17.982')
        >>> moment("12/2/2019 6:21:52PM")
        Moment(day=None, second=66112.0)
    """
    said = said[:200]
    day, span = _day(said)
    return Moment(day, _second(said[: span[0]] + " " + said[span[1] :]))


def elapsed_s(moments: Sequence[Moment]) -> np.ndarray | None:
    """Seconds since the first of the moments, over midnights; None where one has no time of day.

    Returns:
        (T,) float64.

    Example:
        >>> elapsed_s([moment("23:59:59.5"), moment("0:00:01")]).tolist()
        [0.0, 1.5]
    """
    if any(one.second is None for one in moments) or not moments:
        return None
    seconds = np.array([one.second for one in moments], dtype=np.float64)
    days = [one.day.toordinal() for one in moments if one.day is not None]
    if len(days) == len(moments):
        midnights = np.array(days) - days[0]
    else:
        midnights = np.cumsum(np.diff(seconds, prepend=seconds[0]) < -43200)
    return np.round(seconds - seconds[0] + midnights * 86400.0, 6)


def _day(said: str) -> tuple[date | None, tuple[int, int]]:
    """The date and where it stands."""
    nowhere = (len(said), len(said))
    if match := _YEAR_FIRST.search(said):
        month = int(match[2]) if match[2].isdigit() else _month(match[2])
        return _valid(int(match[1]), month, int(match[3])), match.span()
    for match in _NAMED.finditer(said):
        if (month := _month(match["month"])) and (day := match["d1"] or match["d2"]):
            return _valid(int(match["year"]), month, int(day)), match.span()
    if match := _YEAR_LAST.search(said):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        year += 2000 if year < 100 else 0
        if match[2] == "." or first > 12 or first == second:  # points: the day comes first
            return _valid(year, second, first), match.span()
        return (_valid(year, first, second) if second > 12 else None), match.span()
    return None, nowhere


def _month(name: str) -> int:
    name = name.lower()
    return _MONTHS.get(name[:4], 0) or _MONTHS.get(name[:3], 0)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if year >= 1980 else None
    except ValueError:
        return None


def _second(said: str) -> float | None:
    match = _TIME.search(said)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[5]:
        hour = hour % 12 + (12 if match[5].lower() == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * 3600 + minute * 60 + second + float(f"0.{match[4] or 0}")
