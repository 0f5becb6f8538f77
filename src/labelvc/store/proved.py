"""Proved: which work-tree files were found to be what their DVC manifest says, remembered by what the disk says of each.

A file whose inode, size, and times of its content and of its status are those it was hashed at holds the same bytes, unless it was
written again within one tick of the clock. So only files at rest are remembered, as git's index does it (git's
Documentation/technical/racy-git.txt); nobody but the kernel sets the time of the status.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping

from labelvc.model.snapshot import Entry
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_REST = 2_000_000_000
"""Nanoseconds since the last change after which a file is at rest: the coarsest clock of a file system that is in use ticks that often."""


def held(git: Git, reader: Reader, wanted: Mapping[str, Entry]) -> set[str]:
    """Return the work-tree files that have the bytes of their DVC entries.

    Args:
        git: the repository.
        reader: reads the files that were not proved before.
        wanted: path to entry, with a SHA-256.

    Returns:
        Their paths.

    Raises:
        StoreError: a file is gone, a link or no plain file.
    """
    now = time.time_ns()
    keys = {path: _key(path, entry, reader.status(path), now) for path, entry in wanted.items()}
    with Cache(git) as cache:
        known = cache.get_many(filter(None, keys.values()))
        found = {path for path, entry in wanted.items() if keys[path] in known or reader.holds(path, entry)}
        cache.put_many([(key, b"") for path, key in keys.items() if path in found and key and key not in known])
    return found


def _key(path: str, entry: Entry, status: os.stat_result | None, now: int) -> str:
    """Return what a proof is remembered under; empty when the file is not at rest."""
    if status is None or max(status.st_mtime_ns, status.st_ctime_ns) > now - _REST:
        return ""
    marks = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return hashlib.sha256(
        "\0".join(("proved/1", path, entry.id, *map(str, marks))).encode(errors="surrogateescape")
    ).hexdigest()
