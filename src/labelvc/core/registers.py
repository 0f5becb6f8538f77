"""Registers judged: what is overdue, to whom it went since, how grave a risk is, and what a document contradicts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, NamedTuple

from labelvc.model.register import KINDS

Value = Mapping[str, Any]
LEVELS: Mapping[str, int] = {"low": 4, "medium": 9, "high": 15, "severe": 25}
"""Level of a risk to the highest product of likelihood and impact, both from 1 to 5, that it covers."""
_ID = r"(?P<kind>[a-z]+)/(?P<number>[0-9]{4,})-(?P<words>[a-z0-9]+(?:-[a-z0-9]+)*)"
_WORDS = 4


class Late(NamedTuple):
    """Why a document is overdue: the member whose date went by, that date, and who is asked since; empty for nobody."""

    member: str
    since: str
    asked: str


def late(kind: str, value: Value, on: str) -> Late | None:
    """Return why a document is overdue, or None.

    Args:
        kind: of `KINDS`.
        value: what it says.
        on: the day, `2026-12-02`; a date that is this day has not gone by.
    """
    if value["status"] != "open":
        return None
    passed = [(value[member], member) for member in KINDS[kind].lapses if value.get(member, on) < on]
    if not passed:
        return None
    since, member = min(passed)
    return Late(member, since, _asked(value, since, on))


def level(value: Value) -> str:
    """Return how grave a risk is; empty for what is no risk."""
    if "likelihood" not in value:
        return ""
    product = value["likelihood"] * value["impact"]
    return next(name for name, highest in LEVELS.items() if product <= highest)


def fresh(kind: str, title: str, known: Collection[str]) -> str:
    """Return the id of a new document: the next number of its kind, and the first words of its title."""
    numbers = [int(found["number"]) for name in known if (found := re.fullmatch(_ID, name)) and found["kind"] == kind]
    words = re.findall(r"[a-z0-9]+", title.casefold())[:_WORDS]
    return f"{kind}/{max(numbers, default=0) + 1:04}-{'-'.join(words) or 'untitled'}"


def meant(name: str, known: Sequence[str]) -> list[str]:
    """Return the ids that a name may mean: `decision/7`, `decision/0007` and `decision/0007-two-labels` mean the same."""
    kind, _, number = name.partition("/")
    start = f"{kind}/{int(number):04}-" if number.isascii() and number.isdigit() else f"{name}\n"
    return [one for one in known if one == name or one.startswith(start)]


def troubles(name: str, value: Value, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what a schema cannot say of a document: (JSON pointer, what is wrong).

    Args:
        name: what its path calls it, `decision/0007-two-labels`.
        value: what it says.
        known: ids of all documents there are.
    """
    kind = name.partition("/")[0]
    if kind not in KINDS:
        yield "", f"there is no register of the kind {kind!r}; there is {', '.join(KINDS)}"
        return
    if value["id"] != name:
        yield "/id", f"says {value['id']!r}, so it should be registers/{value['id']}.yaml"
    dates = [(pointer, said) for pointer, said in _dates(value, "") if not is_day(said)]
    yield from [(pointer, "is no day of the calendar") for pointer, _ in dates]
    if not dates:
        yield from _order(kind, value)
    for number, link in enumerate(value.get("links", ())):
        if link not in known:
            likely = get_close_matches(link, known, 1)
            yield f"/links/{number}", f"there is no {link!r}{f'; did you mean {likely[0]}?' if likely else ''}"


def _order(kind: str, value: Value) -> Iterator[tuple[str, str]]:
    """Yield dates that cannot be: what ends before it begins."""
    opened = value["opened"]
    for member in KINDS[kind].lapses:
        if value.get(member, opened) < opened and member == "due":
            yield f"/{member}", "is before the day it was opened"
    if value.get("closed", {}).get("on", opened) < opened:
        yield "/closed/on", "is before the day it was opened"
    days = [entry["on"] for entry in value.get("history", ())]
    for number, (before, after) in enumerate(pairwise(days), 1):
        if after < before:
            yield f"/history/{number}/on", "is before the day of the entry above it"


def _dates(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Yield every date of a document with its pointer."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _DAYS and isinstance(inner, str):
                yield f"{at}/{name}", inner
            else:
                yield from _dates(inner, f"{at}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _dates(inner, f"{at}/{number}")


_DAYS = frozenset(("opened", "due", "on", "expires", "obtained", "held", "happened", "discovered", "until"))


def is_day(said: str) -> bool:
    """Tell whether a text is a day of the calendar, as `2026-12-02`."""
    try:
        return date.fromisoformat(said).isoformat() == said
    except ValueError:
        return False


def _asked(value: Value, since: str, on: str) -> str:
    """Return who is asked by now, so many days after a date went by."""
    steps = sorted(value.get("escalation", ()), key=lambda step: step["after"])
    waited = [step["to"] for step in steps if _later(since, step["after"]) < on]
    return waited[-1] if waited else ""


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
