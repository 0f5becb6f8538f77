"""The life of lines: what a commit made of them, and how it came into history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from labelvc.model.names import Key

Name = Key | bytes
"""What tells lines apart: their key, or the bytes they begin with."""
Sides = Sequence[tuple[Mapping[Name, bytes], Mapping[Name, bytes]]]
"""For each parent of a commit the lines that differ: those of the parent and those of the commit."""


def moves(sides: Sides) -> Iterator[tuple[Name, tuple[bytes | None, ...], bytes | None]]:
    """Yield what a commit changed against each of its parents.

    Args:
        sides: one pair for each parent; the root commit has one, whose parent has no lines.

    Yields:
        What names the line, the line in each parent, and in the commit; a merge that took a parent's line changed nothing.
    """
    first_old, first_new = sides[0]
    for name in first_old.keys() | first_new.keys():
        if len(sides) == 1:
            olds, new = (first_old.get(name),), first_new.get(name)
            if olds[0] != new:
                yield name, olds, new
            continue
        several = tuple([old.get(name) for old, _ in sides])
        news = [new.get(name) for _, new in sides]
        if all(old != new for old, new in zip(several, news, strict=True)):
            yield name, several, news[0]


def integrations(parents: Mapping[str, Sequence[str]], head: str) -> dict[str, tuple[str, str]]:
    """Return for each commit the first-parent step (parent, commit) by which it came into the history of head.

    Args:
        parents: every commit up to head with its parents.
        head: where the first-parent history ends.
    """
    chain = [head]
    while parents[chain[-1]]:
        chain.append(parents[chain[-1]][0])
    found: dict[str, tuple[str, str]] = {}
    for commit in reversed(chain):
        step = (parents[commit][0] if parents[commit] else "", commit)
        waiting = [commit]
        while waiting:
            here = waiting.pop()
            if here not in found:
                found[here] = step
                waiting += parents[here]
    return found
