"""Snapshots: what files a commit, the index or the work tree holds, how to read them, and which lines differ."""

from __future__ import annotations

import errno
import hashlib
import heapq
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Self

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry, FileChange, Snapshot
from labelvc.store import git as plumbing
from labelvc.store import patch, pointer
from labelvc.store.files import UNFINISHED
from labelvc.store.git import Git

_LINK = "160000"
_NOTHING = "000000"
_SHA1_LENGTH = 40
_sha1 = partial(hashlib.sha1, usedforsecurity=False)
_UNREAD = Entry("disk", "")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def commit(git: Git, rev: str, under: Sequence[str] = ()) -> Snapshot:
    """Return the files of a commit.

    Args:
        git: where.
        rev: a revision.
        under: files or folders to list, DVC members included; none for all.

    Returns:
        The snapshot; submodules are not in it.

    Raises:
        StoreError: no such revision, a missing object, or a DVC listing that is nowhere.
    """
    found = plumbing.resolve(git, rev)
    listed = plumbing.run(git, "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", found, "--", *_wide(under))
    entries: dict[str, Entry] = {}
    for row in _rows(listed):
        about, _, path = row.partition("\t")
        mode, _, oid = about.split(" ")
        if mode != _LINK:
            entries[path] = Entry("git", oid)
    return Snapshot(rev, "commit", found, _with_members(git, entries, under))


def index(git: Git, under: Sequence[str] = ()) -> Snapshot:
    """Return the files of the index; a path in conflict has no agreed bytes and is left out (`git.unmerged` names them).

    Args:
        git: where; GIT_INDEX_FILE of a hook (`git commit -a`) is followed.
        under: files or folders to list; none for all.

    Returns:
        The snapshot.

    Raises:
        StoreError: the index is broken, or a DVC listing is nowhere.
    """
    return Snapshot("index", "index", plumbing.head(git), _with_members(git, _staged(git, under), under))


def work(git: Git, under: Sequence[str] = ()) -> Snapshot:
    """Return the files of the work tree: tracked or new, but not ignored; unchanged ones keep their git id.

    A DVC folder is read where it lies; when it is not there at all (a fresh clone before `dvc pull`), its pointer speaks.

    Args:
        git: where.
        under: files or folders to list; none for all.

    Returns:
        The snapshot.

    Raises:
        StoreError: a bare repository, a broken index, or a DVC listing that is needed and nowhere.
    """
    if git.bare:
        raise StoreError("a bare repository has no work tree", where=str(git.top), hint="name a commit")
    wide = _wide(under)
    entries = _staged(git, under)
    changed = _rows(plumbing.run(git, "--literal-pathspecs", "diff-files", "--raw", "-z", "--", *wide))
    for about, path in zip(changed[::2], changed[1::2], strict=True):
        if about.endswith("D"):
            entries.pop(path, None)
        elif not about.endswith("U"):
            entries[path] = _UNREAD
        elif os.path.lexists(git.top / path):
            entries.setdefault(path, _UNREAD)
    others = ("--literal-pathspecs", "ls-files", "-o", "--exclude-standard", "-z", "--", *wide)
    for path in _rows(plumbing.run(git, *others)):
        if not path.endswith(("/", UNFINISHED)):
            entries[path] = _UNREAD
    return Snapshot("work tree", "work", plumbing.head(git), _with_members(git, entries, under, disk=True))


def empty() -> Snapshot:
    """Return the snapshot before the first commit: no files."""
    return Snapshot("nothing", "commit", "", {})


def changed(old: Snapshot, new: Snapshot, under: str = "") -> list[str]:
    """Return the paths that may hold different bytes, without reading any.

    Args:
        old: before.
        new: after.
        under: what the paths start with.

    Returns:
        Sorted paths whose entries are on one side only, differ, or are only known by reading.
    """
    before, after = old.entries, new.entries
    found = [path for path, entry in before.items() if path.startswith(under) and not entry.same(after.get(path))]
    found += [path for path in after if path.startswith(under) and path not in before]
    return sorted(found)


