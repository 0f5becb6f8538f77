"""Trends: what the data was at some commits of a line: how much, what checks found, and how far people agreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from labelvc.core import agreement, calendar
from labelvc.core.census import Census
from labelvc.errors import ConfigurationError, DataError, StoreError
from labelvc.model import dashboard as page
from labelvc.model.agreement import Side
from labelvc.model.commit import Commit
from labelvc.model.project import Project
from labelvc.model.review import Problem
from labelvc.model.snapshot import Snapshot
from labelvc.ops import census, check, spread, veil
from labelvc.ops import project as projects
from labelvc.ops.gates import Brought
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

MOST = 12
"""Points of a trend at most: as many as a line on a page shows apart, so that what they cost does not grow with history."""
_UNSAID = "its documents are not right, so that its records cannot be counted"
_Place = tuple[str, str]


class Seen(NamedTuple):
    """What the data was at a commit.

    Attributes:
        point: how much, and what was found.
        sides: dataset and task to the agreement; None where there is none.
        people: names of those who made its records.
        problems: what could not be told.
    """

    point: page.Point
    sides: Mapping[_Place, Side | None]
    people: frozenset[str]
    problems: tuple[Problem, ...]


class Watcher(NamedTuple):
    """What looks at commits.

    Attributes:
        git: the repository.
        reader: reads objects.
        cache: where counts and findings of a shard are remembered by its ids.
        brought: the date, and people to look for.
        jobs: worker processes.
    """

    git: Git
    reader: Reader
    cache: Cache
    brought: Brought
    jobs: int


def chosen(line: Sequence[Commit], most: int = MOST) -> list[Commit]:
    """Return the commits of a line at which the data is looked at, oldest first.

    The time from the first to the last is cut into equal spans: each gives its last commit, so that a busy day takes no more
    room than a quiet one; the first and the last commit are always there. Dates are what committers claim, and none is taken
    for earlier than one before it on the line.

    Args:
        line: commits along first parents, oldest first.
        most: points at most.
    """
    if len(line) <= most:
        return list(line)
    times, latest = [], 0.0
    for one in line:
        latest = max(latest, datetime.fromisoformat(one.committed).timestamp())
        times.append(latest)
    whole = times[-1] - times[0]
    last: dict[int, Commit] = {}
    for one, at in zip(line, times, strict=True):
        last[min(most - 2, int((at - times[0]) * (most - 1) / whole)) if whole else 0] = one
    return [line[0], *(one for one in last.values() if one.id != line[0].id)]


def at(watcher: Watcher, commit: Commit) -> Seen | None:
    """Return what the data was at a commit; None where there was no project yet.

    Raises:
        StoreError: git cannot be read.
    """
    git, reader, cache, brought, jobs = watcher
    snapshot = tree.commit(git, commit.id)
    if projects.TOP not in snapshot.entries:
        return None
    project = projects.examine(git, snapshot, reader, cache)[1]
    problems: list[Problem] = []
    found: Counter[str] | None = None
    try:
        report = check.everything(git, snapshot, brought=brought, jobs=jobs)
        found = Counter(one.severity for one in report.findings)
    except (ConfigurationError, DataError, StoreError) as error:
        problems.append(Problem(commit.id, error.message))
    counted: Mapping[str, Census] | None = None
    try:
        counted = _counted(git, reader, cache, snapshot, project) if project else None
    except StoreError as error:
        problems.append(Problem(commit.id, error.message))
    sizes: list[int | None] = [None, None]
    if counted is None:
        problems += [] if project else [Problem(commit.id, _UNSAID)]
        counted = {}
    else:
        sizes = [sum(getattr(one, name) for one in counted.values()) for name in ("items", "records")]
    told = [None if found is None else found[severity] for severity in ("error", "warning", "note")]
    sides = {place: side for name, one in counted.items() for place, side in _sides(name, one, project).items()}
    people = frozenset(name for one in counted.values() for name in one.people)
    return Seen(page.Point(commit.id, calendar.day_at(commit.committed), *sizes, *told), sides, people, tuple(problems))


def agreed(git: Git, reader: Reader, commit: str) -> dict[tuple[str, str], Side | None]:
    """Return how far people agreed at a commit, by dataset and task; None where too few items have two answers.

    Args:
        git: the repository.
        reader: reads objects.
        commit: its id; its documents are right.

    Raises:
        ConfigurationError: they are not.
        StoreError: data are missing.
    """
    snapshot = tree.commit(git, commit)
    with Cache(git) as cache:
        project = projects.load(git, snapshot, reader, cache)
        counted = _counted(git, reader, cache, snapshot, project)
    return {place: side for name, one in counted.items() for place, side in _sides(name, one, project).items()}


def _counted(git: Git, reader: Reader, cache: Cache, snapshot: Snapshot, project: Project) -> dict[str, Census]:
    drawn = veil.over(git, snapshot, reader=reader)
    return {
        name: census.of(reader, cache, snapshot, dataset, census.asked(project, dataset, drawn))
        for name, dataset in sorted(project.datasets.items())
    }


def _sides(name: str, counted: Census, project: Project | None) -> dict[_Place, Side | None]:
    found: dict[_Place, Side | None] = {}
    for task, sums in counted.agreement.items():
        if project is not None and task in project.tasks:
            side = agreement.side(sums)
            found[name, task] = spread.side(side) if side else None
    return found


def told(seen: Sequence[Seen], wanted: float | None, most: int = MOST) -> page.Trends:
    """Return trends.

    Args:
        seen: what the data was at each point, oldest first.
        wanted: the alpha that the project wants to reach.
        most: points there are at most.
    """
    places = sorted({place for one in seen for place in one.sides})
    series = [_series(place, [one.sides.get(place) for one in seen], wanted) for place in places]
    problems = tuple(problem for one in seen for problem in one.problems)
    return page.Trends(most, tuple(one.point for one in seen), tuple(series), problems)


def _series(place: _Place, sides: Sequence[Side | None], wanted: float | None) -> page.Series:
    why = "" if sides[-1] else spread.FEW
    return page.Series(*place, why, wanted, tuple(sides))
