"""Proved: which work-tree files were found to be what their DVC manifest says, remembered by what the disk says of each.

A file whose inode, size, and times of its content and of its status are those it was hashed at holds the same bytes, unless it was
written again within one tick of the clock. So only files at rest are remembered, as git's index does it (git's
Documentation/technical/racy-git.txt); nobody but the kernel sets the time of the status. A program that keeps a file mapped into its
memory can write to it without any of that for a while (mmap(2), `msync`), which neither git nor we see.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from labelvc import digests
from labelvc.model.snapshot import Entry
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_BY = "labelvc.proved/2"
_SIZE = 16
_LAYER = 3  # names in the path of a layer's folder
_REST = 2_000_000_000
"""Nanoseconds since the last change after which a file is at rest: the coarsest clock of a file system that is in use ticks that often."""


def held(
    git: Git,
    reader: Reader,
    wanted: Mapping[str, Entry],
    statuses: Mapping[str, os.stat_result],
    since: int,
    links: Collection[str] = (),
) -> set[str]:
    """Return the work-tree files that have the bytes of their DVC entries, whose objects are in a cache of DVC.

    Args:
        git: the repository.
        reader: reads the files that were not proved before.
        wanted: path to entry of the files of one folder.
        statuses: what the disk said of those files.
        since: when it was first asked, in nanoseconds since 1970.
        links: those that are symbolic links to their objects.

    Returns:
        Their paths.

    Raises:
        StoreError: a file is gone, another link or no plain file.
    """
    if not wanted:
        return set()
    top = "/".join((str(git.top), *next(iter(wanted)).split("/")[:_LAYER]))
    files, objects = [f"{_BY}:{kind}:{_digest(top).hex()}" for kind in ("files", "objects")]
    with Cache(git) as cache:
        kept = cache.get_many([files, objects])
        state = _state(reader.dvc.folders(entry.id for entry in wanted.values()), since - _REST)
        there = _digest("\n".join([state, *(entry.id for entry in wanted.values())])) if state else b""
        if not there or kept.get(objects) != there:
            whole = len(wanted)
            wanted = {path: entry for path, entry in wanted.items() if reader.dvc.stored(entry)}
            if there and len(wanted) == whole:
                cache.put_many([(objects, there)])
        marks = {path: _mark(path, entry, statuses[path], since - _REST) for path, entry in wanted.items()}
        told = kept.get(files, b"")
        known = {told[at : at + _SIZE] for at in range(0, len(told), _SIZE)}
        unsure = {path: entry for path, entry in wanted.items() if marks[path] not in known}
        differing = {path for path, entry in unsure.items() if not reader.holds(path, entry, linked=path in links)}
        found = wanted.keys() - differing
        now = {mark for path, mark in marks.items() if mark and path in found}
        if not now <= known:
            cache.put_many([(files, b"".join(sorted(now)))])
    return found


def _state(folders: Iterable[str], rest: int) -> str:
    """Return what the disk says of folders of objects: who adds or removes one changes that; empty when one is not at rest."""
    found = []
    for folder in folders:
        try:
            status = os.stat(folder)  # noqa: PTH116 - hundreds of them at every look
        except OSError:
            found.append(folder)
            continue
        if status.st_mtime_ns > rest or status.st_ctime_ns > rest:
            return ""
        found.append(f"{folder} {status.st_dev} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}")
    return "\n".join(found)


def _mark(path: str, entry: Entry, status: os.stat_result, rest: int) -> bytes:
    """Return what a proof is remembered by; empty when the file is not at rest."""
    if status.st_mtime_ns > rest or status.st_ctime_ns > rest:
        return b""
    return _digest(
        f"{path}\0{entry.id}\0{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    )


def _digest(text: str) -> bytes:
    return bytes(digests.blake2b(text.encode(errors="surrogateescape"), digest_size=_SIZE).digest())
