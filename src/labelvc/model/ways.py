"""Ways that labels went in a change, and how the answers to a task are spread before and after it, as pages tell them."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

import msgspec

from labelvc.model.exhibit import Example


class Way(msgspec.Struct, frozen=True):
    """A label that became another; None is a record that was not there, or is not there any more.

    Attributes:
        task, old, new: the way.
        count: records that went it.
        share: percent of all that went one.
        coverage: percent of this way and all before it.
        shown: how many of them are examples.
        examples: drawn by the seed, all with the same chance.
        at_most: how many of the way may be wrong at most, with 95 % confidence, when no example is; None without examples.
    """

    task: str
    old: str | None
    new: str | None
    count: int
    share: float
    coverage: float
    shown: int
    examples: tuple[Example, ...]
    at_most: int | None


class Grid(msgspec.Struct, frozen=True):
    """Which label became which in a task, as a square; None is no record, and `others` all labels that have no line of their own."""

    task: str
    records: int
    labels: tuple[str | None, ...]
    others: bool
    rows: tuple[tuple[int, ...], ...]


class Plan(msgspec.Struct, frozen=True):
    """What a clean sample would say: of all records that went a way, so many seen without a mistake leave at most so many wrong, with 95 %."""

    seen: int
    at_most: int


class Ways(msgspec.Struct, frozen=True):
    """Which label became which.

    Attributes:
        records: that went a way, those that came or went among them.
        distinct: ways; `singletons` of them were gone once.
        seed: of the draws of examples: the digest of the change-set.
        confidence: percent.
        plans: what clean samples of some sizes would say of all of them.
        grids: a square for each task.
        list: the ways, most frequent first; `more` others of `more_records` records are not listed.
    """

    records: int
    distinct: int
    singletons: int
    seed: str
    confidence: int
    plans: tuple[Plan, ...]
    grids: tuple[Grid, ...]
    list: tuple[Way, ...]
    more: int
    more_records: int


class Share(msgspec.Struct, frozen=True):
    """A label's part of a task: how often, in percent, and by how many points that moved."""

    label: str
    before: int
    after: int
    before_percent: float
    after_percent: float
    points: float


class Shift(msgspec.Struct, frozen=True):
    """How the answers to a task are spread, before and after.

    Attributes:
        dataset, task: whose.
        before, after: answers; one record of a task of several labels gives several.
        distance: total variation distance in percent: how much of it would have to be moved to make one of the other.
        rows: labels, those that moved most first; `more` others are not listed.
        floor: fewest answers of a label that the dataset declares; None where it declares none.
        under: labels that had so many and have fewer now.
    """

    dataset: str
    task: str
    before: int
    after: int
    distance: float
    rows: tuple[Share, ...]
    more: int
    floor: int | None
    under: tuple[str, ...]
