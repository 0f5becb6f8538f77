"""Renumbering: whether an import would write other things under the ids of those that are stored, and by how much.

Exports renumber: of 116 weekly exports of one real collection, annotation ids alone would tell 489,528 changes where
3,797 annotations had been added and none changed. What is stored under an id is then lost among the noise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from labelvc import digests
from labelvc.codec import canonical
from labelvc.core import match
from labelvc.core.diff import decoded, live
from labelvc.model.names import Key

About = Callable[[Key, bool], bytes]
Row = tuple[bytes, bool, int, int]
"""A digest of content, whether a stored record lost it, the record's number, and the digest's place among those of it."""

LEAST = 20
"""Fewer ids that moved are looked at by a person, not counted by a rule."""


class Renumbering(NamedTuple):
    """How far an import renumbers.

    Attributes:
        stored: number of live records stored for the task.
        rewritten: how many of them would say something else, or nothing, under their id.
        elsewhere: how many of those the source holds under another id.
    """

    stored: int
    rewritten: int
    elsewhere: int


def likely(added: int, changed: int, read: int) -> bool:
    """Tell from three counts whether looking closer is worth it: ids that moved show up as added or changed ones.

    More than half of the stored or of the read records must have moved to be told; where fewer are stored than read, half
    of them is more than a quarter of what is read unless many more are new, and then most of what is read is added.
    """
    return added + changed >= LEAST and 4 * (added + changed) > read


def measure(old: Mapping[Key, bytes], new: Mapping[Key, bytes], about: About, *, whole: bool) -> Renumbering | None:
    """Measure whether most ids would be rewritten with what is there already under other ids.

    Args:
        old: stored lines of the task.
        new: lines of the source.
        about: as for `Measure.seen`.
        whole: as for `Measure`.

    Returns:
        As `Measure.result`.
    """
    measured = Measure(whole=whole)
    rows = list(measured.seen(old, new, about))
    return measured.result(lambda: [rows])


class Measure:
    """A measure of how far an import renumbers, taken part by part.

    A record's content is its shape (one kept under `ext` will do) and author; of an answer without shape, what it is about,
    its author and what it says. Each stored record is counted once, and against one record of the source.

    Args:
        whole: what the source lacks goes; otherwise a stored record that the source lacks counts only when the source
            has its item, so that copies of what is stored, made under names of their own, are no renumbering.
    """

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._stored = self._read = self._rewritten = self._lost = self._holders = self._ranks = 0

    def seen(self, old: Mapping[Key, bytes], new: Mapping[Key, bytes], about: About) -> Iterator[Row]:
        """Look at the records of some items, each item once.

        Args:
            old: stored lines of the task.
            new: lines of the source about the same items, under the names they have here.
            about: given a key and whether it is the source's, what tells its item from others, whatever the item is called.

        Yields:
            What is to be set aside by its first member, a digest.
        """
        stored = {key: raw for key, raw in old.items() if live(raw) is not None}
        self._stored += len(stored)
        self._read += len(new)
        contents = {key: _content(raw, key, about, source=False) for key, raw in stored.items() if new.get(key) != raw}
        read = {key.item for key in new}
        lost = {key: seen for key, seen in contents.items() if key not in new and (self._whole or key.item in read)}
        self._rewritten += len(lost) if self._whole else 0
        for key, raw in sorted(new.items()):
            if stored.get(key) == raw:
                continue
            seen = _content(raw, key, about, source=True)
            if seen & contents.get(key, seen) and key in contents:
                continue
            yield from ((one, False, self._holders, 0) for one in seen)
            self._holders += 1
            if key in contents:
                lost[key] = contents[key]
                self._rewritten += 1
        for _, seen in sorted(lost.items()):
            yield from ((one, True, self._lost, rank) for rank, one in enumerate(sorted(seen)))
            self._lost += 1
            self._ranks = max(self._ranks, len(seen))

    def result(self, groups: Callable[[], Iterable[Iterable[Row]]]) -> Renumbering | None:
        """Return the numbers.

        Args:
            groups: begins to give everything that was set aside, all of one digest in one group.

        Returns:
            The numbers, when at least `LEAST` records and more than half of the stored or of the read ones, whichever are
            fewer, would be found under another id; None for every other import, however much it changes.
        """
        found, taken = bytearray(self._lost), bytearray(self._holders)
        for rank in range(self._ranks):
            for group in groups():
                _pair(group, rank, found, taken)
        elsewhere = sum(found)
        enough = elsewhere >= LEAST and 2 * elsewhere > min(self._stored, self._read)
        return Renumbering(self._stored, max(self._rewritten, elsewhere), elsewhere) if enough else None


def _pair(group: Iterable[Row], rank: int, found: bytearray, taken: bytearray) -> None:
    """Give lost records a record of the source that holds the digest of this rank, each of those once."""
    holders: dict[bytes, list[int]] = defaultdict(list)
    asking: list[tuple[bytes, int]] = []
    for one, is_lost, number, at in group:
        if not is_lost:
            holders[one].append(number)
        elif at == rank and not found[number]:
            asking.append((one, number))
    for one, number in asking:
        held = holders.get(one, [])
        while held and taken[held[-1]]:
            held.pop()
        if held:
            found[number] = taken[held.pop()] = 1


def _content(raw: bytes, key: Key, about: About, *, source: bool) -> frozenset[bytes]:
    """Return digests of what a record is, by any of which it is known again."""
    fields = decoded(raw)
    by = canonical.encode(str(fields.get("by") or ""))
    found = match.shapes(fields) or [canonical.encode(fields.get("value")) + about(key, source)]
    return frozenset([digests.sha256(by + one).digest() for one in found])
