"""Trees as git writes them: names once and in order. Others are read one way by a checkout and another way by path.

Git itself writes no other, but takes one that a client sends unless it is told to look (git-config: receive.fsckObjects).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.objects import Objects

TREE, MODULE = b"40000", b"160000"
_ENTRIES = {width: re.compile(rb"([1-7][0-7]{4,5}) ([^\0/]+)\0(.{%d})" % width, re.DOTALL) for width in (20, 32)}


def entries(data: bytes, width: int) -> list[tuple[bytes, bytes, bytes]] | None:
    """Return mode, name and id of all that a tree holds.

    Args:
        data: the bytes of a tree object.
        width: bytes of an id, 20 or 32.

    Returns:
        Its entries; None when git never wrote it so (gitformat-pack; git's tree-walk.c).
    """
    found: list[tuple[bytes, bytes, bytes]] = _ENTRIES[width].findall(data)
    whole = sum([len(mode) + len(name) for mode, name, _ in found]) + (2 + width) * len(found) == len(data)
    return found if whole else None


def demand(git: Git, head: str, *without: str) -> None:
    """Demand that all trees a line of history brings are as git writes them.

    Args:
        git: where.
        head: its end; of a tag the commit that it stands for.
        without: what is not looked at with all that leads to it, as for `git rev-list`; an empty word is nothing.

    Raises:
        StoreError: one is not, or is missing; where is the commit that brings it.
    """
    # rows of commits have no space, those of trees have one before their path; so would the row of a tag before its name
    span = (f"{head}^{{commit}}", *filter(None, without))
    listed = plumbing.run(git, "rev-list", "--objects", "--filter=blob:none", *span).splitlines()
    trees = [row.partition(b" ")[0].decode() for row in listed if b" " in row]
    with Objects(git) as objects:
        for oid, data in zip(trees, objects.many(trees), strict=True):
            problem = next(_problems(data, len(oid) // 2), "")
            if problem:
                hint = "git fsck; make the commit again, and set receive.fsckObjects on the server"
                raise StoreError(f"a tree {problem}: git never wrote it", where=_bringer(git, oid, span), hint=hint)


def _problems(data: bytes, width: int) -> Iterator[str]:
    found = entries(data, width)
    if found is None:
        yield "cannot be read"
        return
    names = [name for _, name, _ in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield f"holds the name {twice.decode('utf-8', 'backslashreplace')!r} twice"
    if any(one >= two for one, two in pairwise([name + b"/" * (mode == TREE) for mode, name, _ in found])):
        yield "holds its names out of order"


def _bringer(git: Git, tree: str, span: tuple[str, ...]) -> str:
    """Return the first commit that holds a tree."""
    rows = plumbing.run(git, "log", "--reverse", "--format=%H %T", *span).decode().splitlines()
    told = plumbing.run(git, "log", "--reverse", "--format=%H", "-m", "-t", f"--find-object={tree}", *span).decode()
    commits = [row.partition(" ")[0] for row in rows if row.endswith(f" {tree}")] or told.split()
    return f"{commits[0][:12]}, tree {tree[:12]}" if commits else f"tree {tree[:12]}"
