"""Parting: the commit at which two branches parted; where they merged each other's commits, what their several bases merge into."""

from __future__ import annotations

import importlib

from labelvc.store import git as plumbing
from labelvc.store import kept
from labelvc.store.git import Git


def base(git: Git, one: str, two: str) -> str:
    """Return the full id of the commit at which two revisions parted.

    After a criss-cross there are several best common ancestors, of which each lacks what another one has: seen from one of
    them, what the other side did looks like the branch's own, and what the branch takes back of it like nothing at all. So, as
    git's own merge does, they are merged first (git-merge(1), `ort`); no branch points to that commit, and its id is the same
    on every machine.

    Args:
        git: where.
        one: a revision.
        two: another.

    Raises:
        StoreError: they have no common ancestor, or a shallow clone may hide it; or an object is missing.
    """
    first = plumbing.merge_base(git, one, two)
    ends = plumbing.resolve(git, one), plumbing.resolve(git, two)
    if len(kept.bases(git, ends, lambda: plumbing.merge_bases(git, *ends))) == 1:
        return first
    return str(importlib.import_module("labelvc.ops.threeway").base(git, *ends))
