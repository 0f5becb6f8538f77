"""Pending: a merge that was begun and is not a commit yet, as git's own files and ours in the git folder tell it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from labelvc.errors import StoreError
from labelvc.store import disk, draft, files
from labelvc.store import git as plumbing
from labelvc.store.git import Git

_NOTE = "merge"
_STATE = ("MERGE_HEAD", "MERGE_MODE", "MERGE_MSG", "AUTO_MERGE")
_OTHERS = {
    "rebase-merge": "a rebase", "rebase-apply": "a rebase", "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert",
}  # fmt: skip
_PATIENCE = 2.0
_LOCK_AGE = 2.0  # seconds after which a lock of git that a killed command left behind is no longer somebody's


class Pending(NamedTuple):
    """A merge that `labelvc merge` began.

    Attributes:
        head: commit it started from.
        other: commit that is merged.
        tree: what the work tree becomes, with conflict markers.
        pointers: DVC pointers whose folder it rewrites.
        writing: whether files are still being written; a command that was killed leaves it so.
    """

    head: str
    other: str
    tree: str
    pointers: list[str]
    writing: bool = True


@contextmanager
def alone(git: Git) -> Iterator[None]:
    """Hold the lock of all who begin, commit or take back a merge in this work tree.

    Between the last file and the commit nobody holds the lock for writing, which hooks and their checks need. A merge taken
    back by another just then would be committed with the tree of one side.

    Raises:
        StoreError: another holds it.
    """
    folder = git.directory / "labelvc"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise disk.failure(error, folder) from None
    with files.held(folder / "merge.lock", _PATIENCE):
        yield


def begin(git: Git, pending: Pending, message: str) -> None:
    """Note a merge before the first file of the work tree is written, as git does, so that `git commit` ends it.

    Args:
        git: where.
        pending: the merge.
        message: of the merge commit.
    """
    folder = git.directory
    (folder / "labelvc").mkdir(mode=0o700, exist_ok=True)
    disk.replace(folder / "labelvc" / _NOTE, json.dumps(pending._asdict()).encode())
    disk.replace(folder / "labelvc" / files.MERGING, b"")
    disk.replace(folder / "ORIG_HEAD", f"{pending.head}\n".encode())
    disk.replace(folder / "MERGE_MSG", f"{message.rstrip()}\n".encode())
    disk.replace(folder / "MERGE_MODE", b"no-ff")
    disk.replace(folder / "MERGE_HEAD", f"{pending.other}\n".encode())


def settled(git: Git) -> None:
    """Note that all files of a merge are written: from here on git's own state tells the rest."""
    (git.directory / "labelvc" / files.MERGING).unlink()


def withdraw(git: Git) -> None:
    """Note that a merge is being taken back: from here on git knows of none, so that no commit can be one that lacks a side."""
    disk.replace(git.directory / "labelvc" / files.MERGING, b"")
    for name in _STATE:
        (git.directory / name).unlink(missing_ok=True)


def read(git: Git) -> Pending | None:
    """Return the merge that was begun here and not ended; None when there is none or git ended it."""
    folder = git.directory / "labelvc"
    try:
        found = Pending(**json.loads((folder / _NOTE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    found = found._replace(writing=(folder / files.MERGING).exists())
    ended = not found.writing and not (git.directory / "MERGE_HEAD").exists()
    return None if ended or found.head != plumbing.head(git) else found


def forget(git: Git, *, whole: bool = False) -> None:
    """Take our note away; with `whole`, git's files of a merge too."""
    for name in _STATE if whole else ():
        (git.directory / name).unlink(missing_ok=True)
    for name in (files.MERGING, _NOTE):
        (git.directory / "labelvc" / name).unlink(missing_ok=True)


def underway(git: Git) -> str:
    """Return what git is in the middle of, for people: `a merge`, `a rebase` ...; empty when it is nothing."""
    if (git.directory / "MERGE_HEAD").exists():
        return "a merge"
    return next((what for name, what in _OTHERS.items() if (git.directory / name).exists()), "")


def others(git: Git) -> list[str]:
    """Return the ids of the commits that git is bringing in: by a merge, a rebase, a cherry-pick or a revert."""
    found = [git.directory / name for name in ("MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")]
    return [line for path in found if path.is_file() for line in path.read_text("ascii").split()]


def unlock(git: Git) -> None:
    """Remove the lock that a git which was killed with us left on the index.

    Raises:
        StoreError: the lock is so young that a git may still be writing.
    """
    path = git.directory / "index.lock"
    with suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime < _LOCK_AGE:
            raise StoreError("git is still writing the index", where=str(path), hint="wait two seconds, then again")
        path.unlink()
    path.with_name(draft.ASIDE).unlink(missing_ok=True)
