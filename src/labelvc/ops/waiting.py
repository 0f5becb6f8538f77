"""Waiting: how the steps of a line were approved, and how long each waited from its last commit to the last signature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import ceil
from typing import NamedTuple

from labelvc.core import calendar
from labelvc.core.calendar import Calendar
from labelvc.model import dashboard as page
from labelvc.model.commit import Commit
from labelvc.model.names import Digest
from labelvc.ops import population
from labelvc.ops import verify as verifying
from labelvc.ops.course import Course
from labelvc.ops.steps import Step
from labelvc.ops.verify import Walk
from labelvc.store import log
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_MOST = 10
_HOUR = 3600


class Waits(NamedTuple):
    """How the steps of a line stand.

    Attributes:
        states: state to number of steps.
        measured: those that were approved and whose wait could be measured, oldest first.
        open: those that are not, newest first.
        anchors: digests of root version 1 that were met, to whether they were pinned.
    """

    states: Counter[str]
    measured: list[page.Waited]
    open: list[page.Open]
    anchors: dict[Digest, bool]


def of(git: Git, reader: Reader, going: Course, pin: str | None, advance: Callable[[], None]) -> Waits:
    """Judge the steps of a line, as `verify` does.

    Args:
        git: the repository.
        reader: reads objects.
        going: the steps.
        pin: digest of root version 1, from outside the repository; None when there is none.
        advance: called after each step.

    Raises:
        StoreError: git or DVC data is missing.
    """
    walk = Walk(git, reader, pin)
    walk.heed(going)
    found: list[tuple[Step, list[str]]] = []
    for at, (parent, commit) in enumerate(going.pairs):
        deed = walk.deed(parent, commit)
        step = verifying.ratified(git, walk, going, at, walk.judge(deed, going.ruler))
        made = [one.commit for one in walk.made(deed)] if step.state == "approved" else []
        found.append((step, made))
        advance()
    commits = log.named(git, sorted({commit for step, made in found for commit in (step.commit, *made)}))
    waits = Waits(Counter(step.state for step, _ in found), [], [], walk.anchors)
    for step, made in found:
        own = commits[step.commit]
        hours = _hours(step, [commits[one] for one in made])
        if hours is not None:
            waits.measured.append(page.Waited(step.commit, calendar.day_at(own.committed), hours))
        if not population.good(step.state):
            waits.open.insert(
                0, page.Open(step.commit, calendar.day_at(own.committed), step.state, step.covered, step.total)
            )
    return waits


def none(steps: int) -> Waits:
    """Return how a number of steps stand that no policy governs."""
    return Waits(Counter(ungoverned=steps), [], [], {})


def _hours(step: Step, made: Sequence[Commit]) -> float | None:
    """Return how long an approved step waited; None where nobody signed it, or a time is none."""
    yes = [said for said in step.said if said.decision == "approve" and not said.superseded]
    counted = [said.signed_at for said in yes if said.principal in step.agreed]
    try:
        signed = [datetime.fromisoformat(one).timestamp() for one in counted]
        written = [datetime.fromisoformat(one.authored).timestamp() for one in made]
    except ValueError:
        return None
    if not signed or not written:
        return None
    return round(max(0.0, max(signed) - max(written)) / _HOUR, 1)


def told(waits: Waits, stretches: Calendar) -> page.Reviews:
    """Return how steps stand and how long they waited.

    Args:
        waits: as `of` found them.
        stretches: a calendar.
    """
    hours = sorted(one.hours for one in waits.measured)
    slowest = sorted(waits.measured, key=lambda one: (-one.hours, one.commit))
    by_stretch: list[list[float]] = [[] for _ in stretches.starts]
    for one in waits.measured:
        by_stretch[stretches.place(date.fromisoformat(one.day))].append(one.hours)
    spans = [
        page.Span(start.isoformat(), len(found), _quantile(sorted(found), 0.5))
        for start, found in zip(stretches.starts, by_stretch, strict=True)
    ]
    return page.Reviews(
        dict(sorted(waits.states.items())),
        len(hours),
        _quantile(hours, 0.5),
        _quantile(hours, 0.9),
        hours[-1] if hours else None,
        tuple(slowest[:_MOST]),
        max(0, len(slowest) - _MOST),
        len(waits.open),
        tuple(waits.open[:_MOST]),
        max(0, len(waits.open) - _MOST),
        tuple(spans) if hours else (),
    )


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    """Return the value that this part of all do not exceed: the inverse of the empirical distribution (Hyndman and Fan 1996, type 1)."""
    return ordered[ceil(part * len(ordered)) - 1] if ordered else None
