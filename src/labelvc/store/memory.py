"""The file of what a machine remembers of a project: outside of every clone, its owner's alone, changed under a lock."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

from labelvc.codec import memory as codec
from labelvc.errors import DataError, StoreError
from labelvc.model.memory import Memory
from labelvc.store import disk, files

_LONGEST = 4 * 1024 * 1024


def path(folder: Path, project: str) -> Path | None:
    """Return where the memory of a project is kept; None when its id is no UUID, and could name any file."""
    return folder / f"{project}.json" if codec.PROJECT.fullmatch(project) else None


def read(folder: Path, project: str) -> Memory | None:
    """Return what is remembered of a project, or None when nothing is.

    Args:
        folder: the state folder; one that is not there, or that this user may not enter, holds nothing.
        project: its UUID.

    Raises:
        StoreError: a file is there that is none of labelvc's, belongs to somebody else or cannot be read.
    """
    place = path(folder, project)
    if place is None:
        return None
    try:
        found = place.lstat()
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode) or not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a link" if stat.S_ISLNK(found.st_mode) else "no file"
        raise _useless(place, f"{kind} stands in its place")
    if found.st_uid != os.geteuid():
        raise _useless(place, "it belongs to another user")
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            data = opened.read(_LONGEST)
    except OSError as error:
        raise _useless(place, f"it cannot be read: {error.strerror}") from None
    try:
        return codec.read(data, project)
    except DataError as error:
        raise _useless(place, error.message) from None


def update(folder: Path, project: str, change: Callable[[Memory | None], Memory | None]) -> None:
    """Change what is remembered of a project, alone: no other labelvc writes it meanwhile, and a kill leaves the old.

    Args:
        folder: the state folder; it is made for its owner only.
        project: its UUID.
        change: returns what shall be remembered, given what is; None leaves it.

    Raises:
        StoreError: the folder cannot be written, another labelvc holds the file for long, or `read` raises.
    """
    place = path(folder, project)
    if place is None:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise disk.failure(error, place) from None
    with files.held(place.with_suffix(".lock")):
        new = change(read(folder, project))
        if new is not None:
            disk.replace(place, codec.write(new))


def _useless(place: Path, why: str) -> StoreError:
    message = f"what verified on this machine before cannot be told: {why}"
    hint = f"look why, then forget it: rm -r {shlex.quote(str(place))}"
    return StoreError(message, where=str(place), hint=hint)
