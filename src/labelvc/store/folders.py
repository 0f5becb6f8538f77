"""A few files of commits, found through git's tree objects: no process of their own, and no listing of all files."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry, Snapshot, stored
from labelvc.store import git as plumbing
from labelvc.store import pointer, process
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_FOLDER, _MODULE = "40000", "160000"
_MOST_KEPT = 256
_ROWS = {size: rb"(?s)(\d+) ([^\0]+)\0(.{%d})" % (size // 2) for size in (40, 64)}  # by the length of an id


class Folders:
    """Finds files of commits; the folders read last are kept.

    Source: git's fsck.c and tree-walk.c: a tree is rows of mode, blank, name, NUL and raw id, a commit begins with its tree.

    Args:
        git: the repository.
        reader: reads its objects.
    """

    def __init__(self, git: Git, reader: Reader) -> None:
        self.git, self.reader = git, reader
        self._tops: dict[str, str] = {}
        self._known: dict[str, dict[str, Entry | str]] = {}

    def snapshot(self, rev: str, under: Sequence[str]) -> Snapshot:
        """Return what `tree.commit` does of some files or folders.

        Args:
            rev: a revision.
            under: files or folders to list, DVC members included.

        Raises:
            StoreError: no such revision, a missing object, or a DVC listing that is nowhere.
        """
        commit = self.commit(rev)
        entries = dict(self._under(commit, pointer.beside(under)))
        if any(map(pointer.stands_for_shards, entries)):
            # most have none: they do not pay for the module
            tree = importlib.import_module("labelvc.store.tree")
            return Snapshot(rev, "commit", commit, tree.commit(self.git, commit, under).entries)
        return Snapshot(rev, "commit", commit, entries)

    def commit(self, rev: str) -> str:
        """Return the full id of the commit that a revision names.

        Raises:
            StoreError: there is no such commit here.
        """
        if rev not in self._tops:
            found = self.reader.commit(rev) or self.reader.commit(plumbing.resolve(self.git, rev))
            if found is None or not found[1].startswith(b"tree "):
                raise StoreError("a commit is not what it should be", where=rev, hint=process.REPAIR)
            rev, data = found
            if len(self._tops) >= _MOST_KEPT:
                self._tops.clear()
            self._tops[plumbing.known(self.git, rev)] = data[5 : data.index(b"\n")].decode()
        return rev

    def names(self, commit: str, folder: str) -> list[str]:
        """Return the names in a folder of a commit, in git's order; none when there is no such folder."""
        found = self._found(commit, folder)
        return list(self._rows(found)) if isinstance(found, str) else []

    def _under(self, commit: str, paths: Sequence[str]) -> Iterator[tuple[str, Entry]]:
        for path in paths:
            yield from self._all(path.rstrip("/"), self._found(commit, path.rstrip("/")))

    def _found(self, commit: str, path: str) -> Entry | str | None:
        """Return the file or the tree of a path; None when it is not there."""
        found: Entry | str | None = self._tops[self.commit(commit)]
        for name in path.split("/"):
            found = self._rows(found).get(name) if isinstance(found, str) else None
        return found

    def _all(self, path: str, found: Entry | str | None) -> Iterator[tuple[str, Entry]]:
        if isinstance(found, str):
            for name, inner in self._rows(found).items():
                yield from self._all(f"{path}/{name}", inner)
        elif found is not None:
            yield path, found

    def _rows(self, oid: str) -> dict[str, Entry | str]:
        """Return the names in a tree, each with its file or tree; submodules are left out."""
        rows = self._known.get(oid)
        if rows is None:
            data = self.reader.read("", Entry("git", oid))
            found = re.findall(_ROWS[len(oid)], data)
            if sum([len(mode) + len(name) + len(raw) + 2 for mode, name, raw in found]) != len(data):
                raise StoreError("a folder is not what it should be", where=oid, hint=process.REPAIR)
            rows = {
                name.decode("utf-8", "surrogateescape"): _row(mode.decode(), raw.hex())
                for mode, name, raw in found
                if mode.decode() != _MODULE
            }
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[oid] = rows
        return rows


def _row(mode: str, oid: str) -> Entry | str:
    return oid if mode == _FOLDER else stored(mode, oid)
