"""Silence: whose words the newest policy takes away, in which steps of the history before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from labelvc.core.decide import State
from labelvc.errors import StoreError
from labelvc.model.policy import Distrust, Trust
from labelvc.model.snapshot import Snapshot
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Distrusted, Problem
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader


class Silence(NamedTuple):
    """Whom the newest policy distrusts.

    Attributes:
        after: each entry to the steps that came in after its commit; None when that commit is not here, so that nobody can
            tell and its principal is not heard at all.
    """

    after: Mapping[Distrust, frozenset[str] | None]

    def entries(self, commit: str) -> tuple[Distrust, ...]:
        """Return what holds in the step that made a commit."""
        return tuple(entry for entry, steps in self.after.items() if steps is None or commit in steps)

    def over(self, trust: Trust, commit: str) -> Trust:
        """Return the trust that judges a step, with those distrusted whom the newest policy distrusts in it."""
        return trust._replace(policy=replace(trust.policy, distrusted=self.entries(commit)))

    def untold(self, state: State, problems: Iterable[Problem]) -> list[Problem]:
        """Return why a step cannot be judged: somebody was silenced in it after a commit that is not here."""
        if state in ("approved", "unchanged") or not any(isinstance(each, Distrusted) for each in problems):
            return []
        return [
            Problem(
                trusting.POLICY,
                f"{entry.principal} is distrusted after {entry.since}, which is not in this repository: git fetch",
            )
            for entry, steps in self.after.items()
            if steps is None
        ]


def later(git: Git, reader: Reader, head: str, load: Callable[[Snapshot], Trust]) -> Callable[[Trust, str], Trust]:
    """Return what takes those out of the trust before a commit whom the newest policy on a line distrusts in that commit.

    Args:
        git: where.
        reader: reads snapshots.
        head: the line's end.
        load: reads the trust files of its first snapshot.
    """
    words = ("rev-list", "--first-parent", "--reverse", head, "--", "trust")
    ends = [tree.commit(git, each, ("trust",)) for each in plumbing.run(git, *words).decode().split()]
    newest = trusting.newest(reader, ends, load)
    entries = newest.policy.distrusted if newest else ()

    def over(trust: Trust, commit: str) -> Trust:
        held = tuple(entry for entry in entries if not _within(git, commit, entry.since))
        return trust._replace(policy=replace(trust.policy, distrusted=held))

    return over


def of(
    git: Git, reader: Reader, load: Callable[[Snapshot], Trust], ends: Iterable[Snapshot], head: str
) -> Silence | None:
    """Find out whom the newest policy of a course distrusts.

    Args:
        git: where.
        reader: reads the snapshots.
        load: reads the trust files of the first of them.
        ends: snapshots of the course in their order; trust files that those before do not vouch for say nothing.
        head: commit at its end.

    Returns:
        What the newest policy says; None when there is none.
    """
    newest = trusting.newest(reader, ends, load)
    return Silence({entry: _after(git, entry.since, head) for entry in newest.policy.distrusted}) if newest else None


def _within(git: Git, commit: str, last: str) -> bool:
    """Tell whether a commit is the last one believed, or before it; what came in with one that is not here is not believed."""
    try:
        return plumbing.is_ancestor(git, commit, last)
    except StoreError:
        return False


def _after(git: Git, commit: str, head: str) -> frozenset[str] | None:
    """Return the first-parent steps to a commit that are neither another one nor before it."""
    try:
        return frozenset(plumbing.run(git, "rev-list", "--first-parent", f"{commit}..{head}", "--").decode().split())
    except StoreError:
        return None
