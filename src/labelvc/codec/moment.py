"""Moments and stretches of time: read as people type and statements spell them, and told in words; no clock is asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPAN = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_FORM = "%Y-%m-%dT%H:%M:%SZ"
_UNITS = (("w", 7 * 86_400, "week"), ("d", 86_400, "day"), ("h", 3_600, "hour"), ("s", 1, "second"))
_FIRST, _LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


def is_instant(words: str) -> bool:
    """Tell whether words are a moment that there is, RFC 3339 in UTC with `Z`."""
    try:
        return bool(_INSTANT.fullmatch(words) and datetime.fromisoformat(words))
    except ValueError:
        return False


@lru_cache(maxsize=1000)
def seconds(instant: str) -> int:
    """Return a moment, spelled as `is_instant` says, in seconds since 1970."""
    return int(datetime.fromisoformat(instant).timestamp())


def instant(at: int) -> str:
    """Return seconds since 1970 as RFC 3339 UTC; what lies outside of the years 1 to 9999 is their end."""
    try:
        made = datetime.fromtimestamp(0, UTC) + timedelta(seconds=at)
    except OverflowError:
        return _LAST if at > 0 else _FIRST
    return made.isoformat().replace("+00:00", "Z")


def span(words: str) -> int | None:
    """Return a stretch of time, `36h`, `30d` or `4w`, in seconds; None where it is none."""
    found = _SPAN.fullmatch(words)
    return int(found[1]) * next(size for unit, size, _ in _UNITS if unit == found[2]) if found else None


def read(words: str, now: datetime) -> str | None:
    """Return a moment as people type it, RFC 3339 UTC.

    Args:
        words: `now`, a stretch of time from now on (`30d`), a day (`2026-12-31`: its last second in UTC), or RFC 3339 with its distance
            from UTC.
        now: the time.

    Returns:
        The moment; None where it is none.
    """
    stretch = 0 if words == "now" else span(words)
    try:
        if stretch is not None:
            found = now.astimezone(UTC) + timedelta(seconds=stretch)
        elif _DAY.fullmatch(words):
            found = datetime.fromisoformat(f"{words}T23:59:59+00:00")
        elif words[10:11] in ("T", "t", " "):
            found = datetime.fromisoformat(words)
        else:
            return None
        if found.tzinfo is None:
            return None
        said = f"{found.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
    except (ValueError, OverflowError):
        return None
    return said if is_instant(said) else None


def told(stretch: int) -> str:
    """Return a stretch of time in words, `30 days`: in the largest unit of which it is a whole number."""
    size, noun = next((size, noun) for _, size, noun in _UNITS[1:] if stretch % size == 0)
    number = stretch // size
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
