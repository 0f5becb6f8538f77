"""The veil over what a person is shown of snapshots: which fields of their datasets must hold pseudonyms."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

from labelvc.core.veil import Veil
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

if TYPE_CHECKING:
    from labelvc.model.project import Sensitive


def over(git: Git, *snapshots: Snapshot, reader: Reader | None = None) -> Veil:
    """Return the veil over some snapshots.

    Args:
        git: the repository.
        snapshots: what is shown; of two commits the files that differ are enough.
        reader: one that is open as long as the veil is used; None: one for each dataset.

    Returns:
        A veil over what is declared sensitive in any of them; a document is read when a record of its dataset is shown.
    """

    def declared(name: str) -> Iterator[Sensitive]:
        path = f"datasets/{name}/dataset.yaml"
        listed = [one.entries[path] for one in snapshots if path in one.entries]
        commit = snapshots[-1].commit
        with nullcontext(reader) if reader else tree.reader(git) as source:
            for entry in listed:
                yield from _fields(git, source.read(path, entry))
            if not listed and commit:  # where only what differs is listed, it is the same in all of them
                yield from _fields(git, source.show(commit, path))

    return Veil(declared)


def at(git: Git, *commits: str) -> Veil:
    """Return the veil over some commits, none of whose files is listed.

    Args:
        git: the repository.
        commits: what is shown; a dataset's document is read from each when one of its records is shown.

    Raises:
        StoreError: no such commit.
    """
    found = [plumbing.resolve(git, commit) for commit in commits]

    def declared(name: str) -> Iterator[Sensitive]:
        with tree.reader(git) as reader:
            for commit in found:
                yield from _fields(git, reader.show(commit, f"datasets/{name}/dataset.yaml"))

    return Veil(declared)


def throughout(git: Git, end: Snapshot) -> Veil:
    """Return the veil over a history: what was ever declared sensitive stays hidden, whatever was declared later.

    Args:
        git: the repository.
        end: the commit where the history ends.

    Returns:
        A veil; the versions of a dataset's document are read when one of its records is shown.
    """

    def declared(name: str) -> Iterator[Sensitive]:
        path = f"datasets/{name}/dataset.yaml"
        with tree.reader(git) as reader:
            # only who looks back needs what reads history
            for oid in importlib.import_module("labelvc.store.log").blobs(git, end.commit, path):
                yield from _fields(git, reader.read(path, Entry("git", oid)))

    return Veil(declared)


def _fields(git: Git, data: bytes) -> Iterable[Sensitive]:
    """Return the declared fields; the modules that parse are loaded only where some may be (YAML may escape a name)."""
    if b"sensitive" not in data and b"\\" not in data:
        return ()
    found: Iterable[Sensitive] = importlib.import_module("labelvc.ops.project").sensitive(git, data)
    return found
