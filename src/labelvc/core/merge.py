"""Merge: what two sides did to the same lines brought together, record by record.

Only a key that both sides changed is looked into, by `core.reconcile`; no line is decoded here, since git starts the merge
driver once a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from labelvc import digests
from labelvc.codec import shard
from labelvc.model.change import Conflict, ConflictKind
from labelvc.model.snapshot import FileChange

Resolve = Callable[[Conflict], tuple[bytes, ...] | Conflict]


class Merged(NamedTuple):
    """What their side makes of our lines.

    Attributes:
        gone: our lines that go.
        come: lines that come.
        conflicts: what a person must decide, sorted by where its lines stand; its lines on our side are in `gone`.
        resolved: number of keys that both sides changed differently and that came together by themselves.
    """

    gone: list[bytes]
    come: list[bytes]
    conflicts: list[Conflict]
    resolved: int = 0


def merge(ours: FileChange, theirs: FileChange, resolve: Resolve) -> Merged:
    """Bring what changed on two sides since the same base together.

    Args:
        ours: lines that differ between the base and our side, of one shard or of several that hold the same items.
        theirs: the same for their side.
        resolve: what decides about a key that both sides changed differently; see `labelvc.core.reconcile.resolver`.

    Returns:
        What to do to our lines. Keys that only they changed are taken over as they are.
    """
    if not ours.old and not ours.new:
        return Merged(list(theirs.old), list(theirs.new), [])
    match = _head_of(ours.path)
    sides = [_by_head(lines, match) for lines in (ours.old, ours.new, theirs.old, theirs.new)]
    mine = sides[0].keys() | sides[1].keys()
    gone, come, conflicts = list[bytes](), list[bytes](), list[Conflict]()
    resolved = 0
    for head in sides[2].keys() | sides[3].keys():
        was, now, base, new = [tuple(side.get(head, ())) for side in sides]
        if head not in mine or (was != base and set(was).isdisjoint(base)):  # the second: two lines of one doubled key
            gone += base
            come += new
        elif sorted(now) != sorted(new):
            found = Conflict(key_of(head, ours.path), _kind(base, now, new), base, now, new)
            lines = resolve(found)
            gone += now
            if isinstance(lines, Conflict):
                conflicts.append(lines)
            else:
                come += lines
                resolved += 1
    return Merged(gone, come, sorted(conflicts, key=_place), resolved)


def differences(ours: FileChange, theirs: FileChange) -> Iterator[Conflict]:
    """Yield every key that two sides have differently as a conflict, for where their base is not known.

    Args:
        ours: our lines, as `new`.
        theirs: theirs.

    Yields:
        Conflicts without a base: a key that one side lacks may have been added here or deleted there.
    """
    mine, new = by_head(ours.new, ours.path), by_head(theirs.new, theirs.path)
    for head in sorted(mine.keys() | new.keys()):
        one, two = tuple(mine.get(head, ())), tuple(new.get(head, ()))
        if one != two:
            kind: ConflictKind = "doubled" if max(len(one), len(two)) > 1 else "added" if one and two else "deleted"
            yield Conflict(key_of(head, ours.path), kind, (), one, two)


def by_head(lines: Iterable[bytes], path: str) -> dict[bytes, list[bytes]]:
    """Return the lines by what they begin with, their key; a line whose key cannot be read is its own."""
    return _by_head(lines, _head_of(path))


def _head_of(path: str) -> Callable[[bytes], re.Match[bytes] | None]:
    """Return what finds the head of a line of a shard."""
    found = shard.parse_path(path)
    return shard.HEADS[found[1] if found else "annotations"].match


def _by_head(lines: Iterable[bytes], match: Callable[[bytes], re.Match[bytes] | None]) -> dict[bytes, list[bytes]]:
    table: dict[bytes, list[bytes]] = {}
    for line in lines:
        head = match(line)
        table.setdefault(head.group() if head else line, []).append(line)
    return table


def key_of(head: bytes, path: str) -> Any:
    """Return the key that a line's head holds; a text that names the line where it cannot be read."""
    found = shard.parse_path(path)
    key = shard.key_of(head, found[0], found[1]) if found else None
    return key or f"{path}:{digests.sha256(head).hexdigest()[:12]}"


def _kind(base: tuple[bytes, ...], ours: tuple[bytes, ...], theirs: tuple[bytes, ...]) -> ConflictKind:
    if max(map(len, (base, ours, theirs))) > 1:
        return "doubled"
    if not base:
        return "added"
    return "edited" if ours and theirs else "deleted"


def _place(conflict: Conflict) -> bytes:
    return min((*conflict.ours, *conflict.theirs, *conflict.base))
