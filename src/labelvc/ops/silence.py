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


def _after(git: Git, commit: str, head: str) -> frozenset[str] | None:
    """Return the first-parent steps to a commit that are neither another one nor before it."""
    try:
        return frozenset(plumbing.run(git, "rev-list", "--first-parent", f"{commit}..{head}", "--").decode().split())
    except StoreError:
        return None
