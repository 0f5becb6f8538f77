"""Merged: whether who merged made something that no parent brings, and so is an author of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from labelvc.core import changeset
from labelvc.model.snapshot import Snapshot
from labelvc.ops import diff as comparing
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_COMBINED = (
    "diff-tree", "--cc", "-p", "-U0", "--text", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--no-commit-id",
)  # fmt: skip


class _Side(NamedTuple):
    """A commit beside a merge: both, and the paths that differ."""

    here: Snapshot
    merge: Snapshot
    paths: frozenset[str]


def by_hand(git: Git, merge: str, outside: tuple[str, ...]) -> bool:
    """Tell whether a merge holds lines that none of its parents has, or takes back what one of them had changed.

    Args:
        git: where.
        merge: the merge commit.
        outside: pathspecs of what is not looked at.

    Raises:
        StoreError: git or DVC data is missing.
    """
    made = plumbing.run(git, *_COMBINED, merge, "--", *outside)
    return b"diff --cc " in made or _takes_back(git, merge)


def _takes_back(git: Git, merge: str) -> bool:
    """Tell whether a merge holds a record or document as its parents' common ancestor had it, though a parent had changed it.

    A merge that takes each change where one side made it, as git does, never does: then it is the doing of who merged, by
    `-s ours`, by hand, or with an older commit as a parent.
    """
    parents = plumbing.run(git, "rev-list", "--parents", "--max-count=1", merge).decode().split()[1:]
    pairs = [plumbing.merge_bases(git, parents[0], other) or [""] for other in parents[1:]]
    sides = {at: _side(git, at, merge) for at in {*parents, *(base for bases in pairs for base in bases)}}
    for other, bases in zip(parents[1:], pairs, strict=True):
        two = [sides[parents[0]], sides[other]]
        ancestors = [sides[base] for base in bases]
        paths = frozenset(path for side in two for path in side.paths if not _clean(path, two, ancestors))
        if not paths:
            continue
        moved = frozenset[str]().union(*(_moved(git, side, paths) for side in two))
        if any(moved - _moved(git, ancestor, paths) for ancestor in ancestors):
            return True
    return False


def _side(git: Git, at: str, merge: str) -> _Side:
    here, there = tree.differing(git, at, merge) if at else (tree.empty(), tree.commit(git, merge))
    return _Side(here, there, frozenset(tree.changed(here, there)))


def _clean(path: str, two: list[_Side], ancestors: list[_Side]) -> bool:
    """Tell whether only one side changed a file, and the merge has it as that side has."""
    changed = [side.here.entries.get(path) for side in two if path in side.paths]
    return len(changed) < len(two) and all(
        path in ancestor.paths and entry == ancestor.here.entries.get(path)
        for entry in changed
        for ancestor in ancestors
    )


def _moved(git: Git, side: _Side, paths: Collection[str]) -> frozenset[str]:
    """Return the keys of the records and documents in some files that are otherwise in the merge."""
    one, two = (_only(snapshot, paths) for snapshot in (side.here, side.merge))
    return frozenset(move.key for move in changeset.gather(comparing.between(git, one, two)).changeset.moves)


def _only(snapshot: Snapshot, paths: Collection[str]) -> Snapshot:
    return snapshot._replace(entries={path: entry for path, entry in snapshot.entries.items() if path in paths})
