"""Reviewed: how much of what a release brings was approved when it came in, as `verify` judges each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from labelvc.errors import Error, RefusedError
from labelvc.model.release import Version
from labelvc.ops import verify as verifying
from labelvc.ops.course import Course
from labelvc.ops.manifest import Made
from labelvc.store import git as plumbing
from labelvc.store.git import Git


class Reviewed(NamedTuple):
    """How the changes of a history stand: records, items and documents, each as often as a step changed it.

    Attributes:
        since: what they are counted from; empty for the beginning.
        command: shows each step.
        total: number of changes.
        approved: how many of them were approved as the policy before them asks.
        early: how many came in before there was a policy.
        untold: of how many it cannot be told.
    """

    since: str
    command: str
    total: int = 0
    approved: int = 0
    early: int = 0
    untold: int = 0

    @property
    def bare(self) -> int:
        """How many a policy judged, and nobody approved who had to."""
        return self.total - self.approved - self.early - self.untold


def between(
    git: Git, since: tuple[str, str], new: str, pin: str | None, advance: Callable[[], None] = lambda: None
) -> Reviewed:
    """Return how what came in between two commits stands, by the first-parent steps to the second.

    Where the first is not on that line, as a release that was cut on a branch, the step that brought it in counts as a whole.

    Args:
        git: the repository.
        since: what to call the first, and its full id; empty for the beginning.
        new: full id of the second.
        pin: digest of root version 1, from outside the repository; None when there is none.
        advance: called after each step.

    Raises:
        StoreError: git or DVC data is missing, or the history is shallow.
        TrustError: the root is not the pinned one.
    """
    name, old = since
    pairs = plumbing.first_parents(git, old, new)
    going = Course(pairs[0][0] if old and pairs else old, new, pairs)
    command = f"labelvc verify {f'{going.base[:12]}..{new[:12]}' if old else f'--all {new[:12]}'}"
    found = Reviewed(name, command)
    for step in verifying.verify(git, going, pin, advance)[0] if pairs else ():
        told = {"ungoverned": "early", "undecidable": "untold"}.get(step.state, "approved")
        number = step.covered if told == "approved" else step.total
        found = found._replace(total=found.total + step.total, **{told: getattr(found, told) + number})
    return found


def of_release(git: Git, found: Sequence[Made], version: Version, pin: str | None) -> Reviewed | None:
    """Return how what a release brings stands; None when its history cannot be judged here.

    Args:
        git: the repository.
        found: all releases of the history.
        version: the one.
        pin: as for `between`.
    """
    made = next(one for one in found if one.version == version)
    return told(git, last_before(found, version), made.commit, pin)


def told(
    git: Git, since: tuple[str, str], new: str, pin: str | None, advance: Callable[[], None] = lambda: None
) -> Reviewed | None:
    """Return what `between` does; None when the history cannot be judged here."""
    try:
        return between(git, since, new, pin, advance)
    except Error:
        return None


def last_before(found: Sequence[Made], version: Version | None) -> tuple[str, str]:
    """Return the release before a version, as `between` takes it; before None is the last one.

    Args:
        found: all releases of the history, oldest first.
        version: the version.
    """
    before = [one for one in found if version is None or one.version < version]
    return (str(before[-1].version), before[-1].commit) if before else ("", "")


def demanded(
    git: Git, since: tuple[str, str], new: str, pin: str | None, advance: Callable[[], None] = lambda: None
) -> Reviewed:
    """Return what `between` does, where nothing lacks an approval that a policy asked for.

    Raises:
        RefusedError: something does.
        StoreError, TrustError: as `between`.
    """
    found = between(git, since, new, pin, advance)
    if number := found.bare + found.untold:
        after = f" since {found.since}" if found.since else ""
        verb = "is" if number == 1 else "are"
        message = f"{number:,} of {found.total:,} change{'s'[: found.total != 1]}{after} {verb} not approved"
        hint = f"{found.command} shows them; --unapproved signs a release that holds them all the same"
        raise RefusedError(message, where=found.command.rpartition(" ")[2], hint=hint)
    return found
