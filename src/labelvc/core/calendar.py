"""Calendar: days put into as many weeks, months, quarters or years as a page has room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from labelvc.model.dashboard import Unit

MOST = 60
"""Stretches of time that a page has room for."""
_MONTHS: Mapping[Unit, int] = {"month": 1, "quarter": 3, "year": 12}


class Calendar(NamedTuple):
    """Stretches of time, one after another.

    Attributes:
        unit: how long each is.
        starts: first day of each, oldest first.
    """

    unit: Unit
    starts: Sequence[date]

    def place(self, day: date) -> int:
        """Return in which stretch a day lies; what lies before the first counts in it, and what lies after the last in that."""
        start = _start(self.unit, day)
        if start <= self.starts[0]:
            return 0
        return min(len(self.starts) - 1, _distance(self.unit, self.starts[0], start))


def over(days: Iterable[date]) -> Calendar:
    """Return the calendar that holds some days: weeks where 60 are enough, else months, else quarters, else the last 60 years.

    Args:
        days: in any order; of none there is a calendar without stretches.
    """
    found = sorted(set(days))
    if not found:
        return Calendar("week", ())
    units: tuple[Unit, ...] = ("week", "month", "quarter")
    for unit in units:
        first = _start(unit, found[0])
        number = _distance(unit, first, found[-1]) + 1
        if number <= MOST:
            return Calendar(unit, [_after(unit, first, at) for at in range(number)])
    first = _start("year", max(found[0], found[-1].replace(day=1, year=max(1, found[-1].year - MOST + 1))))
    return Calendar("year", [_after("year", first, at) for at in range(found[-1].year - first.year + 1)])


def day_of(time: str) -> date | None:
    """Return the day of a time in UTC; None where it is none, or its day is in no calendar."""
    try:
        return datetime.fromisoformat(time).astimezone(UTC).date()
    except (ValueError, OverflowError):
        return None


def day_at(time: str) -> str:
    """Return the day of a commit's time in UTC as text; where UTC has none, the day that it says."""
    return str(day_of(time) or time[:10])


def _start(unit: Unit, day: date) -> date:
    """Return the first day of the stretch in which a day lies; weeks begin on Monday (ISO 8601)."""
    if unit == "week":
        return day - timedelta(days=min(day.weekday(), day.toordinal() - 1))
    return day.replace(day=1, month=day.month - (day.month - 1) % _MONTHS[unit])


def _distance(unit: Unit, first: date, day: date) -> int:
    if unit == "week":
        return (day - first).days // 7
    return (12 * (day.year - first.year) + day.month - first.month) // _MONTHS[unit]


def _after(unit: Unit, first: date, number: int) -> date:
    if unit == "week":
        return first + timedelta(weeks=number)
    years, month = divmod(first.month - 1 + number * _MONTHS[unit], 12)
    return date(first.year + years, month + 1, 1)
