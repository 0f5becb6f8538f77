"""A dashboard for programs and on a terminal, and the words that all its pages share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from labelvc.cli.render import milestone
from labelvc.cli.render.review import NONE, STATES, interval
from labelvc.cli.render.text import clip, count, paint, safe
from labelvc.model.dashboard import Dashboard, Manual, Milestone, Progress, Registered, Series

SCHEMA = "urn:labelvc:schema:report:1"
_WIDTH = 14
_FEW = 10
_LATE: Mapping[str, str] = {"due": "due", "expires": "ended"}
_RAMP = "▁▂▃▄▅▆▇█"


def document(found: Dashboard) -> dict[str, Any]:
    """Return a dashboard as JSON (`schemas/report.v1.json`)."""
    return {
        "schema": SCHEMA,
        **{name: msgspec.to_builtins(getattr(found, name)) for name in found.__struct_fields__},
    }


def text(found: Dashboard, *, color: bool) -> Iterator[str]:
    """Yield a dashboard as a person reads it on a terminal."""
    for name, lines in _sections(found, color=color):
        for at, line in enumerate(lines):
            yield f"{('' if at else name).ljust(_WIDTH)}{line}\n"


def _sections(found: Dashboard, *, color: bool) -> Iterator[tuple[str, Sequence[str]]]:
    yield "line", [line(found)]
    yield "now", [now(found)]
    for one in found.progress:
        rows = [f"{row.answers:>9,}  {row.percent:>5.1f} %  {clip(safe(row.label), 40)}" for row in one.rows[:_FEW]]
        yield "progress", [progress(one), *rows]
    yield from (("milestone", list(_milestone(one, found, color=color))) for one in found.milestones)
    yield "findings", [findings(found), *_ramps(found)]
    yield "agreement", [agreement(one, found) for one in found.trends.agreement] or [NO_AGREEMENT]
    yield "reviews", [*reviews(found), *[paint(row, "warning", on=color) for row in _open(found)]]
    yield "work", [work(found), *_workers(found)]
    yield "labels", [turns(found), *_turned(found)]
    yield "registers", [registers(found), *[registered(one) for one in found.registers.rows[:_FEW]]]
    yield "guidelines", [manual(one) for one in found.guidelines] or ["none"]
    yield "made by", [f"{found.source.tool}; {safe(found.source.command)}"]


def from_day(found: Dashboard) -> str:
    """Return the day from which forecasts are made: today, or that of the last step where the line was bounded."""
    return found.line.last if found.line.to else found.source.day


def _milestone(one: Milestone, found: Dashboard, *, color: bool) -> Iterator[str]:
    yield milestone.standing(one)
    for line, bad in milestone.outlook(one, from_day(found)):
        yield paint(line, "warning", on=color) if bad else line
    yield from (
        f"{row.missing:>9,}  missing: {clip(safe(f'{row.label} {row.slice}'.strip()), 60)}" for row in one.rows[:_FEW]
    )


NO_AGREEMENT = "no item has answers of two people that could be compared"
NO_POLICY = "no policy was in force: nobody had to approve"


def line(found: Dashboard) -> str:
    """Return which history is looked at, in a sentence."""
    told = found.line
    return (
        f"{safe(told.name)} at {told.head[:12]}: {count(told.steps, 'step')} along first parents, "
        f"{count(told.commits, 'commit')}, {told.first} to {told.last}"
    )


def glance(found: Dashboard) -> str:
    """Return what a lead would say first."""
    last = found.trends.points[-1]
    errors = "errors cannot be told" if last.error is None else count(last.error, "error")
    return (
        f"{count(found.now.records, 'record')}, {errors}, {count(found.reviews.unapproved, 'step')} not approved, "
        f"{found.registers.overdue:,} overdue in registers"
    )


def now(found: Dashboard) -> str:
    """Return how much there is, in a sentence."""
    told = found.now
    return (
        f"{count(told.records, 'record')} on {count(told.items, 'item')} in {count(told.datasets, 'dataset')}, "
        f"made by {count(told.annotators, 'annotator')}"
    )


def progress(one: Progress) -> str:
    """Return how far a task is, in a sentence."""
    floor = "" if one.floor is None else f"; {count(one.short, 'label')} under the floor of {one.floor:,}"
    by = f"; by {safe(one.by)}" if one.by else ""
    return f"{safe(one.dataset)} {safe(one.task)}: {count(one.answers, 'answer')}{by}{floor}"


def findings(found: Dashboard) -> str:
    """Return how findings went, in a sentence."""
    first, last = found.trends.points[0], found.trends.points[-1]
    told = [
        f"{name}s {number(getattr(first, name))} to {number(getattr(last, name))}"
        for name in ("error", "warning", "note")
    ]
    return f"{', '.join(told)}, at {count(len(found.trends.points), 'point')} from {first.day} to {last.day}"


def agreement(one: Series, found: Dashboard) -> str:
    """Return how agreement on a task went, in a sentence."""
    place = f"{safe(one.dataset)} {safe(one.task)}"
    told = [(point.day, side) for point, side in zip(found.trends.points, one.sides, strict=True) if side]
    if not told or one.why:
        return f"{place}: {one.why}"
    (before, was), (after, side) = told[0], told[-1]
    alpha = f"; alpha {interval(was.alpha)} -> {interval(side.alpha)}" if was.alpha or side.alpha else ""
    wanted = f", wanted {one.wanted:g}" if one.wanted is not None else ""
    return (
        f"{place}: {side.items:,} items; observed {interval(was.observed)} on {before} -> "
        f"{interval(side.observed)} on {after}{alpha}{wanted}"
    )


def reviews(found: Dashboard) -> Iterator[str]:
    """Yield how steps were approved, in sentences."""
    told = found.reviews
    if set(told.states) <= {"ungoverned"}:
        yield NO_POLICY
        return
    yield ", ".join(f"{number:,} {state}" for state, number in told.states.items())
    if told.measured:
        yield (
            f"from the last commit of a change to the last signature it needed: half within {hours(told.median)}, "
            f"nine tenths within {hours(told.ninth)}, all within {hours(told.longest)} ({count(told.measured, 'step')})"
        )


def hours(value: float | None) -> str:
    """Return hours in words."""
    return "–" if value is None else f"{value:,.1f} hours" if value else "minutes"


def state(name: str) -> str:
    """Return a state of a step in words."""
    return STATES.get(name, name)


def _open(found: Dashboard) -> Iterator[str]:
    for one in found.reviews.open:
        yield f"{one.commit[:12]}  {one.day}  {state(one.state)}; {one.covered:,} of {one.total:,} covered"
    if found.reviews.more_open:
        yield f"and {found.reviews.more_open:,} more"


def work(found: Dashboard) -> str:
    """Return how much was done, in a sentence."""
    told = found.throughput
    return (
        f"{count(told.edits, 'record')} added or changed, {told.removed:,} removed, in "
        f"{count(len(told.starts), told.unit)}; {told.stamped:,} dated by the record itself, the others by their commit"
    )


def _workers(found: Dashboard) -> Iterator[str]:
    told = found.throughput
    for one in told.rows[:_FEW]:
        yield f"{one.edits:>9,}  {one.percent:>5.1f} %  {_ramp(one.cells)}  {clip(safe(one.name), 40)}"


def _ramps(found: Dashboard) -> Iterator[str]:
    for name in ("error", "warning", "note"):
        row = [getattr(point, name) or 0 for point in found.trends.points]
        if any(row):
            yield f"{name.ljust(8)}{_ramp(row)}"


def _ramp(row: Sequence[int]) -> str:
    """Return numbers as blocks of different height; nought is a dot."""
    most = max(row, default=0)
    return "".join([_RAMP[max(0, -(-len(_RAMP) * one // most) - 1)] if one else "·" for one in row])


def turns(found: Dashboard) -> str:
    """Return how many labels became others, in a sentence."""
    told = found.turns
    if not told.records:
        return "no label became another"
    return f"{count(told.records, 'label')} became another, in {count(told.distinct, 'way')}"


def _turned(found: Dashboard) -> Iterator[str]:
    for one in found.turns.rows[:_FEW]:
        task, old, new = [clip(safe(word or NONE), 30) for word in (one.task, one.old, one.new)]
        yield f"{one.count:>9,}  {one.percent:>5.1f} %  {task}  {old} -> {new}"


def registers(found: Dashboard) -> str:
    """Return what is open in registers, in a sentence."""
    told = found.registers
    return f"{told.open:,} open, {told.overdue:,} of them overdue on {found.source.day}; {told.closed:,} closed"


def registered(one: Registered) -> str:
    """Return an open document, in a line."""
    return f"{safe(one.id)}  {safe(one.owner)}  {lateness(one) or (f'due {one.due}' if one.due else 'no day set')}  {clip(safe(one.title), 60)}"


def lateness(one: Registered) -> str:
    """Return why a document is overdue, in words; empty where it is not."""
    if not one.late:
        return ""
    asked = f", {safe(one.asked)} is asked" if one.asked else ""
    return f"{_LATE.get(one.late, one.late)} {one.since}{asked}"


def manual(one: Manual) -> str:
    """Return how a guideline stands, in a line."""
    return f"{safe(one.name)} {safe(one.version)}  {one.status}; {behind(one)}"


def behind(one: Manual) -> str:
    """Return how many records a guideline left behind, in words."""
    if one.records is None:
        return f"records to be looked at again cannot be told: {safe(one.why)}"
    return f"{count(one.records, 'record')} to be looked at again"


def number(value: int | None) -> str:
    """Return a number; a dash where it cannot be told."""
    return "–" if value is None else f"{value:,}"
