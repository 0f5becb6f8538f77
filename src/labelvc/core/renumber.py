"""Renumbering: whether an import would write other things under the ids of those that are stored, and by how much.

Exports renumber: of 116 weekly exports of one real collection, annotation ids alone would tell 489,528 changes where
3,797 annotations had been added and none changed. What is stored under an id is then lost among the noise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from labelvc import digests
from labelvc.codec import canonical
from labelvc.core import match
from labelvc.core.diff import decoded, live
from labelvc.model.names import Key

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


def measure(
    old: Mapping[Key, bytes],
    new: Mapping[Key, bytes],
    about: Callable[[Key, bool], bytes],
    *,
    whole: bool,
) -> Renumbering | None:
    """Measure whether most ids would be rewritten with what is there already under other ids.

    A record's content is its shape (one kept under `ext` will do) and author; of an answer without shape, what it is about, its author and what it says.
    Each stored record is counted once, and against one record of the source.

    Args:
        old: stored lines of the task.
        new: lines of the source.
        about: given a key and whether it is the source's, what tells its item from others, whatever the item is called.
        whole: what the source lacks goes; otherwise a stored record that the source lacks counts only when the source
            has its item, so that copies of what is stored, made under names of their own, are no renumbering.

    Returns:
        The numbers, when at least `LEAST` records and more than half of the stored or of the read ones, whichever are
        fewer, would be found under another id; None for every other import, however much it changes.
    """
    stored = {key: raw for key, raw in old.items() if live(raw) is not None}
    contents = {key: _content(raw, key, about, source=False) for key, raw in stored.items() if new.get(key) != raw}
    holders: dict[bytes, list[Key]] = defaultdict(list)
    read = {key.item for key in new}
    lost = {key: seen for key, seen in contents.items() if key not in new and (whole or key.item in read)}
    rewritten = len(lost) if whole else 0
    for key, raw in sorted(new.items()):
        if stored.get(key) == raw:
            continue
        seen = _content(raw, key, about, source=True)
        if seen & contents.get(key, seen) and key in contents:
            continue
        for one in seen:
            holders[one].append(key)
        if key in contents:
            lost[key] = contents[key]
            rewritten += 1
    elsewhere = _found(lost, holders)
    enough = elsewhere >= LEAST and 2 * elsewhere > min(len(stored), len(new))
    return Renumbering(len(stored), max(rewritten, elsewhere), elsewhere) if enough else None


def _found(lost: Mapping[Key, frozenset[bytes]], holders: Mapping[bytes, list[Key]]) -> int:
    """Count the lost records that a record of the source holds, each of those once; takes from the holders."""
    taken: set[Key] = set()
    for _, seen in sorted(lost.items()):
        for held in (holders.get(one, []) for one in sorted(seen)):
            while held and held[-1] in taken:
                held.pop()
            if held:
                taken.add(held.pop())
                break
    return len(taken)


def _content(raw: bytes, key: Key, about: Callable[[Key, bool], bytes], *, source: bool) -> frozenset[bytes]:
    """Return digests of what a record is, by any of which it is known again."""
    fields = decoded(raw)
    by = canonical.encode(str(fields.get("by") or ""))
    found = match.shapes(fields) or [canonical.encode(fields.get("value")) + about(key, source)]
    return frozenset([digests.sha256(by + one).digest() for one in found])
