"""Standing: how the change of a range stands to the policy, and what of that a review says."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from labelvc.errors import StoreError, TrustError
from labelvc.model import review as page
from labelvc.model.policy import Trust
from labelvc.model.shell import word
from labelvc.ops import course as courses
from labelvc.ops import remedy
from labelvc.ops import trust as trusting
from labelvc.ops.course import Course
from labelvc.ops.steps import Step
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_MOST = 10
_DONE = ("approved", "unchanged")


class Cover(Protocol):
    """Covers what is personal in a text."""

    def over(self, text: str) -> str:
        """Return the text as it may be shown."""


class Standing(NamedTuple):
    """A judged change.

    Attributes:
        words: the range as it was typed.
        going: its one step.
        step: how it stands.
        trust: the policy that judged it; None where there was none, or none that could be used.
    """

    words: str
    going: Course
    step: Step
    trust: Trust | None

    @property
    def seed(self) -> str:
        """What draws of the change begin with: the digest of its change-set."""
        return str(self.step.root)

    def verdict(self, screen: Cover) -> page.Verdict:
        """Return what a review says of it, reasons covered by a screen."""
        step = self.step
        needs = tuple(
            page.Need(each.role, each.asked, each.have, max(0, each.asked - each.have), each.who_can, each.barred)
            for each in step.needs
        )
        said = tuple(
            page.Said(
                each.principal,
                each.role,
                each.decision,
                each.meaning,
                each.signed_at,
                screen.over(each.reason),
                each.moves,
                bool(each.superseded),
                step.ended(each),
            )
            for each in step.said
        )
        return page.Verdict(
            step.state,
            step.covered,
            step.total,
            step.policy,
            needs,
            said,
            tuple(page.Problem(each.path, each.message) for each in step.problems),
            step.uncovered[:_MOST],
            max(0, len(step.uncovered) - _MOST),
            self._next(),
            self.trust and self.trust.pinned,
        )

    def provenance(self, tool: str, day: str) -> page.Provenance:
        """Return where a page on it comes from.

        Args:
            tool: name and version of what makes it.
            day: by which exceptions with an end were judged.
        """
        dots, start = ("...", self.going.ruler) if self.going.ruler else ("..", self.going.base)
        command = f"labelvc review {start}{dots}{self.going.head}"
        policy, root = (self.trust.digest, self.trust.anchor) if self.trust else ("", "")
        return page.Provenance(self.seed, tool, policy, root, day, command)

    def _next(self) -> str:
        if self.step.state in _DONE:
            return ""
        if self.step.state == "ungoverned":
            return "labelvc trust init"
        return remedy.hint(self.step, self.words)


def course(git: Git, words: str) -> Course:
    """Return the one step of a range.

    Raises:
        StoreError: it is no range, a revision is unknown, the two have nothing in common, or A has gone on in `A..B`.
    """
    if ".." not in words:
        raise StoreError(f"{words!r} is no range", hint=f"labelvc review {word(words)}...HEAD")
    if "..." in words:
        return courses.read(git, words)
    one, two = [plumbing.resolve(git, part or "HEAD") for part in words.split("..", 1)]
    if not plumbing.is_ancestor(git, one, two):
        message = f"{words.partition('..')[0] or 'HEAD'} is not in the history of the other end"
        raise StoreError(message, where=words, hint=f"labelvc review {word(words.replace('..', '...'))}")
    return Course(one, two, [(one, two)])


def of(git: Git, reader: Reader, going: Course, words: str, pin: str | None, now: int = 0) -> Standing:
    """Judge a change.

    Args:
        git: the repository.
        reader: reads it.
        going: the one step of the range.
        words: the range as it was typed.
        pin: digest of root version 1, from outside the repository; None when there is none.
        now: seconds since 1970: what `A...B` brings comes in no earlier.

    Raises:
        StoreError: git or DVC data is missing.
    """
    walk = Walk(git, reader, pin, least=now if going.ruler else 0)
    walk.heed(going)
    step = walk.step(*going.pairs[0], going.ruler)
    before = tree.commit(git, going.ruler or going.base, ("trust",))
    try:
        trust = walk.trust(before) if trusting.present(before) else None
    except TrustError:
        trust = None
    return Standing(words, going, step, trust)