def changes(git: Git, old: Snapshot, new: Snapshot, under: str = "datasets/") -> Iterator[FileChange]:
    """Yield the lines that differ between two snapshots; lines equal on both sides are never yielded.

    From a commit to a commit or the index, git's own diff is the fastest producer of changed lines; what lies in DVC or
    on the disk is walked.

    Args:
        git: where.
        old: before.
        new: after.
        under: what the paths start with.

    Yields:
        One change a file, sorted by path.

    Raises:
        StoreError: an object is missing or broken, or a work-tree file cannot be read.
    """
    paths = changed(old, new, under)
    plain: set[str] = set()
    if old.kind == "commit" and new.kind in ("commit", "index"):
        plain = {path for path in paths if _in_git(old, path) and _in_git(new, path)}
    streams = [_walked(git, old, new, [path for path in paths if path not in plain])]
    if plain:
        few = sorted(plain) if len(plain) < 100 else [under] if under.endswith("/") else []
        lines = plumbing.diff_lines(git, old.commit, "index" if new.kind == "index" else new.commit, few)
        streams.append(change for change in lines if change.path in plain)
    yield from heapq.merge(*streams, key=attrgetter("path"))


def reader(git: Git) -> Reader:
    """Return a reader of entries, to be used as a context manager."""
    return Reader(git)


