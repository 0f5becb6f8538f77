"""A dashboard: everything that the lead's page on the history of a line says, as one value; what renders it adds no number."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from typing import Literal

import msgspec

from labelvc.model.agreement import Side
from labelvc.model.review import Problem

Unit = Literal["week", "month", "quarter", "year"]


class Line(msgspec.Struct, frozen=True):
    """The history that is looked at: a first-parent line and what it merged.

    Attributes:
        name: the revision as it was typed.
        head: full id of its last commit that counts.
        base: full id of the last commit before it; empty when it begins with the first.
        since, to: the dates that bound it, as they were typed; empty for none.
        first, last: day of its first commit and of its last, as committers claim.
        steps: commits along first parents.
        commits: all of them, those of merged branches among them.
    """

    name: str
    head: str
    base: str
    since: str
    to: str
    first: str
    last: str
    steps: int
    commits: int


class Now(msgspec.Struct, frozen=True):
    """How much there is at the head: datasets, live items and records, and people who made some of these."""

    datasets: int
    items: int
    records: int
    annotators: int


class Class(msgspec.Struct, frozen=True):
    """A label: its answers at the head, in percent of the task, whether it is in use and falls short, and answers by slice."""

    label: str
    answers: int
    percent: float
    active: bool
    short: bool
    cells: tuple[int, ...]


class Progress(msgspec.Struct, frozen=True):
    """How far a task is, by label and slice.

    Attributes:
        dataset, task: whose.
        answers: live ones; one record of a task of several labels gives several.
        floor: fewest answers of a label that the dataset asks for (`label.floor`); None where it asks for none.
        least: the same of a label in each slice (`slice.coverage`).
        short: labels in use with fewer answers than the floor, those that no line shows among them.
        by: pointer of the slice; empty where there is none.
        slices: its values, most frequent first; `others` says whether the last column is all others together.
        rows: labels, most frequent first; `more` are not listed.
    """

    dataset: str
    task: str
    answers: int
    floor: int | None
    least: int | None
    short: int
    by: str
    slices: tuple[str, ...]
    others: bool
    rows: tuple[Class, ...]
    more: int


class Point(msgspec.Struct, frozen=True):
    """A commit of the line at which the data was looked at: how much there was, and what checks found; None where they could not."""

    commit: str
    day: str
    items: int | None
    records: int | None
    error: int | None
    warning: int | None
    note: int | None


class Series(msgspec.Struct, frozen=True):
    """The agreement on a task at each point, None where there is none; `why` says why there is none at the head; `wanted` is the alpha that the project wants to reach."""

    dataset: str
    task: str
    why: str
    wanted: float | None
    sides: tuple[Side | None, ...]


class Trends(msgspec.Struct, frozen=True):
    """How the data went, at some commits of the line: the last one of each of equal spans of time, the first one and the head.

    Attributes:
        most: points there are at most.
        points: oldest first.
        agreement: of each task whose answers can be compared, parallel to the points.
        problems: points at which something could not be told.
    """

    most: int
    points: tuple[Point, ...]
    agreement: tuple[Series, ...]
    problems: tuple[Problem, ...]


class Waited(msgspec.Struct, frozen=True):
    """A step that was approved: hours from its last commit that made something to the last signature that counted."""

    commit: str
    day: str
    hours: float


class Open(msgspec.Struct, frozen=True):
    """A step that is not approved: its state, and how many of the things that moved are covered."""

    commit: str
    day: str
    state: str
    covered: int
    total: int


class Span(msgspec.Struct, frozen=True):
    """Steps approved in a stretch of time, and the median of the hours they waited; None of none."""

    start: str
    steps: int
    median: float | None


class Reviews(msgspec.Struct, frozen=True):
    """How steps were approved, and how long that took.

    Attributes:
        states: state to number of steps; see `labelvc.core.decide.Decision`.
        measured: approved steps whose wait could be measured.
        median, ninth, longest: of their hours: half and nine tenths of them waited no longer; None of none.
        slowest: those that waited longest; `more` are not listed.
        unapproved: steps that are not approved.
        open: those, newest first; `more_open` are not listed.
        spans: parallel to those of the work.
    """

    states: dict[str, int]
    measured: int
    median: float | None
    ninth: float | None
    longest: float | None
    slowest: tuple[Waited, ...]
    more: int
    unapproved: int
    open: tuple[Open, ...]
    more_open: int
    spans: tuple[Span, ...]


class Worker(msgspec.Struct, frozen=True):
    """Somebody's edits of records: all, in percent, and in each stretch of time."""

    name: str
    edits: int
    percent: float
    cells: tuple[int, ...]


