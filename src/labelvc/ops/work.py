"""Work: the edits of records that the commits of a line made, by who made the record, when, and which label became which."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from labelvc.core import calendar, census, diff, ways
from labelvc.core.calendar import Calendar
from labelvc.core.veil import Veil
from labelvc.core.ways import Turn
from labelvc.model import dashboard as page
from labelvc.model.change import Delta
from labelvc.model.commit import Commit
from labelvc.model.names import Key
from labelvc.ops import log as history
from labelvc.store import log
from labelvc.store.git import Git
from labelvc.store.reader import Reader

MACHINE = "(a model)"
_MOST, _MOST_TURNS = 30, 40
_Place = tuple[str, date]
_day_of = lru_cache(maxsize=4096)(calendar.day_of)


class Edits(NamedTuple):
    """What commits did to records.

    Attributes:
        made: who and on which day, to how many records were added or changed.
        turns: way to number of records whose label became another.
        removed: records.
        stamped: of those added or changed, the ones that say themselves when.
    """

    made: Counter[_Place]
    turns: Counter[Turn]
    removed: int
    stamped: int


class _Tally:
    """Counts the edits of one commit."""

    def __init__(self, commit: Commit, drawn: Veil) -> None:
        self._drawn = drawn
        self._day = calendar.day_of(commit.authored) or date.min
        self.made: Counter[_Place] = Counter()
        self.turns: Counter[Turn] = Counter()
        self.removed = self.stamped = 0

    def add(self, delta: Delta) -> None:
        """Count a record that differs."""
        if not isinstance(delta.key, Key) or not delta.key.id:
            return
        if delta.old is None:  # a record that came has no way to tell of, and most records of a history came once
            fields = self._drawn.over(delta.key, diff.decoded(delta.new))
            if fields.get("gone") is not True:
                self._count(fields, None)
            return
        seen = self._drawn.drawn(diff.compare(delta))
        self.removed += seen.kind == "removed"
        if seen.kind not in ("added", "changed"):
            return
        turn = ways.way_of(seen)
        if turn is not None and turn[1] is not None:
            self.turns[turn] += 1
        self._count(seen.new, seen.old.get("at"))

    def _count(self, fields: Mapping[str, object], before: object) -> None:
        """Count who made a record, and when: as it says itself, where it does not say what it said before."""
        said = fields.get("at")
        day = _day_of(said) if isinstance(said, str) and said != before else None
        self.stamped += day is not None
        self.made[_maker(fields), day or self._day] += 1

    def document(self, path: str) -> None:
        """Count nothing: a document is no record."""


def _maker(fields: Mapping[str, object]) -> str:
    origin = fields.get("origin")
    return MACHINE if isinstance(origin, dict) and "model" in origin else census.person_of(fields)


def read(git: Git, reader: Reader, head: str, base: str, drawn: Veil, advance: Callable[[], None]) -> Edits:
    """Return what all commits of a line did to records, those of merged branches among them.

    Args:
        git: the repository.
        reader: reads objects.
        head: commit to begin with.
        base: commit to end before; empty for all of history.
        drawn: hides plain values.
        advance: called after each commit that changed a dataset.

    Raises:
        StoreError: a shallow clone, or a missing object.
    """
    made, turns = Counter[_Place](), Counter[Turn]()
    removed = stamped = 0
    for entry in log.read(git, head, ["datasets/"], base=base):
        found = history.counted(git, reader, entry, _fresh(entry.commit, drawn))
        made.update(found.made)
        turns.update(found.turns)
        removed, stamped = removed + found.removed, stamped + found.stamped
        advance()
    return Edits(made, turns, removed, stamped)


def _fresh(commit: Commit, drawn: Veil) -> Callable[[], _Tally]:
    return lambda: _Tally(commit, drawn)


def told(edits: Edits, stretches: Calendar) -> page.Work:
    """Return edits by people and stretches of time.

    Args:
        edits: the edits.
        stretches: a calendar that holds their days.
    """
    people: dict[str, list[int]] = defaultdict(lambda: [0] * len(stretches.starts))
    for (name, day), number in edits.made.items():
        people[name][stretches.place(day)] += number
    total = edits.made.total()
    ranked = sorted(people.items(), key=lambda row: (-sum(row[1]), row[0]))
    rows = [page.Worker(name, sum(row), ways.percent(sum(row), total), tuple(row)) for name, row in ranked[:_MOST]]
    sums = tuple(map(sum, zip(*people.values(), strict=True))) or (0,) * len(stretches.starts)
    return page.Work(
        stretches.unit,
        tuple(day.isoformat() for day in stretches.starts),
        total,
        edits.removed,
        edits.stamped,
        sums,
        tuple(rows),
        len(ranked) - len(rows),
        sum(sum(row) for _, row in ranked[_MOST:]),
    )


def turned(edits: Edits) -> page.Turns:
    """Return which labels became which, most frequent first."""
    total = edits.turns.total()
    ranked = ways.ranked(edits.turns)
    return page.Turns(total, len(ranked), tuple(_rows(ranked[:_MOST_TURNS], total)), max(0, len(ranked) - _MOST_TURNS))


def _rows(ranked: list[tuple[Turn, int]], total: int) -> Iterator[page.Turned]:
    reached = 0
    for (task, old, new), number in ranked:
        reached += number
        yield page.Turned(task, old or "", new or "", number, ways.percent(number, total), ways.percent(reached, total))
