"""Charts: numbers made into the coordinates of inline SVG; what a chart shows stands in a table and in words beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 640, 120
_MARGIN = 6


class Bar(NamedTuple):
    """A bar: its left edge, its top, how wide and how high it is."""

    x: float
    y: float
    width: float
    height: float


class Scale(NamedTuple):
    """From values to heights: the value at the bottom and the one at the top."""

    low: float
    high: float

    def y(self, value: float) -> float:
        """Return how far below the top a value stands."""
        part = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        return round(HEIGHT - _MARGIN - part * (HEIGHT - 2 * _MARGIN), 1)


def places(days: Sequence[str]) -> list[float]:
    """Return how far to the right each of some days stands; of one day, in equal steps."""
    at = [date.fromisoformat(day).toordinal() for day in days]
    if not at or at[-1] == at[0] or any(later < earlier for earlier, later in pairwise(at)):
        at = list(range(len(days)))
    whole = max(1, at[-1] - at[0]) if at else 1
    return [round(_MARGIN + (one - at[0]) / whole * (WIDTH - 2 * _MARGIN), 1) for one in at]


def lines(xs: Sequence[float], values: Sequence[float | None], scale: Scale) -> list[str]:
    """Return the points of each line through values, one for each stretch without a gap."""
    rows = [(x, scale.y(value) if value is not None else None) for x, value in zip(xs, values, strict=True)]
    stretches = [list(group) for there, group in groupby(rows, lambda row: row[1] is not None) if there]
    return [" ".join([f"{x:g},{y:g}" for x, y in group]) for group in stretches]


def dots(xs: Sequence[float], values: Sequence[float | None], scale: Scale) -> list[tuple[float, float]]:
    """Return where each value stands."""
    return [(x, scale.y(value)) for x, value in zip(xs, values, strict=True) if value is not None]


def bands(xs: Sequence[float], lows: Sequence[float | None], highs: Sequence[float | None], scale: Scale) -> list[str]:
    """Return the corners of each band between two rows of values, one for each stretch without a gap."""
    rows = list(zip(xs, lows, highs, strict=True))
    found = []
    for there, group in groupby(rows, lambda row: row[1] is not None and row[2] is not None):
        if there:
            sides = [(x, scale.y(low), scale.y(high)) for x, low, high in group if low is not None and high is not None]
            over = [f"{x:g},{high:g}" for x, _, high in sides]
            found.append(" ".join([*over, *[f"{x:g},{low:g}" for x, low, _ in reversed(sides)]]))
    return found


def bars(values: Sequence[float | None], width: int = WIDTH, height: int = HEIGHT) -> list[Bar]:
    """Return a bar for each value above nought, one pixel high at least."""
    most = max((value for value in values if value is not None), default=0)
    step = width / max(1, len(values))
    found = []
    for at, value in enumerate(values):
        if value and most:
            tall = max(1.0, round(value / most * (height - 2), 1))
            found.append(Bar(round(at * step, 1), round(height - tall, 1), round(max(1.0, 0.8 * step), 1), tall))
    return found
