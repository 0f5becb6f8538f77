"""The life of lines: what a commit made of them, and how it came into history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

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


def dropped(
    parents: Mapping[str, Sequence[str]], made: Mapping[str, bytes | None], read: Callable[[str], bytes | None]
) -> dict[str, str]:
    """Return the commits whose change of a line led to nothing that the head of a history holds, each with the merge that dropped it.

    A merge that is no change itself has the line of one of its parents, and drops what led to another line of another parent.

    Args:
        parents: every commit up to the head with its parents, children before parents; the head is the first.
        made: the line that each commit left which changed it; None where it left none.
        read: returns the line at a commit; asked only of merges whose parents differ.
    """
    if all(len(above) < 2 for above in parents.values()):
        return {}
    lines = _lines(parents, made, read)
    head, *_ = parents
    seen: set[str] = set()
    found: dict[str, str] = dict.fromkeys(_led(parents, made, lines, head, seen), "")
    for commit, above in parents.items():
        if len(above) > 1 and commit not in made:
            for parent in above:
                if lines[parent] != lines[commit]:
                    for own in _led(parents, made, lines, parent, seen):
                        found.setdefault(own, commit)
    return {own: merge for own, merge in found.items() if merge}


def _lines(
    parents: Mapping[str, Sequence[str]], made: Mapping[str, bytes | None], read: Callable[[str], bytes | None]
) -> dict[str, bytes | None]:
    """Return the line at every commit."""
    found: dict[str, bytes | None] = {}
    for commit in reversed(list(parents)):
        if commit in made:
            found[commit] = made[commit]
        else:
            held = {found[parent] for parent in parents[commit]} or {None}
            found[commit] = held.pop() if len(held) == 1 else read(commit)
    return found


def _led(
    parents: Mapping[str, Sequence[str]],
    made: Mapping[str, bytes | None],
    lines: Mapping[str, bytes | None],
    end: str,
    seen: set[str],
) -> Iterator[str]:
    """Yield the commits whose change led to the line at a commit, without those seen before."""
    waiting = [end]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        if here in made:
            yield here
            waiting += parents[here]
        else:
            waiting += [parent for parent in parents[here] if lines[parent] == lines[here]]