class Work(msgspec.Struct, frozen=True):
    """Records that were added or changed, by who made them and when.

    Attributes:
        unit: how long a stretch of time is.
        starts: first day of each, oldest first.
        edits: records that commits added or changed, each as often as that happened; `removed` as often as one was removed.
        stamped: edits dated by the record itself (`at`); the others are dated by their commit.
        totals: edits in each stretch.
        rows: people, most edits first; `more` others made `more_edits`.
    """

    unit: Unit
    starts: tuple[str, ...]
    edits: int
    removed: int
    stamped: int
    totals: tuple[int, ...]
    rows: tuple[Worker, ...]
    more: int
    more_edits: int


class Turned(msgspec.Struct, frozen=True):
    """A label that became another, how often, in percent of all such changes, and with those above it."""

    task: str
    old: str
    new: str
    count: int
    percent: float
    coverage: float


class Turns(msgspec.Struct, frozen=True):
    """Labels that became others: how often, in how many ways, and the commonest of these; `more` are not listed."""

    records: int
    distinct: int
    rows: tuple[Turned, ...]
    more: int


class Registered(msgspec.Struct, frozen=True):
    """An open document of a register; `late` names the member whose date went by, `asked` who is asked since."""

    id: str
    title: str
    owner: str
    opened: str
    due: str
    late: str
    since: str
    asked: str


class Lacking(msgspec.Struct, frozen=True):
    """A label, in a slice where the milestone is wanted by slice, and how many answers of it are missing."""

    label: str
    slice: str
    missing: int


class Forecast(msgspec.Struct, frozen=True):
    """When a milestone is reached at the pace of the weeks before; see `labelvc.core.capacity`.

    Attributes:
        early, middle, late: days on which one run in ten is there, half of them, nine in ten; None beyond five years.
        chance: percent of the runs that are there in time.
    """

    early: str | None
    middle: str | None
    late: str | None
    chance: int


class Need(msgspec.Struct, frozen=True):
    """What a kind of work takes: hours in all, hours a week that people have, weeks of these, and the day on which it is done."""

    hours: float
    weekly: float
    weeks: float
    day: str


class Milestone(msgspec.Struct, frozen=True):
    """How far a milestone is, and when it will be reached.

    Attributes:
        name, dataset, task, by: as the project says.
        of: what is counted.
        each: how many are wanted: of everything together, or of each of the `cells`, labels in use and slices.
        people: who answer each of the items; 1 for other milestones.
        slice: pointer; empty where it is not wanted by slice.
        cells: how many things `each` is wanted of; 1 where all is counted together.
        short: of these, how many have fewer.
        wanted, done, missing: in all; what one cell has too many makes up for no other.
        rows: cells that lack most; `more` lack something and are not listed.
        starts: first day of each of the weeks that are looked at; the last ends on the day of the forecast.
        came: how many came in each.
        forecast: None where there is none, and `why`.
        annotation, review: None where nobody said what time there is.
    """

    name: str
    dataset: str
    task: str
    by: str
    of: Literal["answers", "items", "labels"]
    each: int
    people: int
    slice: str
    cells: int
    short: int
    wanted: int
    done: int
    missing: int
    rows: tuple[Lacking, ...]
    more: int
    starts: tuple[str, ...]
    came: tuple[int, ...]
    forecast: Forecast | None
    why: str
    annotation: Need | None
    review: Need | None


class Registers(msgspec.Struct, frozen=True):
    """Documents of registers that are open on a day, overdue ones first; `more` are not listed."""

    open: int
    overdue: int
    closed: int
    rows: tuple[Registered, ...]
    more: int


class Manual(msgspec.Struct, frozen=True):
    """A guideline: its version and status, records to be looked at again, and why their number is not known."""

    name: str
    version: str
    status: str
    records: int | None
    why: str


class Source(msgspec.Struct, frozen=True):
    """Where the page comes from: tool, the day by which dates were judged, digest of the first root, and how to make it again."""

    tool: str
    day: str
    root: str
    command: str


class Dashboard(msgspec.Struct, frozen=True):
    """The page."""

    line: Line
    now: Now
    progress: tuple[Progress, ...]
    milestones: tuple[Milestone, ...]
    trends: Trends
    reviews: Reviews
    throughput: Work
    turns: Turns
    registers: Registers
    guidelines: tuple[Manual, ...]
    source: Source
