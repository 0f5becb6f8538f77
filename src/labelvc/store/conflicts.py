"""Conflicts: what git holds to be in conflict, by shard, in git and behind DVC pointers."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.errors import StoreError
from labelvc.model.snapshot import Snapshot
from labelvc.store import git as plumbing
from labelvc.store import pointer
from labelvc.store.git import Git

_MARKER = b"<<<<<<< "


class Conflicts(NamedTuple):
    """What is in conflict.

    Attributes:
        paths: what git names, sorted.
        shards: path of a shard to the number of places in it that have conflict markers; 0 where one side deleted it.
        folders: those whose DVC pointers are in conflict.
    """

    paths: list[str]
    shards: dict[str, int]
    folders: list[str]

    def without(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot without what is in conflict: neither side of it counts, and both together even less."""
        if not self.paths:
            return snapshot
        dropped, inside = {*self.paths, *self.shards}, tuple(f"{folder}/" for folder in self.folders)
        kept = {path: entry for path, entry in snapshot.entries.items() if path not in dropped}
        return snapshot._replace(entries={path: entry for path, entry in kept.items() if not path.startswith(inside)})


def find(git: Git) -> Conflicts:
    """Return what is in conflict in the index and, of its shards, in the work tree; nothing in a bare repository."""
    found = Conflicts([] if git.bare else unmerged(git), {}, [])
    for path in found.paths:
        if shard.parse_path(path):
            file = git.top / path
            there = file.is_file() and not file.is_symlink()
            found.shards[path] = _places(file.read_bytes()) if there else 0
        elif pointer.stands_for_shards(path):
            folder = path.removesuffix(".dvc")
            found.folders.append(folder)
            marked = importlib.import_module("labelvc.store.folder").marked(git, folder)  # few merges need the module
            found.shards.update({name: _places(data) for name, data in marked})
    return found


def _places(data: bytes) -> int:
    return sum(line.startswith(_MARKER) for line in shard.lines(data))


def unmerged(git: Git) -> list[str]:
    """Return the paths that a merge left in conflict, sorted."""
    listed = plumbing.run(git, "ls-files", "--unmerged", "-z").split(b"\0")
    return sorted({row.partition(b"\t")[2].decode("utf-8", "surrogateescape") for row in listed if row})


def refuse(git: Git) -> None:
    """Refuse an index that holds no agreed content.

    Raises:
        StoreError: a merge left conflicts in it; names the first path.
    """
    torn = [] if git.bare else unmerged(git)
    if torn:
        raise StoreError("a merge left conflicts", where=torn[0], hint="labelvc resolve, or decide and git add it")


def stages(git: Git) -> dict[str, dict[int, str]]:
    """Return the paths that a merge left in conflict, sorted, each with the object of its versions: 1 base, 2 ours, 3 theirs."""
    found: dict[str, dict[int, str]] = {}
    for row in plumbing.run(git, "ls-files", "--unmerged", "-z").decode("utf-8", "surrogateescape").split("\0")[:-1]:
        about, _, path = row.partition("\t")
        _, oid, number = about.split()
        found.setdefault(path, {})[int(number)] = oid
    return dict(sorted(found.items()))
