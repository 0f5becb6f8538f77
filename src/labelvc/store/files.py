"""Files of the work tree: written whole or not at all, removed, and locked while a command writes."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from labelvc.errors import StoreError
from labelvc.store.git import Git

UNFINISHED = ".labelvc-unfinished"
"""How the name of a temporary file ends; one that a kill left behind may be deleted."""

_PATIENCE = 10.0
_MANY = 32


def replace(path: Path, data: bytes) -> None:
    """Write a file so that a full disk or a kill leaves the old one: temporary file beside it, fsync, rename.

    Args:
        path: the file; folders above it are made; its permissions stay as they are.
        data: all of it.

    Raises:
        StoreError: the disk is full, read-only or not ours; the old file is as it was.
    """
    write_all({path: data})


def remove(path: Path) -> None:
    """Delete a file; one that is not there is no error.

    Raises:
        StoreError: the folder may not be written.
    """
    write_all({path: None})


def write_all(contents: Mapping[Path, bytes | None], top: Path | None = None) -> None:
    """Write and delete many files: everything is on the disk under temporary names before the first rename.

    Args:
        contents: path to its bytes, or to None to delete it.
        top: refuse paths that lead out of this folder through `..` or a symbolic link.

    Raises:
        StoreError: the disk is full, read-only or not ours; then no file has changed.
    """
    pending: dict[Path, Path] = {}
    gone: list[Path] = []
    current = Path()
    try:
        for current, data in contents.items():  # once: a mapping may make its bytes when they are asked for
            if top is not None:
                _inside(current, top)
            if data is None:
                gone.append(current)
            else:
                pending[current] = _temporary(current, data, sync=len(contents) <= _MANY)
        if len(pending) > _MANY:
            os.sync()
        for current in list(pending):
            pending[current].replace(current)
            del pending[current]
        for current in gone:
            current.unlink(missing_ok=True)
        for current in {path.parent for path in contents}:
            _sync_folder(current)
    except OSError as error:
        raise _failure(error, current) from None
    finally:
        for leftover in pending.values():
            with suppress(OSError):
                leftover.unlink()


def sweep(folder: Path) -> int:
    """Delete what a killed command left unfinished in a folder and below; return how many files that were."""
    found = [path for path in folder.rglob(f".*{UNFINISHED}") if path.is_file() and not path.is_symlink()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def private_folder(git: Git, name: str) -> Path:
    """Return a folder below `labelvc` in the git folder all work trees share, made for its owner only.

    Raises:
        StoreError: it cannot be made.
    """
    folder = git.common / "labelvc" / name
    try:
        (git.common / "labelvc").mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _failure(error, folder) from None
    return folder


@contextmanager
def lock(git: Git, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the repository's one lock for writing; the system frees it when the process ends, however it ends.

    Args:
        git: where.
        patience: seconds to wait for another command to finish.

    Raises:
        StoreError: another command still holds it.
    """
    path = private_folder(git, "") / "lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _failure(error, path) from None
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if patience <= 0:
                    hint = "wait until it has finished; `fuser -v` on the file names the process"
                    raise StoreError("another labelvc is writing here", where=str(path), hint=hint) from None
                time.sleep(0.05)
                patience -= 0.05
        yield
    finally:
        os.close(handle)


def _temporary(path: Path, data: bytes, *, sync: bool) -> Path:
    """Write the bytes beside the path and return where; nothing stays when that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name[:120]}.{os.urandom(4).hex()}{UNFINISHED}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            with suppress(FileNotFoundError):
                before = path.lstat()
                if stat.S_ISREG(before.st_mode):
                    os.fchmod(handle, stat.S_IMODE(before.st_mode))
            if sync:
                os.fsync(handle)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _sync_folder(folder: Path) -> None:
    with suppress(FileNotFoundError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _inside(path: Path, top: Path) -> None:
    if not path.parent.resolve().is_relative_to(top.resolve()):
        raise StoreError(
            "a symbolic link or `..` leads out of the project", where=str(path), hint="replace the link by a folder"
        )


def _failure(error: OSError, path: Path) -> StoreError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    hint = "free some space (`df -h .`) and run the command again" if full else f"ls -ld {path.parent}"
    return StoreError(f"could not write: {error.strerror}", where=str(path), hint=hint)
