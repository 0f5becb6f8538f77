"""Ownership: who touched which record of a step, commit by commit where several people made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from labelvc.core import changeset, owning
from labelvc.core.changeset import Gathered
from labelvc.core.owning import Hands
from labelvc.model.policy import Policy
from labelvc.ops import diff as comparing
from labelvc.ops import people
from labelvc.ops.approvals import Problem
from labelvc.ops.makers import Made
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


def foreign(
    git: Git, policy: Policy, found: Gathered, made: Sequence[Made], named: frozenset[str]
) -> tuple[frozenset[str], list[Problem]]:
    """Return the keys that an author of a step may not touch by the rules on own records, and who that is.

    Args:
        git: where.
        policy: in force before the step.
        found: what moved in it.
        made: its commits.
        named: authors by what signers wrote down: a squash hides them.
    """
    if not owning.bound(policy):
        return frozenset(), []
    keys = frozenset(move.key for move in found.changeset.moves)
    wrong = owning.foreign(policy, keys, _hands(git, policy, found, made, named))
    by: dict[str | None, list[str]] = defaultdict(list)
    for key, who in sorted(wrong.items()):
        by[who].append(key)
    return frozenset(wrong), [Problem(where[0], _told(who, len(where))) for who, where in by.items()]


def _hands(git: Git, policy: Policy, found: Gathered, made: Sequence[Made], named: frozenset[str]) -> Iterator[Hands]:
    """Yield who did what: the whole step when all its commits have the same authors, else each commit."""
    authors = {each.commit: people.names(policy, each.addresses) for each in made}
    if len(set(authors.values())) == 1:
        yield Hands(next(iter(authors.values())), (found,))
    else:
        for commit, names in authors.items():
            yield Hands(names, tuple(_against_parents(git, commit)))
    if hidden := named - {name for names in authors.values() for name in names}:
        yield Hands(frozenset(hidden), (found,), together=False)


def _against_parents(git: Git, commit: str) -> Iterator[Gathered]:
    parents = plumbing.run(git, "rev-list", "--parents", "--max-count=1", commit).decode().split()[1:]
    new = tree.commit(git, commit)
    for parent in parents or [""]:
        old = tree.commit(git, parent) if parent else tree.empty()
        yield changeset.gather(comparing.between(git, old, new))


def _told(who: str | None, number: int) -> str:
    more = f"this record and {number - 1:,} more are not" if number > 1 else "this one is not"
    name = who or "an author nobody knows"
    return (
        f"{name} holds no role that could approve it, and may touch only records of their own, before and after: {more}"
    )
