"""Milestones: how far each is, what came in the weeks before, and when it will be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

import msgspec

from labelvc.core import attendance, calendar, capacity, hierarchy, ways
from labelvc.core.veil import Veil
from labelvc.errors import StoreError
from labelvc.model import dashboard as page
from labelvc.model.commit import Commit
from labelvc.model.milestone import Effort, Milestone
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import census as counting
from labelvc.ops import progress, slices, spread
from labelvc.ops.progress import Cells
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

WEEKS = 12
"""Weeks that are looked back on at most: a quarter, so that a pace of long ago says nothing of the next weeks."""
_BY = "labelvc.attendance/1"
_MOST = 20
_Cell = tuple[str, str]
"""A label and a slice; empty where all is counted together."""
_NOBODY_THERE = "no item has a value there, or no label is in use"


class Lens(NamedTuple):
    """What looks at a milestone.

    Attributes:
        git: the repository.
        reader: reads objects.
        cache: where counts of a shard are remembered by its ids.
        project: that of the head.
        veil: hides plain values.
    """

    git: Git
    reader: Reader
    cache: Cache
    project: Project
    veil: Veil


class _Counted(NamedTuple):
    """What a milestone counts at a commit: how much of each cell there is, and of items how many by number of people."""

    cells: Mapping[_Cell, int]
    attended: Mapping[int, int]


class _Attended(msgspec.Struct, frozen=True):
    """Counts the items of a shard by how many people answered them, here or on a worker."""

    people: int

    def __call__(self, annotations: bytes, _: bytes) -> Mapping[tuple[str, str, str], int]:
        return attendance.of(annotations, self.people)


def of(lens: Lens, line: Sequence[Commit], today: str) -> Iterator[page.Milestone]:
    """Yield the milestones of a project, those that are wanted first before the others.

    Args:
        lens: what looks.
        line: commits along first parents, oldest first; the last is the head.
        today: the day from which is forecast.

    Raises:
        StoreError: a shard of the head cannot be read.
    """
    if not lens.project.milestones:
        return
    ends = _ends(line, date.fromisoformat(today))
    head, counts = tree.commit(lens.git, line[-1].id), _Counts(lens)
    for name, wanted in sorted(lens.project.milestones.items(), key=lambda row: (row[1].by, row[0])):
        yield _told(counts, name, wanted, head, ends)


class _Counts:
    """What is counted of datasets at commits, each once for all milestones that ask for it.

    Args:
        lens: what looks.
    """

    def __init__(self, lens: Lens) -> None:
        self.lens = lens
        self._known: dict[tuple[str, str, str | int], Cells] = {}

    def cells(self, snapshot: Snapshot, name: str, by: str) -> Cells:
        """Return the number of answers of a dataset by task, label and slice."""
        _, reader, cache, project, veil = self.lens
        dataset, place = project.datasets[name], (snapshot.commit, name, by)
        if place not in self._known:
            self._known[place] = progress.cells(reader, cache, snapshot, dataset, veil, by)
        return self._known[place]

    def attended(self, snapshot: Snapshot, name: str, people: int) -> Cells:
        """Return the number of items of a dataset by task and by how many people answered them."""
        _, reader, cache, project, _ = self.lens
        dataset, place = project.datasets[name], (snapshot.commit, name, people)
        if place not in self._known:
            count, by = _Attended(people), f"{_BY}:{people}"
            self._known[place] = counting.by_shard(reader, cache, snapshot, dataset, by, count, items=False)
        return self._known[place]


def _ends(line: Sequence[Commit], today: date) -> list[tuple[date, Commit]]:
    """Return the last day of each week that is looked back on, and the newest step of that day, oldest first.

    The last week ends today, and the first does not begin before the first step: what that brought was no week's work. A step
    is taken for no earlier than one before it on the line.
    """
    days, latest = [], date.min
    for one in line:
        latest = max(latest, date.fromisoformat(calendar.day_at(one.committed)))
        days.append(latest)
    number = max(0, min(WEEKS, (today - days[0]).days // 7))
    ends = [today - timedelta(weeks=back) for back in range(number, -1, -1)]
    found = [(end, line[sum(day <= end for day in days) - 1]) for end in ends[:-1]]
    return [*found, (today, line[-1])]


def _told(
    counts: _Counts, name: str, wanted: Milestone, head: Snapshot, ends: Sequence[tuple[date, Commit]]
) -> page.Milestone:
    today = ends[-1][0]
    now, why = _counted(counts, wanted, head), ""
    each = wanted.answers or wanted.items or wanted.each
    missing = {cell: max(0, each - there) for cell, there in now.cells.items()}
    lacking = sorted((cell for cell in missing if missing[cell]), key=lambda cell: (-missing[cell], cell))
    total, left = each * len(missing), sum(missing.values())
    try:
        before = [_at(counts, wanted, commit).cells for _, commit in ends[:-1]]
    except StoreError as error:
        before, why = [], error.message
    grown = [[new.get(cell, 0) - old.get(cell, 0) for cell in missing] for old, new in pairwise([*before, now.cells])]
    forecast = None
    if left and not why and len(grown) < capacity.LEAST:
        why = f"{len(grown)} of the {capacity.LEAST} whole weeks of history that a forecast needs"
    if left and not why:
        days = (date.fromisoformat(wanted.by) - today).days
        forecast = _dated(capacity.forecast(list(missing.values()), grown, days), today)
    of: Literal["answers", "items", "labels"] = "answers" if wanted.answers else "items" if wanted.items else "labels"
    answers = capacity.answers_missing(wanted.items, wanted.people, now.attended) if wanted.items else left
    shown = [cell for cell in lacking[:_MOST] if wanted.each]
    rows = [
        page.Lacking(ways.named(progress.shown_label(counts.lens.veil, wanted.dataset, label)), at, missing[label, at])
        for label, at in shown
    ]
    return page.Milestone(
        name, wanted.dataset, wanted.task, wanted.by, of, each, wanted.people, wanted.slice,
        len(missing), len(lacking), total, total - left, left, tuple(rows), (len(lacking) - len(rows)) * bool(wanted.each),
        tuple((end - timedelta(days=6)).isoformat() for end, _ in ends[len(ends) - len(grown):]),
        tuple(map(sum, grown)), forecast, why if missing else _NOBODY_THERE,
        _need(wanted.annotation, answers, wanted.redone, today), _need(wanted.review, answers, wanted.redone, today),
    )  # fmt: skip


def _at(counts: _Counts, wanted: Milestone, commit: Commit) -> _Counted:
    return _counted(counts, wanted, tree.commit(counts.lens.git, commit.id))


def _counted(counts: _Counts, wanted: Milestone, snapshot: Snapshot) -> _Counted:
    """Count at a commit what a milestone of the head counts."""
    if wanted.items:
        found = counts.attended(snapshot, wanted.dataset, wanted.people)
        attended = {int(people): number for (task, people, _), number in found.items() if task == wanted.task}
        return _Counted({("", ""): attended.get(wanted.people, 0)}, attended)
    cells = counts.cells(snapshot, wanted.dataset, wanted.slice)
    if wanted.answers:
        return _Counted({("", ""): sum(number for (task, _, _), number in cells.items() if task == wanted.task)}, {})
    by_slice: dict[str, Counter[str]] = {} if wanted.slice else {"": Counter()}
    for (task, label, of_item), number in cells.items():
        if task == wanted.task and (not wanted.slice or of_item not in ("", slices.NONE)):
            by_slice.setdefault(of_item if wanted.slice else "", Counter())[label] += number
    return _Counted(dict(_each(counts.lens.project, wanted.task, by_slice)), {})


def _each(project: Project, task: str, by_slice: Mapping[str, Counter[str]]) -> Iterator[tuple[_Cell, int]]:
    """Yield how many answers each label in use has in each slice, those of labels below it included, as `label.floor` counts."""
    taxonomy = project.taxonomies[project.tasks[task].taxonomy or ""]
    active = sorted(spread.in_use(project, task))
    for of_item, own in sorted(by_slice.items()):
        whole = hierarchy.with_descendants(own, taxonomy.labels)
        yield from (((label, of_item), whole[label]) for label in active)


def _dated(found: capacity.Forecast, today: date) -> page.Forecast:
    early, middle, late = (
        None if days is None else (today + timedelta(days=days)).isoformat()
        for days in (found.early, found.middle, found.late)
    )
    return page.Forecast(early, middle, late, found.chance)


def _need(effort: Effort | None, answers: int, redone: float, today: date) -> page.Need | None:
    if effort is None:
        return None
    found = capacity.need(answers * effort.share, effort.seconds, effort.hours, redone)
    try:
        day = (today + timedelta(days=found.days)).isoformat()
    except OverflowError:
        day = date.max.isoformat()
    return page.Need(found.hours, effort.hours, found.weeks, day)
