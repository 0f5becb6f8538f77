"""Report: the lead's dashboard over a first-parent line: progress, trends, reviews, work, label changes, what is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from labelvc import __version__
from labelvc.core import calendar
from labelvc.errors import ConfigurationError, StoreError
from labelvc.model import dashboard as page
from labelvc.model.commit import Commit
from labelvc.model.dashboard import Dashboard
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import milestones, progress, registers, trends, veil, waiting, work, worklist
from labelvc.ops import project as projects
from labelvc.ops.course import Course
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.look import Advance
from labelvc.ops.milestones import Lens
from labelvc.ops.registers import Document
from labelvc.ops.trends import Seen, Watcher
from labelvc.ops.waiting import Waits
from labelvc.store import git as plumbing
from labelvc.store import log, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_MOST = 40
_ALPHA = "alpha"


class Asked(NamedTuple):
    """What is asked for.

    Attributes:
        rev: whose first-parent line.
        since, to: dates that bound it, as git reads them; empty for none.
        by: pointer of the slice by which progress is told; empty: the first that each dataset declares.
        pin: digest of root version 1, from outside the repository; None when there is none.
        brought: the date, and people to look for.
        jobs: worker processes.
        advance: called with the number of commits that were looked at, and told how many there are.
    """

    rev: str = "HEAD"
    since: str = ""
    to: str = ""
    by: str = ""
    pin: str | None = None
    brought: Brought = NOTHING
    jobs: int = 1
    advance: Advance | None = None


def report(git: Git, asked: Asked) -> Dashboard:
    """Return everything that a dashboard says.

    Args:
        git: the repository.
        asked: of which line, and how.

    Returns:
        The dashboard. The same history gives the same value, whatever the number of jobs; only dates are judged by the day.

    Raises:
        ConfigurationError: no commit lies between the dates, there is no labelvc.yaml at the head, or no such slice.
        DataError: a document of a register cannot be read.
        StoreError: an unknown revision, a shallow clone, or missing data.
    """
    line, base = _line(git, asked)
    head = line[-1].id
    commits = int(plumbing.run(git, "rev-list", "--count", head, *([f"^{base}"] if base else [])))
    points = trends.chosen(line)
    advance = asked.advance or _silent
    snapshot = tree.commit(git, head)
    governed = bool(plumbing.run(git, "rev-list", "--max-count=1", head, "--", "trust/").strip())
    advance(0, total=commits + len(line) * governed + len(points))
    with tree.reader(git) as reader, Cache(git) as cache:
        project = projects.load(git, snapshot, reader, cache)
        drawn = veil.over(git, snapshot, reader=reader)
        how_far = tuple(progress.of(reader, cache, snapshot, project, drawn, asked.by))
        from_day = asked.brought.today if not asked.to else calendar.day_at(line[-1].committed)
        goals = tuple(milestones.of(Lens(git, reader, cache, project, drawn), line, from_day))
        edits = work.read(git, reader, cache, head, base, veil.throughout(git, snapshot), advance)
        waits = _waits(git, reader, base, line, asked, governed=governed)
        seen = list(_seen(Watcher(git, reader, cache, asked.brought, asked.jobs), points, advance))
        days = [day for _, day in edits.made]
        stretches = calendar.over([*days, *(date.fromisoformat(one.day) for one in waits.measured)])
        first, last = calendar.day_at(line[0].committed), calendar.day_at(line[-1].committed)
        return Dashboard(
            page.Line(asked.rev, head, base, asked.since, asked.to, first, last, len(line), commits),
            _now(seen[-1], project),
            how_far,
            goals,
            trends.told(seen, _wanted(git, reader, snapshot)),
            waiting.told(waits, stretches),
            work.told(edits, stretches),
            work.turned(edits),
            _registers(git, snapshot, asked.brought.today),
            tuple(_manuals(git, project, head)),
            _source(asked, head, base, waits),
        )


def _silent(n: int = 1, /, *, total: int | None = None) -> None:
    """Tell nobody."""


def _line(git: Git, asked: Asked) -> tuple[list[Commit], str]:
    """Return the commits of the line that count, oldest first, and the commit before them; empty where there is none.

    It ends with the newest commit that is not after the last date, and begins after the newest one before the first date:
    clocks differ, so no commit's date says anything of the next.
    """
    pairs = plumbing.first_parents(git, "", asked.rev)
    known = log.named(git, [commit for _, commit in pairs])
    line = [known[commit] for _, commit in pairs]
    since, to = [log.moment(git, date) if date else None for date in (asked.since, asked.to)]
    end = len(line)
    while to is not None and end and _time(line[end - 1]) > to:
        end -= 1
    start = end
    while start and (since is None or _time(line[start - 1]) >= since):
        start -= 1
    if start == end:
        said = " and ".join([f"{word} {date}" for word, date in (("since", asked.since), ("up to", asked.to)) if date])
        raise ConfigurationError(
            f"no commit of {asked.rev} along first parents is {said}", hint=f"git log --first-parent {asked.rev}"
        )
    return line[start:end], line[start - 1].id if start else ""


def _time(commit: Commit) -> float:
    return datetime.fromisoformat(commit.committed).timestamp()


def _waits(git: Git, reader: Reader, base: str, line: Sequence[Commit], asked: Asked, *, governed: bool) -> Waits:
    """Judge the steps of the line; where no policy is in force nobody had to approve, and nothing is read."""
    advance = asked.advance or _silent
    if not governed:
        return waiting.none(len(line))
    befores = [base, *(one.id for one in line[:-1])]
    pairs = [(before, one.id) for before, one in zip(befores, line, strict=True)]
    return waiting.of(git, reader, Course(base, line[-1].id, pairs), asked.pin, advance)


def _seen(watcher: Watcher, points: Sequence[Commit], advance: Advance) -> Iterator[Seen]:
    """Yield what the data was at the points: the head judged by today, each other one by its own day."""
    for commit in points[:-1]:
        day = calendar.day_at(commit.committed)
        found = trends.at(watcher._replace(brought=watcher.brought._replace(today=day)), commit)
        if found is not None:
            yield found
        advance()
    found = trends.at(watcher, points[-1])
    if found is not None:
        yield found
    advance()


def _now(seen: Seen, project: Project) -> page.Now:
    people = [name for name in seen.people if not name.startswith("(")]
    return page.Now(len(project.datasets), seen.point.items or 0, seen.point.records or 0, len(people))


def _wanted(git: Git, reader: Reader, snapshot: Snapshot) -> float | None:
    """Return the alpha that the project wants to reach; None where it does not say."""
    (said,) = projects.values(git, [("project", reader.read(projects.TOP, snapshot.entries[projects.TOP]))])
    found = said.get("targets", {}).get(_ALPHA)
    return None if found is None else float(found)


def _registers(git: Git, snapshot: Snapshot, day: str) -> page.Registers:
    listed = registers.listed(git, snapshot, day)
    still = [one for one in listed if one.value["status"] == "open"]
    still.sort(key=lambda one: (one.late is None, one.late.since if one.late else one.value.get("due", "9999"), one.id))
    late = sum(one.late is not None for one in still)
    rows = tuple(map(_registered, still[:_MOST]))
    return page.Registers(len(still), late, len(listed) - len(still), rows, len(still) - len(rows))


def _registered(one: Document) -> page.Registered:
    value, late = one.value, one.late
    lapsed = (late.member, late.since, late.asked) if late else ("", "", "")
    return page.Registered(one.id, value["title"], value["owner"], value["opened"], value.get("due", ""), *lapsed)


def _manuals(git: Git, project: Project, head: str) -> Iterator[page.Manual]:
    """Yield the guidelines; records of one that was only ever published once cannot be behind it."""
    for name, found in sorted(project.guidelines.items()):
        records, why = 0, ""
        if len(found.versions) > 1:
            try:
                records = sum(not entry.done for entry in worklist.of(git, name, at=head).entries)
            except StoreError as error:
                records, why = -1, error.message
        yield page.Manual(name, found.version, found.status, None if why else records, why)


def _source(asked: Asked, head: str, base: str, waits: Waits) -> page.Source:
    bounds = [f" --{word} '{said}'" for word, said in (("since", asked.since), ("to", asked.to)) if said]
    by = f" --by {asked.by}" if asked.by else ""
    root = ", ".join(sorted(waits.anchors))
    return page.Source(
        f"labelvc {__version__}", asked.brought.today, root, f"labelvc report {head}{''.join(bounds)}{by}"
    )
