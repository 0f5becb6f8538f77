"""Dates: when a step came in, as far as the commits of its line tell; they are read where something has a limit in time, and only there."""

from __future__ import annotations

from labelvc.store import log
from labelvc.store.git import Git


class Dates:
    """Tells when a step came in: at the latest date that a commit on the first-parent line to it claims.

    So no commit comes in before what it follows, whatever it claims, and what expired once stays expired.

    Args:
        git: where.
        least: seconds since 1970 before which nothing is said to come in.
    """

    def __init__(self, git: Git, least: int = 0) -> None:
        self._git, self._least = git, least
        self._head = ""
        self._latest: dict[str, int] = {}

    @property
    def asked(self) -> bool:
        """Tell whether a date mattered so far."""
        return bool(self._latest)

    def expect(self, head: str) -> None:
        """Take note of the end of a line, whose commits are read all at once when the first is asked for."""
        self._head = head

    def at(self, *commits: str) -> int:
        """Return the time, in seconds since 1970, of what follows some commits; empty ids are of none.

        Raises:
            StoreError: unknown commit, or a shallow clone that hides a part of the line.
        """
        return max(self._least, self.dated(*commits))

    def dated(self, *commits: str) -> int:
        """Return the time as `at` does, and by the commits alone."""
        return max((self._of(commit) for commit in commits if commit), default=0)

    def _of(self, commit: str) -> int:
        for head in filter(None, (self._head, commit)):
            if commit not in self._latest:
                self._read(head)
        return self._latest[commit]

    def _read(self, head: str) -> None:
        last = 0
        for commit, claimed in log.dates(self._git, head):
            last = self._latest[commit] = max(last, claimed)


def told_by(git: Git, at: int, *heads: str) -> str:
    """Return the first commit on the lines to some others that claims to be of a time; empty: none of them."""
    dates = (row for head in heads if head for row in log.dates(git, head))
    return next((commit for commit, claimed in dates if claimed == at), "")
