"""Impact: what lost its approval because somebody is distrusted, and was not approved again since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from labelvc.ops import approvals
from labelvc.ops.approvals import Distrusted
from labelvc.ops.course import Course
from labelvc.ops.silence import Silence
from labelvc.ops.steps import Step
from labelvc.ops.verify import Walk, ratified
from labelvc.store import tree
from labelvc.store.git import Git

_GOOD = ("approved", "unchanged")


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

    A step that `verify` calls approved lost nothing. Any other is judged twice, with all the approvals that the end of the course has:
    as if nobody were distrusted, and as it is. Where those would do at the time of the step, and did not when they came in, what
    `verify` finds uncovered is lost.

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
        before, after, own = Walk(git, reader, pin, said), Walk(git, reader, pin, said), Walk(git, reader, pin)
        for walk in (after, own):
            walk.heed(going)
        before.silence, silence = Silence({}), after.silence or Silence({})
        for at, (parent, commit) in enumerate(going.pairs):
            if silence.entries(commit):
                now = after.step(parent, commit, going.ruler)
                reasons = tuple(dict.fromkeys(each.message for each in now.problems if isinstance(each, Distrusted)))
                found = _loss(now, _agreed(git, own, going, at), before, going.ruler) if reasons else None
                if found is not None:
                    yield found._replace(reasons=reasons)
            advance()


def _loss(now: Step, stands: tuple[Step, Step], before: Walk, ruler: str) -> Loss | None:
    """Return what a step lost, by how it stands with all words at its time, and by how `verify` has it with and without the distrust."""
    how, was = stands
    if how.state in _GOOD:
        return None
    if now.state in _GOOD:
        keys = tuple(key for key in how.uncovered if key not in {*was.uncovered})
        return Loss(how, keys, ()) if keys else None
    kept = {*before.step(now.parent, now.commit, ruler).uncovered}
    keys = tuple(key for key in now.uncovered if key not in kept)
    return Loss(now, keys, ()) if keys or now.state == "undecidable" else None


def _agreed(git: Git, walk: Walk, going: Course, at: int) -> tuple[Step, Step]:
    """Return a step as `verify` has it, and as it would if nobody were distrusted."""
    pair = going.pairs[at]
    how = ratified(git, walk, going, at, walk.step(*pair, going.ruler))
    with walk.believing():
        return how, ratified(git, walk, going, at, walk.step(*pair, going.ruler))