class Reader:
    """Bytes of entries, wherever they are; keeps one `git cat-file` and some open folders until it is closed."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._objects = plumbing.Objects(git)
        self._dvc = pointer.Cache(git)
        self._folders: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of git and the folders."""
        self._objects.close()
        for handle in self._folders.values():
            os.close(handle)
        self._folders.clear()

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
        if entry.kind == "git":
            return self._objects.read(entry.id)
        return self._dvc.read(path, entry) if entry.kind == "dvc" else self._disk(path)

    def many(self, pairs: Iterable[tuple[str, Entry]]) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of many entries in the order asked; DVC objects that are in no cache are fetched together.

        Args:
            pairs: (path, entry) pairs.

        Yields:
            (path, bytes) pairs; memory holds one at a time.

        Raises:
            StoreError: as for `read`.
        """
        asked = list(pairs)
        self._dvc.fetch(
            (path, md5) for path, entry in asked if entry.kind == "dvc" and (md5 := entry.id.partition(":")[0])
        )
        stored = self._objects.many(entry.id for _, entry in asked if entry.kind == "git")
        for path, entry in asked:
            yield path, next(stored) if entry.kind == "git" else self.read(path, entry)

    def lying(self, pairs: Iterable[tuple[str, Entry]]) -> Iterator[tuple[str, bytes]]:
        """Yield what `many` yields for entries of the work tree, from the disk: quicker than inflating git's objects.

        Where the disk disagrees with the entry (a filter, or a write since it was listed), git's object speaks.

        Args:
            pairs: (path, entry) pairs of a work-tree snapshot.

        Yields:
            (path, bytes) pairs.

        Raises:
            StoreError: as for `read`.
        """
        for path, entry in pairs:
            data = self._disk(path) if entry.kind == "git" else self.read(path, entry)
            yield (
                path,
                data if entry.kind != "git" or _blob_id(data, entry.id) == entry.id else self.read(path, entry),
            )

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
        found = pointer.read(path, self.read(path, entry))
        beside = pointer.manifest_path(path)
        digests = None if sums is None else pointer.manifest(beside, self.read(beside, sums))
        if not found.md5.endswith(".dir"):
            return {found.path: Entry("dvc", found.md5)}
        return pointer.members(found, self._dvc.listing(found), digests)

    def link(self, path: Path, md5: str) -> bool:
        """Tell whether a work-tree file is a link (hard or symbolic) to a DVC object, as `cache.type` may ask for."""
        place = self._dvc.find(md5) if md5 else None
        return place is not None and path.exists() and path.samefile(place)

    def _disk(self, path: str) -> bytes:
        """Read a work-tree file; no link is followed, neither at the end of the path nor on the way."""
        folder, _, name = path.rpartition("/")
        try:
            handle = os.open(name, _FILE, dir_fd=self._folder(folder))
            with os.fdopen(handle, "rb", buffering=0) as file:
                if stat.S_ISREG(os.fstat(handle).st_mode):
                    return file.read()
        except FileNotFoundError:
            raise StoreError("the file is gone", where=path, hint=f"git restore {path}") from None
        except IsADirectoryError:
            pass
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise StoreError(
                    "a symbolic link is not followed", where=path, hint="put the file itself there"
                ) from None
            raise StoreError(f"cannot read: {error.strerror}", where=path, hint=f"ls -l {path}") from None
        raise StoreError("not a plain file", where=path, hint=f"ls -ld {path}")

    def _folder(self, folder: str) -> int:
        handle = self._folders.get(folder)
        if handle is None:
            above, _, name = folder.rpartition("/")
            if name in (".", ".."):
                raise StoreError("a path leads out of the project", where=folder)
            handle = os.open(name, _FOLDER, dir_fd=self._folder(above)) if folder else os.open(self._git.top, _FOLDER)
            self._folders[folder] = handle
        return handle


def _blob_id(data: bytes, like: str) -> str:
    """Return the id git gives to a blob, by the hash that another id shows to be in use (SHA-1 or SHA-256)."""
    digest = (_sha1 if len(like) == _SHA1_LENGTH else hashlib.sha256)(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest()


def _rows(listed: bytes) -> list[str]:
    return listed.decode("utf-8", "surrogateescape").split("\0")[:-1]


def _staged(git: Git, under: Sequence[str]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for row in _rows(plumbing.run(git, "--literal-pathspecs", "ls-files", "-s", "-z", "--", *_wide(under))):
        about, _, path = row.partition("\t")
        mode, oid, stage = about.split(" ")
        if mode == _NOTHING or not path:
            index = str(git.directory / "index")
            raise StoreError("the index is cut short or broken", where=index, hint="rm .git/index && git reset")
        if stage == "0" and mode != _LINK:
            entries[path] = Entry("git", oid)
    return entries


def _wide(under: Sequence[str]) -> list[str]:
    """Return the wanted paths with the pointers and manifests that may hold them."""
    found: dict[str, None] = {}
    for path in under:
        found[path] = None
        parts = path.rstrip("/").split("/")
        for count in range(1, len(parts) + 1):
            above = "/".join(parts[:count]) + ".dvc"
            if pointer.stands_for_shards(above):
                found[above] = found[pointer.manifest_path(above)] = None
    return list(found)


def _with_members(git: Git, entries: dict[str, Entry], under: Sequence[str], *, disk: bool = False) -> dict[str, Entry]:
    """Add the files behind DVC pointers; in the work tree, those that lie there."""
    pointers = [path for path in entries if path.endswith(".dvc") and pointer.stands_for_shards(path)]
    if not pointers:
        return entries
    found = dict(entries)
    with Reader(git) as source:
        for path in pointers:
            folder = path.removesuffix(".dvc")
            if disk and (git.top / folder).is_dir():
                found |= _lying(git, source, path, entries)
            else:
                found |= source.members(path, entries[path], entries.get(pointer.manifest_path(path)))
    if not under:
        return found
    wanted = tuple(path.rstrip("/") for path in under)
    return {path: entry for path, entry in found.items() if _covered(path, wanted)}


def _covered(path: str, wanted: tuple[str, ...]) -> bool:
    return any(path.startswith(some) and path[len(some) : len(some) + 1] in ("", "/") for some in wanted)


def _lying(git: Git, source: Reader, path: str, entries: dict[str, Entry]) -> dict[str, Entry]:
    """Return the files of a DVC folder in the work tree; links into the cache keep their id."""
    folder = path.removesuffix(".dvc")
    found: dict[str, Entry] = {}
    linked: list[str] = []
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        with os.scandir(git.top / here) as rows:
            for row in rows:
                name = f"{here}/{row.name}"
                if row.is_dir(follow_symlinks=False):
                    waiting.append(name)
                elif not row.name.endswith(UNFINISHED):
                    found[name] = _UNREAD
                    if row.is_symlink() or row.stat(follow_symlinks=False).st_nlink > 1:
                        linked.append(name)
    if linked:
        members = source.members(path, entries[path], entries.get(pointer.manifest_path(path)))
        for name in linked:
            entry = members.get(name)
            if entry is not None and source.link(git.top / name, entry.id.partition(":")[0]):
                found[name] = entry
    return found


def _in_git(snapshot: Snapshot, path: str) -> bool:
    entry = snapshot.entries.get(path)
    return entry is None or entry.kind == "git"


def _walked(git: Git, old: Snapshot, new: Snapshot, paths: Sequence[str]) -> Iterator[FileChange]:
    sides = [(old.entries.get(path), new.entries.get(path)) for path in paths]
    wanted = [(path, entry) for path, pair in zip(paths, sides, strict=True) for entry in pair if entry is not None]
    with Reader(git) as source:
        stream = source.many(wanted)
        for path, (before, after) in zip(paths, sides, strict=True):
            left = b"" if before is None else next(stream)[1]
            right = b"" if after is None else next(stream)[1]
            change = patch.walk(path, left, right)
            if change.old or change.new:
                yield change
