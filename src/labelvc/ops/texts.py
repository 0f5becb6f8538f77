"""Texts: documents and all other files that are no shards, of two commits, as git's own merge brings them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labelvc.model.snapshot import FILE
from labelvc.store import draft, pointer, treewalk
from labelvc.store.draft import Draft
from labelvc.store.git import Git
from labelvc.store.treewalk import Stage

Rows = Mapping[str, Stage]


def three_way(git: Git, drawn: Draft, sides: tuple[Rows, Rows, Rows]) -> tuple[list[str], list[Stage]]:
    """Merge what is no shard and speaks of none into a tree: by path where one side changed it, else by git's own merge.

    Args:
        git: the repository.
        drawn: the tree in the making, which starts as our side's.
        sides: path to what is no shard, in the base, ours and theirs.

    Returns:
        Git's sentences about conflicts, and the versions of each path in conflict.

    Raises:
        StoreError: a git older than 2.38, or an object that is missing.
    """
    before, ours, theirs = [
        {path: row for path, row in side.items() if not pointer.is_about_shards(path)} for side in sides
    ]
    if theirs in (before, ours):
        return [], []
    if ours == before:
        replace(drawn, ours, theirs)
        return [], []
    root = _alone(git, before, ())
    found = draft.merge_texts(git, _alone(git, ours, (root,)), _alone(git, theirs, (root,)))
    replace(drawn, ours, {row.path: row for row in treewalk.files(git, found.tree)})
    return found.said, found.stages


def replace(drawn: Draft, old: Rows, new: Rows) -> None:
    """Give a tree the files of another listing in place of those of one."""
    drawn.take([Stage(path, FILE, "") for path in old if path not in new])
    drawn.take([row for path, row in new.items() if old.get(path) != row])


def _alone(git: Git, rows: Rows, parents: Iterable[str]) -> str:
    """Return a commit that holds some files only."""
    with Draft(git) as drawn:
        drawn.take(rows.values())
        return draft.commit(git, drawn.write(), parents, "documents")
