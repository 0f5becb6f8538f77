"""Governed: which commits have a policy behind them, whatever their own tree holds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from labelvc.ops import trust as trusting
from labelvc.store import git as plumbing
from labelvc.store.git import Git


class Governed:
    """Tells whether a commit or an ancestor of it had a policy: a history that loses it is not one that never had it.

    Args:
        git: where.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._line: dict[str, int] = {}
        self._first: int | None = None

    def expect(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take note of the steps of a line, oldest first: along it the answer changes once, which is looked for by halves."""
        self._line, self._first = {commit: at for at, (_, commit) in enumerate(pairs)}, None

    def __contains__(self, commit: str) -> bool:
        """Tell it of a full id; empty: of nothing."""
        if commit not in self._line:
            return bool(commit) and self._asked(commit)
        if self._first is None:
            self._first = bisect_left(list(self._line), True, key=self._asked)
        return self._line[commit] >= self._first

    def beside(self, parent: str, commit: str) -> list[str]:
        """Return the other parents of a merge that have a policy behind them."""
        if plumbing.held(self._git, commit)[2].partition(b"\n\n")[0].count(b"\nparent ") < 2:
            return []
        parents = plumbing.run(self._git, "rev-list", "--parents", "--max-count=1", commit).decode().split()[1:]
        return [other for other in parents if other != parent and other in self]

    def _asked(self, commit: str) -> bool:
        own = plumbing.named(self._git, f"{commit}:{trusting.POLICY}")
        if own is not None:  # what lies in its own tree came with it or before it
            return True
        words = ("rev-list", "--max-count=1", "--full-history", commit, "--", trusting.POLICY)
        return bool(plumbing.run(self._git, *words).strip())
