"""Trees as git writes them: names once and in order. Others are read one way by a checkout and another way by path.

Git itself writes no other, but takes one that a client sends unless it is told to look (git-config: receive.fsckObjects).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate, chain, pairwise

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.objects import Objects

TREE, MODULE = b"40000", b"160000"
_LONG, _PATHS = 4096, 64
"""Bytes of a tree that is worth comparing with the one before at its path, and how many such are held."""
_ENTRIES = {width: re.compile(rb"([1-7][0-7]{4,5}) ([^\0/]+)\0(.{%d})" % width, re.DOTALL) for width in (20, 32)}


def entries(data: bytes, width: int) -> list[tuple[bytes, bytes, bytes]] | None:
    """Return mode, name and id of all that a tree holds.

    Args:
        data: the bytes of a tree object.
        width: bytes of an id, 20 or 32.

    Returns:
        Its entries; None when git never wrote it so (gitformat-pack; git's tree-walk.c).
    """
    found: list[tuple[bytes, bytes, bytes]] = _ENTRIES[width].findall(data)
    whole = sum(map(len, chain.from_iterable(found))) + 2 * len(found) == len(data)
    return found if whole else None


def demand(git: Git, head: str, *without: str) -> None:
    """Demand that all trees a line of history brings are as git writes them.

    Args:
        git: where.
        head: its end; of a tag the commit that it stands for.
        without: what is not looked at with all that leads to it, as for `git rev-list`; an empty word is nothing.

    Raises:
        StoreError: one is not, or is missing; where is the commit that brings it.
    """
    # rows of commits have no space, those of trees have one before their path; so would the row of a tag before its name
    span = (f"{head}^{{commit}}", *filter(None, without))
    listed = plumbing.run(git, "rev-list", "--objects", "--filter=blob:none", *span).splitlines()
    trees = [(row[:at].decode(), row[at:]) for row in listed if (at := row.find(b" ")) > 0]
    sound = dict[bytes, Sound]()
    with Objects(git) as objects:
        for (oid, path), data in zip(trees, objects.many([oid for oid, _ in trees]), strict=True):
            before = sound.pop(path, None)
            if before is not None and before.becomes(data):
                sound[path] = before
                continue
            problem = next(_problems(data, len(oid) // 2), "")
            if not problem and len(data) >= _LONG:
                if len(sound) >= _PATHS:
                    sound.clear()
                sound[path] = Sound(data, len(oid) // 2)
            if problem:
                hint = "git fsck; make the commit again, and set receive.fsckObjects on the server"
                raise StoreError(f"a tree {problem}: git never wrote it", where=_bringer(git, oid, span), hint=hint)


class Sound:
    """A tree that is as git writes it, beside which the next one at its path is looked at only where they differ.

    A folder that grows by a file with every commit is listed whole by each of them.

    Args:
        data: the bytes of the tree object.
        width: bytes of an id, 20 or 32.
    """

    def __init__(self, data: bytes, width: int) -> None:
        found = entries(data, width) or []
        self._data, self._width = data, width
        self._cuts = _cuts(found, 0)
        self._names = {name for _, name, _ in found}

    def becomes(self, data: bytes) -> bool:
        """Take another tree in place of this one, where that is as git writes it too; if not, look at it whole.

        What both have alike before and after is whole entries of this one, so only what is between them, with an entry on
        both sides, can be out of order or unreadable; a name may be there twice with all the others between.
        """
        old, cuts, more = self._data, self._cuts, len(data) - len(self._data)
        same = _alike(old, data, 0)
        first = bisect_right(cuts, same) - 1
        last = bisect_left(cuts, len(old) - _alike(old[::-1], data[::-1], cuts[first]))
        first, last = max(first - 1, 0), min(last + 1, len(cuts) - 1)
        gone = entries(old[cuts[first] : cuts[last]], self._width)
        come = entries(data[cuts[first] : cuts[last] + more], self._width)
        if gone is None or come is None or not _in_order(come):
            return False
        names = [name for _, name, _ in come]
        self._names.difference_update([name for _, name, _ in gone])
        if len(set(names)) < len(names) or not self._names.isdisjoint(names):
            return False
        self._names.update(names)
        self._cuts = [*cuts[:first], *_cuts(come, cuts[first]), *[at + more for at in cuts[last + 1 :]]]
        self._data = data
        return True


def _cuts(found: list[tuple[bytes, bytes, bytes]], start: int) -> list[int]:
    """Return where entries begin, and where the last of them ends."""
    return list(accumulate([sum(map(len, one)) + 2 for one in found], initial=start))


def _alike(one: bytes, other: bytes, but: int) -> int:
    """Return how many bytes two have alike at their beginning, at most all but a number of the shorter one."""
    low, high = 0, min(len(one), len(other)) - but
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _in_order(found: list[tuple[bytes, bytes, bytes]]) -> bool:
    return not any(one >= two for one, two in pairwise([name + b"/" * (mode == TREE) for mode, name, _ in found]))


def _problems(data: bytes, width: int) -> Iterator[str]:
    found = entries(data, width)
    if found is None:
        yield "cannot be read"
        return
    names = [name for _, name, _ in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield f"holds the name {twice.decode('utf-8', 'backslashreplace')!r} twice"
    if not _in_order(found):
        yield "holds its names out of order"


def _bringer(git: Git, tree: str, span: tuple[str, ...]) -> str:
    """Return the first commit that holds a tree."""
    rows = plumbing.run(git, "log", "--reverse", "--format=%H %T", *span).decode().splitlines()
    told = plumbing.run(git, "log", "--reverse", "--format=%H", "-m", "-t", f"--find-object={tree}", *span).decode()
    commits = [row.partition(" ")[0] for row in rows if row.endswith(f" {tree}")] or told.split()
    return f"{commits[0][:12]}, tree {tree[:12]}" if commits else f"tree {tree[:12]}"
