"""Which changes a person wants to see: those of some labels, or a sample that anybody can draw again."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc import digests
from labelvc.core.diff import Comparison, answer
from labelvc.errors import DataError

_ANY = "*"


class Way(NamedTuple):
    """How a label went: ids or names, `*` for any, empty for a record that was not there."""

    old: str
    new: str


def way(text: str) -> Way:
    """Read `A->B`.

    Args:
        text: what was typed; either side may be `*` (any) or empty (no record).

    Returns:
        The way.

    Raises:
        DataError: there is no `->` in it, or it asks for everything.
    """
    old, arrow, new = text.partition("->")
    found = Way(old.strip(), new.strip())
    if not arrow or not (found.old or found.new):
        raise DataError(
            f"{text!r} is no change of a label", hint="write --label 'cat->dog'; * is any label, as in '*->dog'"
        )
    return found


class Labels:
    """Tells whether a change went one of some ways.

    Args:
        ways: the ways, any of which will do.
        named: label's name (case folded) to the ids it has or had, so that people may type either.
    """

    def __init__(self, ways: Iterable[Way], named: Mapping[str, Collection[str]]) -> None:
        self._ways = [tuple(_meant(side, named) for side in one) for one in ways]

    def match(self, seen: Comparison) -> bool:
        """Tell whether the answer of a record went one of the ways; a list of labels by those that went and came."""
        if isinstance(seen.delta.key, str) or not seen.delta.key.id:
            return False
        before, after = _answers(seen.old), _answers(seen.new)
        went, came = before - after or {""}, after - before or {""}
        if before == after:
            return False
        return any(_fits(old, went) and _fits(new, came) for old, new in self._ways)


class Sample:
    """A uniform sample of a stream in one pass: those whose digest with the seed is smallest.

    Whoever draws with the same seed from the same changes, in whatever order, gets the same. Source: bottom-k sampling
    (Cohen and Kaplan, Summarizing data using bottom-k sketches, 2007).

    Args:
        size: how many to keep; memory holds as many.
        seed: any text.
    """

    def __init__(self, size: int, seed: str) -> None:
        self._size, self._seed = size, seed
        self._kept: list[tuple[int, int, Comparison]] = []
        self.population = 0

    def add(self, seen: Comparison) -> None:
        """Take in one change."""
        self.population += 1
        text = f"{self._seed}\0{seen.delta.key}".encode(errors="surrogateescape")
        rank = -int.from_bytes(digests.sha256(text).digest(), "big")
        row = (rank, -self.population, seen)
        if len(self._kept) < self._size:
            heapq.heappush(self._kept, row)
        elif row[:2] > self._kept[0][:2]:
            heapq.heapreplace(self._kept, row)

    def drawn(self) -> Iterator[Comparison]:
        """Yield the sample in the order in which the changes came."""
        for _, _, seen in sorted(self._kept, key=lambda row: -row[1]):
            yield seen


def _meant(side: str, named: Mapping[str, Collection[str]]) -> frozenset[str]:
    return frozenset((side, *named.get(side.casefold(), ())))


def _fits(wanted: frozenset[str], there: Collection[str]) -> bool:
    return _ANY in wanted or not wanted.isdisjoint(there)


def _answers(fields: dict[str, Any]) -> set[str]:
    value = fields.get("value")
    if isinstance(value, dict) and isinstance(value.get("labels"), list):
        return {*map(str, value["labels"]), answer(fields)}
    said = answer(fields)
    return {said} if said else set()
