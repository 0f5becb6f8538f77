"""Kept: the gits that read objects, the listings of commits, where two of them part and the lines that differ, asked for again and again."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from labelvc.model.listing import Listing
    from labelvc.model.snapshot import Entry, FileChange
    from labelvc.store.git import Git
    from labelvc.store.process import Running

_ROOM = 2_000_000
"""Bytes of all listings that are kept: those of two commits with a million records."""
_FILES = 1 << 15
"""Files behind DVC pointers that are kept, or those of one pointer however many: 400 bytes each."""
_MOST = 16_000_000
"""Bytes of lines that are kept: those of some 25,000 changed records."""


class _Kept(NamedTuple):
    """What one command keeps.

    Attributes:
        idle: gits by whose they are, each waiting to be asked for an object.
        listings: files of commits by repository, commit and folders, the last one used at the end.
        bases: best common ancestors of two commits by repository and their ids.
        members: files behind DVC pointers by repository and the ids of pointer and manifest, the last ones used at the end.
    """

    idle: dict[tuple[object, ...], list[Running]]
    listings: OrderedDict[tuple[object, ...], Listing]
    bases: dict[tuple[object, ...], list[str]]
    members: OrderedDict[tuple[object, ...], dict[str, Entry]]


_now: list[_Kept] = []
"""What the command that runs keeps; empty while none does."""
_others: list[_Kept] = []
"""What the process keeps that this one is a fork of."""


_compared: list[dict[tuple[object, ...], Sequence[FileChange]]] = []
"""The lines of the last comparison within `comparing`, by repository and what was compared; empty while nobody compares."""


@contextmanager
def keeping() -> Iterator[None]:
    """Keep what the commands within ask of objects, which never change, until the outermost of them ends."""
    if _now:
        yield
        return
    _now.append(_Kept({}, OrderedDict(), {}, OrderedDict()))
    try:
        yield
    finally:
        for kept in _now:
            for running in (each for some in kept.idle.values() for each in some):
                running.process.kill()  # it waits for a question, and a worker may hold the pipe it would see the end of
                running.end()
        _now.clear()


@contextmanager
def comparing() -> Iterator[None]:
    """Keep the lines that differ between two commits for who asks for them again within, in as much memory as they take."""
    if _compared:
        yield
        return
    _compared.append({})
    try:
        yield
    finally:
        _compared.clear()


def take(git: Git) -> Running | None:
    """Return a `git cat-file --batch` of a repository that has answered all it was asked; None when none is kept."""
    some = _now[0].idle.get(_whose(git)) if _now else None
    return some.pop() if some else None


def give(git: Git, running: Running) -> bool:
    """Keep a `git cat-file --batch` that has answered all it was asked; tell whether it is kept, else it is for the caller to end."""
    if _now:
        _now[0].idle.setdefault(_whose(git), []).append(running)
    return bool(_now)


def bases(git: Git, about: tuple[str, str], read: Callable[[], list[str]]) -> list[str]:
    """Return the best common ancestors of two commits, looked for once.

    Args:
        git: where.
        about: full ids of the commits.
        read: asks git.
    """
    if not _now:
        return read()
    at = (*_whose(git), *about)
    if at not in _now[0].bases:
        _now[0].bases[at] = read()
    return _now[0].bases[at]


def listed(git: Git, about: tuple[str, ...], read: Callable[[], Listing]) -> Listing:
    """Return the files of a commit, read once while they are kept.

    Args:
        git: where.
        about: full id of the commit, and the files or folders to list.
        read: asks git.
    """
    if not _now:
        return read()
    listings, at = _now[0].listings, (*_whose(git), *about)
    found = listings.pop(at, None)
    listings[at] = found = read() if found is None else found
    size = sum(each.size for each in listings.values())
    while size > _ROOM and len(listings) > 1:
        size -= listings.popitem(last=False)[1].size
    return found


def members(git: Git, about: tuple[str, ...], read: Callable[[], dict[str, Entry]]) -> dict[str, Entry]:
    """Return the files behind a DVC pointer, read once while they are kept; they are not to be changed.

    Args:
        git: where.
        about: path of the pointer, and git's ids of it and of the manifest beside it.
        read: reads them.
    """
    if not _now or not all(about):  # what lies on the disk has no id
        return read()
    some, at = _now[0].members, (*_whose(git), *about)
    found = some.pop(at, None)
    some[at] = found = read() if found is None else found
    size = sum(map(len, some.values()))
    while size > _FILES and len(some) > 1:
        size -= len(some.popitem(last=False)[1])
    return found


def lines(git: Git, about: tuple[str, ...], read: Callable[[], Iterable[FileChange]]) -> Iterator[FileChange]:
    """Yield the lines that differ between two commits; within `comparing` they are read once where they are few enough.

    Args:
        git: where.
        about: full ids of the commits, and what of them is compared.
        read: asks git.
    """
    if not _compared:
        yield from read()
        return
    last, at = _compared[0], (*_whose(git), *about)
    if at in last:
        yield from last[at]
        return
    some: list[FileChange] = []
    size = 0
    for change in read():
        if size <= _MOST:
            size += sum(map(len, change.old)) + sum(map(len, change.new))
            some.append(change)
        yield change
    if size <= _MOST:
        last.clear()
        last[at] = some


def _whose(git: Git) -> tuple[object, ...]:
    """Return what tells gits apart: the repository, and what it inherits of where objects come from."""
    return git.directory, git.alone, os.environ.get("GIT_ALLOW_PROTOCOL"), os.environ.get("GIT_OBJECT_DIRECTORY")


def _forked() -> None:
    """Leave the gits to the process that started them: with a copy of their pipes here they would wait for more questions."""
    for kept in _now:
        for running in (each for some in kept.idle.values() for each in some):
            for pipe in (running.process.stdin, running.out):
                if pipe is not None:
                    pipe.close()
    _others.extend(_now)
    _now.clear()


os.register_at_fork(after_in_child=_forked)
