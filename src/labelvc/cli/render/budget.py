"""Budget: a Markdown page that never grows beyond a number of characters; what finds no room is counted, the last first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_NOTE = 60
_FOOT = 400


class Section(NamedTuple):
    """A part of a page.

    Attributes:
        title: its heading.
        rank: how much it matters; of two that do not both fit, the one with the lower rank stays.
        lead: lines that stand or fall with it, the head of a table last.
        rows: lines of which the first ones stay.
        more: rows that were left away before.
        weight: its part of the room that rows share before the first in rank takes what is left.
    """

    title: str
    rank: int
    lead: Sequence[str]
    rows: Sequence[str] = ()
    more: int = 0
    weight: int = 1


def page(head: Sequence[str], sections: Sequence[Section], budget: int) -> str:
    """Return a page.

    Args:
        head: its first lines; they are always there.
        sections: in the order in which they are read.
        budget: characters at most.
    """
    room = budget - _size(head) - _FOOT
    kept: dict[str, int] = {}
    ranked = sorted(sections, key=lambda one: one.rank)
    for one in ranked:
        cost = _size(_frame(one)) + _NOTE
        if cost <= room:
            kept[one.title], room = 0, room - cost
    ranked = [one for one in ranked if one.title in kept]
    total = sum(one.weight for one in ranked if one.rows)
    shares = {one.title: room * one.weight // total for one in ranked if one.rows}
    for first in (True, False):
        for one in ranked:
            allowed = min(room, shares.get(one.title, 0)) if first else room
            taken = _taken(one.rows[kept[one.title] :], allowed)
            room -= _size(one.rows[kept[one.title] : kept[one.title] + taken])
            kept[one.title] += taken
    return _joined([*head, *_body(sections, kept)])


def _body(sections: Iterable[Section], kept: dict[str, int]) -> Iterable[str]:
    left = []
    for one in sections:
        if one.title not in kept:
            left.append(one.title)
            continue
        yield from _frame(one)
        yield from one.rows[: kept[one.title]]
        more = one.more + len(one.rows) - kept[one.title]
        yield from ["", f"and {more:,} more, not shown here"] if more else []
        yield ""
    if left:
        yield f"Left out for want of room: {', '.join(left)}."


def _frame(one: Section) -> list[str]:
    return [f"### {one.title}", "", *one.lead]


def _taken(rows: Sequence[str], room: int) -> int:
    """Return how many of the first rows fit."""
    for at, row in enumerate(rows):
        room -= len(row) + 1
        if room < 0:
            return at
    return len(rows)


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _joined(lines: Iterable[str]) -> str:
    return "".join([f"{line}\n" for line in lines])
