"""Milestones: how much of a task is wanted by when, and what time people have for it."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

import msgspec


class Effort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time that people have for a milestone.

    Attributes:
        seconds: that one answer takes.
        hours: a week, of all people together.
        share: of answers that they look at.
    """

    seconds: float
    hours: float
    share: float = 1


class Milestone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a task is wanted by when; one of `answers`, `items` and `each` says of what.

    Attributes:
        dataset, task: whose answers.
        by: day by which it is wanted.
        answers: that are wanted.
        items: that are wanted with answers of so many `people` each.
        each: answers that are wanted of each label in use, those of labels below it included.
        slice: JSON pointer into items: `each` is wanted in each value that items have there; empty for all together.
        annotation, review: time that annotators and reviewers have; None where nobody said.
        redone: share of the work that is done again.
    """

    dataset: str
    task: str
    by: str
    answers: int = 0
    items: int = 0
    people: int = 1
    each: int = 0
    slice: str = ""
    annotation: Effort | None = None
    review: Effort | None = None
    redone: float = 0
