"""Agreement as pages tell it: of one moment, and of two with the difference."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

import msgspec


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its 95 % interval, None where there is none."""

    value: float
    low: float | None
    high: float | None


class Side(msgspec.Struct, frozen=True):
    """Agreement at one moment: items with two answers or more, those answers, agreement as observed, and alpha."""

    items: int
    answers: int
    observed: Estimate
    alpha: Estimate | None


class Agreement(msgspec.Struct, frozen=True):
    """Agreement of those who answered a task, before, after and the difference; `why` says why there is none."""

    dataset: str
    task: str
    why: str
    before: Side | None
    after: Side | None
    observed: Estimate | None
    alpha: Estimate | None
