"""Impact: what lost its approval because somebody is distrusted, and was not approved again since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from labelvc.ops import approvals
from labelvc.ops.approvals import Distrusted
from labelvc.ops.course import Course
from labelvc.ops.silence import Silence
from labelvc.ops.steps import Step
from labelvc.ops.verify import Walk
from labelvc.store import tree
from labelvc.store.git import Git


class Loss(NamedTuple):
    """A step that somebody distrusted approved.

    Attributes:
        step: as it stands without their words.
        keys: moves that are not approved any more, in order.
        reasons: whose words are lost, and why.
    """

    step: Step
    keys: tuple[str, ...]
    reasons: tuple[str, ...]


def losses(git: Git, going: Course, pin: str | None, advance: Callable[[], None] = lambda: None) -> Iterator[Loss]:
    """Yield the steps of a course that lost approvals.

    A step is judged twice, with all the approvals that the end of the course has: as if nobody were distrusted, and as it is.

    Args:
        git: where.
        going: the steps; the policy at their end says who is distrusted.
        pin: digest of root version 1, from outside the repository; None when there is none.
        advance: called after each step.

    Yields:
        Steps in which something is lost, or in which that cannot be told (`undecidable`), oldest first.

    Raises:
        StoreError: git or DVC data is missing.
    """
    with tree.reader(git) as reader:
        said = tree.commit(git, going.head, (approvals.FOLDER,))
        before, after = Walk(git, reader, pin, said), Walk(git, reader, pin, said)
        after.heed(going)
        before.silence, silence = Silence({}), after.silence or Silence({})
        for parent, commit in going.pairs:
            if silence.entries(commit) and (found := _loss(before, after, parent, commit, going.ruler)):
                yield found
            advance()


def _loss(before: Walk, after: Walk, parent: str, commit: str, ruler: str) -> Loss | None:
    now = after.step(parent, commit, ruler)
    reasons = tuple(dict.fromkeys(each.message for each in now.problems if isinstance(each, Distrusted)))
    if not reasons or now.state in ("approved", "unchanged"):
        return None
    kept = set(before.step(parent, commit, ruler).uncovered)
    keys = tuple(key for key in now.uncovered if key not in kept)
    return Loss(now, keys, reasons) if keys or now.state == "undecidable" else None
