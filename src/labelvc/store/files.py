"""Files of the work tree: written whole or not at all, removed, and locked while a command writes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labelvc.errors import StoreError
from labelvc.store import disk, journal
from labelvc.store.git import Git

UNFINISHED = disk.UNFINISHED
"""How the name of a temporary file ends; one that a kill left behind may be deleted."""

MERGING = "merging"
"""Name of the file in the git folder's `labelvc` that lies there while a merge writes the work tree."""

UNMERGE = "labelvc merge --abort, then merge again"

_PATIENCE = 10.0
_BUSY = "another labelvc is writing here"


def sweep(folder: Path) -> int:
    """Delete what a killed command left unfinished in a folder and below; return how many files that were."""
    found = [path for path in folder.rglob(f".*{UNFINISHED}") if path.is_file() and not path.is_symlink()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


@contextmanager
def lock(git: Git, patience: float = _PATIENCE) -> Iterator[int]:
    """Hold the repository's one lock for writing; the system frees it when the process ends, however it ends.

    What a killed command left half done is finished first, or cleared away when nothing of it had changed.

    Args:
        git: where.
        patience: seconds to wait for another command to finish.

    Yields:
        The moment it began, for `journal.transaction`.

    Raises:
        StoreError: another command still holds it, what a killed one left cannot be finished, or nothing can be written.
    """
    with alone(git, patience):
        journal.settle(git)
        yield disk.moment(git.top)


@contextmanager
def alone(git: Git, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock as `lock` does, and leave what a killed command left as it is.

    Raises:
        StoreError: another command still holds it.
    """
    with held(disk.private_folder(git, "") / "lock", patience):
        yield


@contextmanager
def held(path: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold a file that all who write the same thing lock; the system frees it when the process ends, however it ends.

    Args:
        path: the file; it is made, and stays.
        patience: seconds to wait for another to let go.

    Raises:
        StoreError: another still holds it, or it cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise disk.failure(error, path) from None
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if patience <= 0:
                    hint = "wait until it has finished; `fuser -v` on the file names the process"
                    raise StoreError(_BUSY, where=str(path), hint=hint) from None
                time.sleep(0.05)
                patience -= 0.05
        yield
    finally:
        os.close(handle)


def refuse_unfinished(git: Git) -> None:
    """Refuse to read a work tree that a killed command left between two states; wait for one that still writes.

    Raises:
        StoreError: a killed command must be finished first, or a running one takes too long.
    """
    merging = git.directory / "labelvc" / MERGING
    if not (journal.is_pending(git) or merging.exists()):
        return
    with alone(git):
        message = "a labelvc command was killed half way, so the files are neither as before nor as after it"
        if journal.is_pending(git):
            raise StoreError(message, where=str(git.directory / "labelvc" / "journal"), hint=journal.FINISH)
        if merging.exists():
            raise StoreError(message, where=str(merging), hint=UNMERGE)


def interrupted(git: Git) -> journal.Pending | None:
    """Return what a killed command left, and change nothing; None also while another command writes.

    Raises:
        StoreError: the journal cannot be read.
    """
    if git.bare or not journal.has_left(git):
        return None
    try:
        with alone(git, 0):
            return journal.pending(git)
    except StoreError as problem:
        if problem.message != _BUSY:
            raise
        return None


def settle(git: Git, *, forget: bool = False) -> journal.Pending | None:
    """Finish what a killed command left, or forget it: then files stay as they are and its journal goes.

    Returns:
        What was found; None when there was nothing.

    Raises:
        StoreError: another command writes here, or it cannot be finished; says what to do.
    """
    with alone(git):
        return journal.forget(git) if forget else journal.settle(git)
