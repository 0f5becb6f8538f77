"""A dashboard as one HTML file: no script, no network, light and dark; each number in it says where in the JSON it stands."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from labelvc.cli.render import chart, html, milestone
from labelvc.cli.render import dashboard as words
from labelvc.cli.render.chart import Bar, Scale
from labelvc.cli.render.review import NONE
from labelvc.cli.render.review_html import length, number_at
from labelvc.model.dashboard import Dashboard, Progress, Series, Trends

SEVERITIES = ("error", "warning", "note")
_SPARK = (120, 20)
_SHOWN = 20
"""Labels of a task that are there to be seen; the others can be unfolded."""


class Curve(NamedTuple):
    """A line of a chart: its name, the points of its stretches, where its values stand, and which of these is the highest."""

    name: str
    lines: list[str]
    dots: list[tuple[float, float]]
    most: int


class Agreed(NamedTuple):
    """The chart of agreement on a task: bands of the interval, the curve, and how high the wanted alpha stands."""

    bands: list[str]
    curve: Curve
    wanted: float | None


def page(found: Dashboard) -> str:
    """Return a dashboard as an HTML page.

    Args:
        found: the dashboard.
    """
    told = words.document(found)
    template = html.environment().get_template("dashboard.html.jinja")
    return template.render(
        told=told,
        n=lambda pointer, form="": number_at(told, pointer, form),
        words=words,
        none_=NONE,
        further=milestone.FURTHER,
        from_day=words.from_day(found),
        found=found,
        width=chart.WIDTH,
        height=chart.HEIGHT,
        spark=_SPARK,
        severities=SEVERITIES,
        shown=_SHOWN,
        curves=_curves(found.trends),
        agreed=[_agreed(one, found.trends) for one in found.trends.agreement],
        busiest=max(range(len(found.throughput.totals)), key=found.throughput.totals.__getitem__, default=0),
        work=chart.bars(found.throughput.totals),
        waits=chart.bars([one.median for one in found.reviews.spans]),
        people=[_small(row.cells) for row in found.throughput.rows],
        shades=[_shades(one) for one in found.progress],
        bar=length,
    )


def _curves(trends: Trends) -> list[Curve]:
    """Return a curve for each severity that was ever found."""
    xs = chart.places([point.day for point in trends.points])
    rows: dict[str, list[int | None]] = {name: [getattr(point, name) for point in trends.points] for name in SEVERITIES}
    most = max((value for row in rows.values() for value in row if value is not None), default=0)
    scale = Scale(0, most or 1)
    return [_curve(name, xs, row, scale) for name, row in rows.items() if any(row)]


def _curve(name: str, xs: Sequence[float], row: Sequence[float | None], scale: Scale) -> Curve:
    highest = max(range(len(row)), key=lambda at: -inf if (value := row[at]) is None else value)
    return Curve(name, chart.lines(xs, row, scale), chart.dots(xs, row, scale), highest)


def _agreed(one: Series, trends: Trends) -> Agreed:
    """Return the chart of alpha, or of the observed agreement where all answers were ever the same."""
    xs = chart.places([point.day for point in trends.points])
    alphas = [side.alpha if side else None for side in one.sides]
    shown = alphas if any(alphas) else [side.observed if side else None for side in one.sides]
    values, lows, highs = (
        [getattr(each, name) if each else None for each in shown] for name in ("value", "low", "high")
    )
    scale = Scale(min([0.0, *(value for value in (*values, *lows) if value is not None)]), 1)
    curve = _curve("alpha" if any(alphas) else "observed", xs, values, scale)
    return Agreed(chart.bands(xs, lows, highs, scale), curve, None if one.wanted is None else scale.y(one.wanted))


def _small(cells: Sequence[int]) -> list[Bar]:
    return chart.bars(cells, *_SPARK)


def _shades(one: Progress) -> list[list[int]]:
    """Return how dark each cell is, 0 to 9, within its task."""
    most = max([cell for row in one.rows for cell in row.cells], default=0)
    return [[max(1, round(9 * cell / most)) if cell else 0 for cell in row.cells] for row in one.rows]
