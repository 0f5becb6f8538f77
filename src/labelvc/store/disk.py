"""Files on the disk: written whole or not at all, beside their place and synced, inside the project, failures told."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from labelvc.errors import StoreError
from labelvc.model.snapshot import EXECUTABLE, LINK, Entry

if TYPE_CHECKING:
    from labelvc.store.git import Git

UNFINISHED = ".labelvc-unfinished"
"""How the name of a temporary file ends; one that a kill left behind may be deleted."""
_MANY = 32
_FILE, _PROGRAM, _LINK = Entry("disk", ""), Entry("disk", "", executable=True), Entry("link", "")

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def beside(path: str | Path) -> str:
    """Return a fresh name beside a path, on the same disk, that says it is unfinished."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:120]}.{os.urandom(4).hex()}{UNFINISHED}")


def create(place: str | Path, data: bytes, like: str | Path, *, sync: bool, mode: str = "") -> None:
    """Write a new file; nothing stays when that fails.

    Args:
        place: where; folders above it are made.
        data: all of it.
        like: the file it shall replace, whose permissions it takes; it stays writable for its owner.
        sync: wait until it is on the disk.
        mode: what it shall be as git tells it (`model.snapshot`), a link to what the data say among that; empty: as it was.

    Raises:
        OSError: the disk is full, read-only or not ours.
    """
    if mode == LINK:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(data, os.fsencode(place))
        return
    rights = None
    with suppress(FileNotFoundError):
        before = os.lstat(like)
        rights = stat.S_IMODE(before.st_mode) | stat.S_IWUSR if stat.S_ISREG(before.st_mode) else None
    opened = 0o666 if rights is None else rights
    if mode:
        opened = opened | (opened & 0o444) >> 2 if mode == EXECUTABLE else opened & ~0o111
        rights = None if rights is None else opened
    try:
        handle = os.open(place, _NEW, opened)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        handle = os.open(place, _NEW, opened)
    try:
        try:
            if rights is not None:  # before a byte is there to read
                os.fchmod(handle, rights)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        Path(place).unlink(missing_ok=True)
        raise


def entry(path: Path, told: str = "") -> Entry:
    """Return the entry of a work-tree file that only reading tells.

    Args:
        path: where it is.
        told: its mode as git tells it, since a disk may not know who may execute a file; empty: as the disk tells.

    Raises:
        OSError: it is not there.
    """
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return _LINK
    return _PROGRAM if (told == EXECUTABLE if told else mode & stat.S_IXUSR and stat.S_ISREG(mode)) else _FILE


def replace(path: Path, data: bytes) -> None:
    """Write a file so that a full disk or a kill leaves the old one: temporary file beside it, fsync, rename.

    Args:
        path: the file; folders above it are made; its permissions stay as they are.
        data: all of it.

    Raises:
        StoreError: the disk is full, read-only or not ours; the old file is as it was.
    """
    write_all({path: data})


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody but its owner may read, whoever could read the one that was there; a link is followed.

    Raises:
        StoreError: it is a device, pipe or folder, or the disk refuses; what was there stays.
    """
    real = path.resolve()
    if real.exists() and not real.is_file():
        raise StoreError("this is no file", where=str(path), hint="name a file that is new with -o")
    fresh = not real.exists()
    try:
        real.touch(mode=0o600)
        real.chmod(0o600)
        replace(real, data)
    except OSError as error:
        raise failure(error, path) from None
    except StoreError:
        if fresh:  # an empty file would look like a key that is not to be written over
            real.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Delete a file; one that is not there is no error.

    Raises:
        StoreError: the folder may not be written.
    """
    write_all({path: None})


def write_all(contents: Mapping[Path, bytes | None], top: Path | None = None) -> None:
    """Write and delete some files: everything is on the disk under temporary names before the first rename.

    A kill between two renames leaves some of them new; where that matters, write with `journal.transaction`.

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
        for current, data in contents.items():
            if top is not None:
                refuse_outside(current, top)
            if data is None:
                gone.append(current)
            else:
                pending[current] = Path(beside(current))
                create(pending[current], data, current, sync=len(contents) <= _MANY)
        if len(pending) > _MANY:
            os.sync()
        for current in list(pending):
            pending[current].replace(current)
            del pending[current]
        for current in gone:
            current.unlink(missing_ok=True)
        for current in {path.parent for path in contents}:
            sync_folder(current)
    except OSError as error:
        raise failure(error, current) from None
    finally:
        for leftover in pending.values():
            with suppress(OSError):
                leftover.unlink()


def moment(folder: Path) -> int:
    """Return the present as the file system of a folder tells it, in nanoseconds: what changes later has a later `ctime`.

    Raises:
        StoreError: the folder may not be written, or the disk is full.
    """
    with suppress(AttributeError, OSError):  # a file without a name leaves nothing behind; not every system has them
        handle = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            return os.fstat(handle).st_ctime_ns
        finally:
            os.close(handle)
    place = Path(beside(folder / "now"))
    try:
        create(place, b"", place, sync=False)
        told = place.lstat().st_ctime_ns
        place.unlink()
    except OSError as error:
        raise failure(error, folder) from None
    return told


def refuse_changed(path: Path, moment: int, where: str) -> None:
    """Refuse to write over a file that was written, put there or given other permissions after a moment.

    Raises:
        StoreError: it was; names it by `where`.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        if path.lstat().st_ctime_ns > moment:
            message = "a file was changed while labelvc worked on it; nothing was written"
            raise StoreError(message, where=where, hint="run the command again")


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; one that is gone is no error."""
    with suppress(FileNotFoundError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def refuse_outside(path: Path, *tops: Path) -> None:
    """Refuse a path that leads out of some folders through `..` or a symbolic link.

    Raises:
        StoreError: it does.
    """
    real = path.parent.resolve()
    if not any(real.is_relative_to(top.resolve()) for top in tops):
        raise StoreError(
            "a symbolic link or `..` leads out of the project", where=str(path), hint="replace the link by a folder"
        )


def failure(error: OSError, path: Path) -> StoreError:
    """Return what to tell when the system refused to write a file."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    hint = "free some space (`df -h .`) and run the command again" if full else f"ls -ld {path.parent}"
    return StoreError(f"could not write: {error.strerror}", where=str(path), hint=hint)


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
        raise failure(error, folder) from None
    return folder


def layers(top: Path) -> Iterator[str]:
    """Yield the folders of shards in the work tree, links left out: git need not walk ignored media to list ignored shards."""
    waiting = ["datasets"]
    while waiting:
        folder = waiting.pop()
        depth = folder.count("/")
        if depth == 2:
            yield folder
        elif (top / folder).is_dir() and not (top / folder).is_symlink():
            with os.scandir(top / folder) as rows:
                names = [row.name for row in rows if row.is_dir(follow_symlinks=False)]
            waiting += [f"{folder}/{name}" for name in names if depth == 0 or name in ("annotations", "items")]
