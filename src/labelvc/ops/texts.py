"""Texts: documents and all other files that are no shards, of two commits, as git's own merge brings them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labelvc.codec import shard
from labelvc.store import draft, pointer
from labelvc.store.draft import FILE, Draft, Stage
from labelvc.store.git import Git


def three_way(git: Git, drawn: Draft, commits: tuple[str, str, str]) -> tuple[list[str], list[Stage]]:
    """Merge what is no shard and speaks of none into a tree: by path where one side changed it, else by git's own merge.

    Args:
        git: the repository.
        drawn: the tree in the making, which starts as our side's.
        commits: full ids of the base, ours and theirs.

    Returns:
        Git's sentences about conflicts, and the versions of each path in conflict.

    Raises:
        StoreError: a git older than 2.38, or an object that is missing.
    """
    before, ours, theirs = [_others(git, commit) for commit in commits]
    if theirs in (before, ours):
        return [], []
    if ours == before:
        replace(drawn, ours, theirs)
        return [], []
    root = _alone(git, before, ())
    found = draft.merge_texts(git, _alone(git, ours, (root,)), _alone(git, theirs, (root,)))
    replace(drawn, ours, draft.listed(git, found.tree))
    return found.said, found.stages


def replace(drawn: Draft, old: Mapping[str, Stage], new: Mapping[str, Stage]) -> None:
    """Give a tree the files of another listing in place of those of one."""
    drawn.take([Stage(path, FILE, "") for path in old if path not in new])
    drawn.take([row for path, row in new.items() if old.get(path) != row])


def _others(git: Git, commit: str) -> dict[str, Stage]:
    listed = draft.listed(git, commit)
    return {path: row for path, row in listed.items() if not (shard.parse_path(path) or pointer.is_about_shards(path))}


def _alone(git: Git, rows: Mapping[str, Stage], parents: Iterable[str]) -> str:
    """Return a commit that holds some files only."""
    with Draft(git) as drawn:
        drawn.take(rows.values())
        return draft.commit(git, drawn.write(), parents, "documents")
