"""Reading: the bytes of a snapshot's entries, from git, DVC or the disk."""

from __future__ import annotations

import errno
import importlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from labelvc import digests
from labelvc.batches import batches
from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.store import git as plumbing
from labelvc.store import kept, objects, pointer, revisions
from labelvc.store.git import Git
from labelvc.store.objects import Objects
from labelvc.store.promised import Promised

if TYPE_CHECKING:
    from labelvc.store.differences import Differences

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_AT_ONCE = 1000
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Reader:
    """Bytes of entries, wherever they are; keeps one `git cat-file` and some open folders until it is closed.

    Attributes:
        git: where they are.
        dvc: the caches of DVC.
    """

    def __init__(self, git: Git) -> None:
        self.git = git
        self._differences: Differences | None = None
        self._objects = Objects(git)
        self._promised = Promised(git)
        self.dvc = pointer.Cache(git)
        self._folders: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of git and the folders."""
        self._objects.close()
        if self._differences is not None:
            self._differences.close()
        for handle in self._folders.values():
            os.close(handle)
        self._folders.clear()

    @property
    def differences(self) -> Differences:
        """What differs between commits, from gits that are kept as well; who compares none does not pay for the module."""
        if self._differences is None:
            self._differences = importlib.import_module("labelvc.store.differences").Differences(self.git)
        return self._differences

    def read(self, path: str, entry: Entry) -> bytes:
        """Return the bytes of one entry.

        Args:
            path: its path in the snapshot.
            entry: the entry.

        Returns:
            All of its bytes.

        Raises:
            StoreError: a missing or exchanged object, or a work-tree file that is gone, a link or no plain file.
        """
        if entry.kind == "dvc":
            return self.dvc.read(path, entry)
        if entry.id:
            return self._objects.read(entry.id)
        return self._target(path) if entry.kind == "link" else self._disk(path)

    def commit(self, rev: str) -> tuple[str, bytes] | None:
        """Return full id and bytes of the commit that a revision names; None when git knows none, or knows several."""
        plain = revisions.is_plain(rev, self.git.directory, lambda name: self._objects.named(name) is not None)
        return self._objects.commit(rev) if plain else None

    def resolve(self, rev: str) -> str:
        """Return the full id of the commit that a revision names, as `git.resolve` does.

        Raises:
            StoreError: there is no such commit here, or the name means several things.
        """
        found = self.commit(rev)
        return plumbing.known(self.git, found[0]) if found else plumbing.resolve(self.git, rev)

    def show(self, commit: str, path: str) -> bytes:
        """Return the bytes of a file in a commit, as `git.show` does; where there seems to be none, that one is asked.

        Raises:
            StoreError: the commit, its trees or the file cannot be read: that is not the same as no file.
        """
        found = self._objects.named(f"{commit}:{path}")
        return found[2] if found and found[1] == "blob" else plumbing.show(self.git, commit, path)

    def many(self, pairs: Iterable[tuple[str, Entry]]) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of many entries in the order asked; what is elsewhere, with DVC or promised, is fetched a thousand at a time.

        Args:
            pairs: (path, entry) pairs.

        Yields:
            (path, bytes) pairs; memory holds one at a time.

        Raises:
            StoreError: as for `read`.
        """
        for asked in batches(pairs, _AT_ONCE):
            self.dvc.fetch(
                (path, md5) for path, entry in asked if entry.kind == "dvc" and (md5 := entry.id.partition(":")[0])
            )
            oids = [entry.id for _, entry in asked if entry.kind == "git"]
            self._promised.bring(oids)
            stored = self._objects.many(oids)
            for path, entry in asked:
                yield path, next(stored) if entry.kind == "git" else self.read(path, entry)

    def lying(self, pairs: Iterable[tuple[str, Entry]]) -> Iterator[tuple[str, bytes]]:
        """Yield what `many` yields for entries of the work tree, from the disk: quicker than inflating git's objects.

        Where the disk disagrees with the entry (a filter, a sparse checkout, or a write since it was listed), git's object
        speaks.

        Args:
            pairs: (path, entry) pairs of a work-tree snapshot.

        Yields:
            (path, bytes) pairs.

        Raises:
            StoreError: as for `read`.
        """
        for path, entry in pairs:
            data = None
            if entry.kind == "git":
                with suppress(StoreError):
                    data = self._disk(path)
            yield path, self.read(path, entry) if data is None or objects.blob_id(data, entry.id) != entry.id else data

    def members(self, path: str, entry: Entry, sums: Entry | None) -> dict[str, Entry]:
        """Return the files behind a DVC pointer.

        Args:
            path: of the pointer.
            entry: of the pointer.
            sums: entry of the SHA-256 manifest beside it; None when there is none.

        Returns:
            Path to entry.

        Raises:
            StoreError: the pointer or its listing is broken or nowhere.
        """
        about = (path, entry.id, *([] if sums is None else [sums.id]))
        return kept.members(self.git, about, lambda: self._members(path, entry, sums))

    def _members(self, path: str, entry: Entry, sums: Entry | None) -> dict[str, Entry]:
        found = pointer.read(path, self.read(path, entry))
        beside = pointer.manifest_path(path)
        marks = None if sums is None else pointer.manifest(beside, self.read(beside, sums))
        return pointer.members(found, self.dvc.listing(found), marks)

    def fetch(self, pairs: Iterable[tuple[str, Entry]]) -> None:
        """Bring DVC objects that are in no cache here, and read none.

        Args:
            pairs: (path, entry) pairs; those that DVC does not hold are passed over.

        Raises:
            StoreError: one is nowhere, or its listing and its manifest do not agree on it.
        """
        wanted = [(path, entry) for path, entry in pairs if entry.kind == "dvc"]
        for path, entry in wanted:
            pointer.demand_whole(path, entry)
        self.dvc.fetch((path, entry.id.partition(":")[0]) for path, entry in wanted)

    def bring(self, oids: Sequence[str]) -> None:
        """Fetch those of many of git's objects that a partial clone lacks, at once; `many` does so by itself, a thousand at a time."""
        self._promised.bring(oids)

    def at_hand(self, path: str, entry: Entry, sums: Entry | None) -> dict[str, Entry]:
        """Return the files behind a DVC pointer as far as this machine can prove them by SHA-256; nothing is fetched.

        Args:
            path: of the pointer.
            entry: of the pointer.
            sums: entry of the SHA-256 manifest beside it; None when there is none.

        Returns:
            Path to entry, empty where the pointer, its listing or the manifest is broken or not here.
        """
        try:
            if sums is None or not self.dvc.has(pointer.read(path, self.read(path, entry)).md5):
                return {}
            return self.members(path, entry, sums)
        except StoreError:
            return {}

    def holds(self, path: str, entry: Entry, *, linked: bool = False) -> bool:
        """Tell whether a work-tree file, or what it is a symbolic link to, has the SHA-256 of a DVC entry."""
        data = (self.git.top / path).read_bytes() if linked else self._disk(path)
        return str(digests.sha256(data).hexdigest()) == entry.id.partition(":")[2]

    def scan(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield path and status of each file in a folder of the work tree and below it, of a link itself; no link is followed.

        Raises:
            StoreError: the folder is a link, or lies behind one.
        """
        try:
            handle = self._folder(folder)
        except OSError as error:
            raise _refused(error, folder) from None
        below = []
        with os.scandir(handle) as rows:
            for row in rows:
                name = f"{folder}/{row.name}"
                with suppress(FileNotFoundError):  # somebody removed it since it was listed
                    if row.is_dir(follow_symlinks=False):
                        below.append(name)
                    else:
                        yield name, row.stat(follow_symlinks=False)
        for name in below:
            yield from self.scan(name)

    def link(self, path: Path, entry: Entry) -> bool:
        """Tell whether a work-tree file is a link (hard or symbolic) to a DVC object, as `cache.type` may ask for."""
        md5 = entry.id.partition(":")[0]
        place = self.dvc.find(md5) if md5 else None
        return place is not None and path.exists() and path.samefile(place)

    def _disk(self, path: str) -> bytes:
        """Read a work-tree file; no link is followed, neither at the end of the path nor on the way."""
        folder, _, name = path.rpartition("/")
        try:
            handle = os.open(name, _FILE, dir_fd=self._folder(folder))
            try:
                about = os.fstat(handle)
                if stat.S_ISREG(about.st_mode):
                    return _whole(handle, about.st_size + 1)
            finally:
                os.close(handle)
        except FileNotFoundError:
            raise StoreError("the file is gone", where=path, hint=f"git restore {path}") from None
        except IsADirectoryError:
            pass
        except OSError as error:
            raise _refused(error, path) from None
        raise StoreError("not a plain file", where=path, hint=f"ls -ld {path}")

    def _target(self, path: str) -> bytes:
        """Return where a symbolic link of the work tree points, as git stores it."""
        folder, _, name = path.rpartition("/")
        try:
            return os.fsencode(os.readlink(name, dir_fd=self._folder(folder)))
        except OSError as error:
            raise StoreError(f"cannot read: {error.strerror}", where=path, hint=f"ls -l {path}") from None

    def _folder(self, folder: str) -> int:
        handle = self._folders.get(folder)
        if handle is None:
            above, _, name = folder.rpartition("/")
            if name in (".", ".."):
                raise StoreError("a path leads out of the project", where=folder)
            handle = os.open(name, _FOLDER, dir_fd=self._folder(above)) if folder else os.open(self.git.top, _FOLDER)
            self._folders[folder] = handle
        return handle


def _refused(error: OSError, path: str) -> StoreError:
    """Return what to say of a file or folder of the work tree that cannot be read."""
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return StoreError("a symbolic link is not followed", where=path, hint="put the file itself there")
    return StoreError(f"cannot read: {error.strerror}", where=path, hint=f"ls -l {path}")


def _whole(handle: int, size: int) -> bytes:
    """Return what an open file holds, which may be more or less than its size was; a Python file object takes twice as long."""
    parts = []
    while part := os.read(handle, size):
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
