"""Merges: the merge commits of a history, and what tells at a glance which of them differ."""

from __future__ import annotations

from collections.abc import Sequence

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import process
from labelvc.store.git import Git


def between(git: Git, base: str, head: str) -> list[tuple[str, ...]]:
    """Return the merge commits of head that base lacks, parents before children.

    Args:
        git: where.
        base: revision to start after; empty for all of history.
        head: revision to end with.

    Returns:
        Ids: each the commit's, then those of its parents in order.

    Raises:
        StoreError: unknown revision, or a shallow clone, which may hide merges and ancestors.
    """
    wanted = [plumbing.resolve(git, head)] + ([f"^{plumbing.resolve(git, base)}"] if base else [])
    if plumbing.is_shallow(git):
        raise StoreError("history is cut off in this shallow clone", where=head, hint=process.UNSHALLOW)
    listed = (
        plumbing.run(git, "rev-list", "--merges", "--parents", "--topo-order", "--reverse", *wanted)
        .decode()
        .splitlines()
    )
    return [tuple(row.split()) for row in listed]


def steps(git: Git, base: str, head: str) -> list[tuple[str, ...]]:
    """Return the first-parent steps that lead to head, oldest first, those left out that base has: each with its parents."""
    wanted = [plumbing.resolve(git, head)] + ([f"^{base}"] if base else [])
    words = ("rev-list", "--first-parent", "--parents", "--reverse", *wanted)
    return [tuple(row.split()) for row in plumbing.run(git, *words).decode().splitlines()]


def parents(git: Git, head: str, base: str) -> dict[str, list[str]]:
    """Return the parents of every commit that leads to head, those left out that base has."""
    listed = plumbing.run(git, "rev-list", "--parents", head, *([f"^{base}"] if base else [])).decode().splitlines()
    return {one: above for one, *above in map(str.split, listed)}


def subject(git: Git, commit: str) -> str:
    """Return the first line of a commit's message."""
    told = plumbing.run(git, "rev-list", "--max-count=1", "--format=%s", commit).decode("utf-8", "replace")
    return told.partition("\n")[2].strip()


def folders(git: Git, commits: Sequence[str], path: str) -> list[str]:
    """Return the id of a folder's tree in each of some commits, empty where there is none.

    Raises:
        StoreError: git failed.
    """
    asked = "".join([f"{commit}:{path}\n" for commit in commits]).encode()
    told = plumbing.run(git, "cat-file", "--batch-check=%(objectname)", data=asked).decode().splitlines()
    return ["" if " " in row else row for row in told]
