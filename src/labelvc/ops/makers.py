"""Makers: who made the commits that each step of a line brought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from labelvc.codec import trailers
from labelvc.ops import merged
from labelvc.store import git as plumbing
from labelvc.store import process
from labelvc.store.git import Git

_ASIDE = (":(top,exclude)approvals", ":(top,exclude)releases")
_LOG = (
    "log",
    "--full-history",
    "--no-show-signature",
    "--no-mailmap",
    "--encoding=UTF-8",
    "-z",
    "--format=%H%n%P%n%ae%n%B",
)
_COMBINED = (
    "diff-tree", "--stdin", "--cc", "-p", "-U0", "--text", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
)  # fmt: skip
_PIECE = 1 << 18


class Made(NamedTuple):
    """A commit and the addresses of its author and co-authors."""

    commit: str
    addresses: tuple[str, ...]


def commits(git: Git, base: str, head: str) -> list[Made]:
    """Return the commits between two revisions that make something, leaving out those that only bring approvals or releases.

    A merge makes something when it holds lines that none of its parents has (a conflict that was resolved, or more), or takes
    back what one of them had changed.

    Args:
        git: where.
        base: commit to start after; empty for all of history.
        head: commit to end with.

    Returns:
        Newest first, merges last. Addresses are as committed: a `.mailmap` in the tree under judgement is not followed.

    Raises:
        StoreError: git or DVC data is missing.
    """
    reach = _reach(base, head)
    found = list(_made(git, "--no-merges", reach, "--", *_ASIDE))
    if [(made.commit, parents) for made, parents in found] == [(head, [base])]:
        return [found[0][0]]
    # without paths: git leaves a merge out that is like one of its parents there, which says nothing of the other one
    merges = list(_made(git, "--merges", reach))
    new = set(_holding_more(git, [made.commit for made, _ in merges])) if merges else set()
    by_hand = [made for made, parents in merges if made.commit in new or merged.takes_back(git, made.commit, parents)]
    return [*(made for made, _ in found), *by_hand]


def _made(git: Git, *words: str) -> Iterator[tuple[Made, list[str]]]:
    """Yield the commits that git lists, each with its parents."""
    same: dict[tuple[str, ...], tuple[str, ...]] = {}  # few people make many commits
    for row in _rows(git, *_LOG, *words):
        commit, parents, address, body = row.decode("utf-8", "replace").split("\n", 3)
        addresses = tuple(dict.fromkeys([address, *(told for _, told in trailers.coauthors(body))]))
        yield Made(commit, same.setdefault(addresses, addresses)), parents.split()


def along(git: Git, pairs: Sequence[tuple[str, str]]) -> dict[str, list[Made]]:
    """Return what `commits` returns for each step of a line, from one walk over all of them.

    Args:
        git: where.
        pairs: (first parent, commit) of each step, oldest first, each beginning where the one before ends.

    Returns:
        The commits that each step brought, by the commit that it ends with.
    """
    base, head = pairs[0][0], pairs[-1][1]
    found: dict[str, list[Made]] = {commit: [] for _, commit in pairs}
    home = _homes(git, pairs) if len(pairs) > 1 else {}
    for made in commits(git, base, head):
        at = made.commit if made.commit in found else home.get(made.commit, head)
        found[at].append(made)
    return found


def _homes(git: Git, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the step that brought each commit beside a line: the first one that reaches it."""
    line = {commit: at for at, (_, commit) in enumerate(pairs)}
    first: dict[str, int] = {}
    for row in _lines(git, "rev-list", "--topo-order", "--parents", _reach(pairs[0][0], pairs[-1][1])):
        commit, *parents = row.split()
        at = line[commit] if commit in line else first[commit]  # its children have all gone by
        for parent in parents:
            if parent not in line:
                first[parent] = min(at, first.get(parent, at))
    return {commit: pairs[at][1] for commit, at in first.items()}


def _holding_more(git: Git, merges: Iterable[str]) -> Iterator[str]:
    """Yield the merges that have lines that none of their parents has."""
    with process.nameless_file() as asked:
        asked.write("".join([f"{merge}\n" for merge in merges]).encode())
        asked.seek(0)
        with plumbing.start(git, *_COMBINED, "--format=%x01%H", "--", *_ASIDE, source=asked) as running:
            merge = b""
            for line in running.out:
                if line.startswith(b"\1"):
                    merge = line[1:-1]
                elif line.startswith(b"diff --cc "):
                    yield merge.decode()
            plumbing.demand(git, "diff-tree", running.end())


def _reach(base: str, head: str) -> str:
    return f"{base}..{head}" if base else head


def _lines(git: Git, *words: str) -> Iterator[str]:
    with plumbing.start(git, *words) as running:
        for line in running.out:
            yield line.decode()
        plumbing.demand(git, words[0], running.end())


def _rows(git: Git, *words: str) -> Iterator[bytes]:
    """Yield what git ends with a zero byte."""
    half = b""
    with plumbing.start(git, *words) as running:
        while piece := running.out.read(_PIECE):
            *rows, half = (half + piece).split(b"\0")
            yield from filter(None, rows)
        plumbing.demand(git, words[0], running.end())
    yield from filter(None, [half])
