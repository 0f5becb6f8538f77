"""Singly: each commit of a range judged by itself, by the settings of what was there before the range.

What one commit brings and the next takes back was published all the same. Who judges a push to a server and who judges a pull
request both walk this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import check
from labelvc.ops import project as projects
from labelvc.ops.gates import NOTHING, Brought
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


class Commit(NamedTuple):
    """A commit of a range.

    Attributes:
        id: full id.
        parents: full ids of its parents, none for a root commit.
    """

    id: str
    parents: tuple[str, ...]


class Asked(NamedTuple):
    """What each judgement is asked for.

    Attributes:
        brought: the date, and people to look for.
        jobs: worker processes.
        by: whose settings judge when not those of what a commit starts from.
    """

    brought: Brought = NOTHING
    jobs: int = 1
    by: Project | None = None


def commits(git: Git, *words: str) -> list[Commit]:
    """Return the commits that `git rev-list` names, parents before children.

    Args:
        git: where.
        words: what to list and what not: `HEAD`, `^main`, `--not`, `--all`.

    Raises:
        StoreError: an unknown revision, or an object that is missing.
    """
    listed = plumbing.run(git, "rev-list", "--reverse", "--topo-order", "--parents", *words).decode().splitlines()
    found = [Commit(one, tuple(parents)) for one, *parents in map(str.split, listed)]
    plumbing.remember(git, [one.id for one in found])
    return found


def snapshots(git: Git, commit: Commit) -> Iterator[tuple[Snapshot, Snapshot]]:
    """Yield each parent of a commit, or nothing for a root commit, beside the commit itself."""
    new = tree.commit(git, commit.id)
    for parent in commit.parents or ("",):
        yield tree.commit(git, parent) if parent else tree.empty(), new


def judged(git: Git, old: Snapshot, new: Snapshot, asked: Asked) -> check.Report | None:
    """Return what a check of a step comes to; None when neither end of it is a labels project.

    Raises:
        ConfigurationError: the step takes the project away.
        StoreError: a file cannot be read.
        TrustError: a key that would tell is not here.
    """
    if projects.TOP not in old.entries and projects.TOP not in new.entries:
        return None
    return check.changed(git, old, new, by=asked.by, brought=asked.brought, jobs=asked.jobs)
