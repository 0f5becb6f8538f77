"""Foresight: what a check would say of the work tree if some documents were otherwise; nothing of it is written there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from labelvc.core import diff, profiles
from labelvc.core.diff import Comparison
from labelvc.model import listing
from labelvc.model.change import Delta
from labelvc.model.finding import SEVERITIES, Finding
from labelvc.model.project import CheckSetting, Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import catalogue, check, documents
from labelvc.ops import project as projects
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.look import Advance
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

_RANKS = ("off", *SEVERITIES)


class Turned(NamedTuple):
    """A setting of a rule, or of reviews, that is another one then, with what it comes to where a dataset says nothing itself.

    Attributes:
        dataset: which dataset's.
        rule: of which rule; `review`.
        member: `severity` or `threshold`; of reviews `slices`, `examples` or `budget`.
        old, new: its values; None of a rule whose default nobody here knows, and where nothing is said of reviews.
        softer: whether it is a lower severity, or a review shows less.
    """

    dataset: str
    rule: str
    member: str
    old: str | float | None
    new: str | float | None
    softer: bool


class Effect(NamedTuple):
    """What would come of it.

    Attributes:
        changes: the documents, by what they say.
        fresh: findings that it brings.
        gone: findings that it ends.
        settings: of rules, that turn.
        broken: whether the documents would not fit together any more, so that nothing else could be told.
    """

    changes: Sequence[Comparison]
    fresh: Sequence[Finding]
    gone: Sequence[Finding]
    settings: Sequence[Turned]
    broken: bool


def foresee(
    git: Git,
    work: Snapshot,
    wanted: Mapping[str, bytes | None],
    *,
    brought: Brought = NOTHING,
    jobs: int = 1,
    advance: Advance | None = None,
) -> Effect:
    """Check the work tree with some documents as they shall be, and tell what differs from how they are.

    Args:
        git: the repository; the bytes become objects of it, which nothing refers to.
        work: the work tree.
        wanted: path to bytes, None for a document that shall go.
        brought: the date, and people to look for.
        jobs: worker processes.
        advance: called with the number of shards done.

    Raises:
        StoreError: a file cannot be read, or the disk is full.
    """
    new = work._replace(
        entries=listing.of(work.entries).over({path: _entry(git, data) for path, data in wanted.items()})
    )
    with tree.reader(git) as reader, Cache(git) as cache:
        seen = []
        for path, data in sorted(wanted.items()):
            entry = work.entries.get(path)
            old = reader.read(path, entry) if entry else None
            if old != data:
                seen.append(documents.told(diff.compare(Delta(path, old, data))))
        before, former = projects.examine(git, work, reader, cache)
        found, project = projects.examine(git, new, reader, cache)
    if project is None:
        return Effect(seen, found, (), (), broken=True)
    fresh = check.changed(git, work, new, brought=brought, jobs=jobs, advance=advance).findings
    if former is None:  # nobody can tell what was found before in the rest of a project that did not fit together
        return Effect(seen, [one for one in fresh if one.place.path in wanted], before, (), broken=False)
    gone = check.changed(git, new, work, brought=brought, jobs=jobs).findings
    return Effect(seen, fresh, gone, list(_turned(former, project)), broken=False)


def _entry(git: Git, data: bytes | None) -> Entry | None:
    if data is None:
        return None
    return Entry("git", plumbing.run(git, "hash-object", "-w", "--stdin", data=data).decode().strip())


def _turned(old: Project, new: Project) -> Iterator[Turned]:
    """Yield the settings that differ between two projects, of datasets that both have."""
    rules = catalogue.every()
    for name, dataset in sorted(new.datasets.items()):
        before = old.datasets[name].checks if name in old.datasets else {}
        if name in old.datasets:
            yield from _reviewed(old.datasets[name], dataset)
        for rule in sorted(before.keys() | dataset.checks.keys()):
            one, two = before.get(rule, CheckSetting()), dataset.checks.get(rule, CheckSetting())
            default = rules.get(rule)
            said = [setting.severity or (default.severity if default else None) for setting in (one, two)]
            if said[0] != said[1]:
                softer = None not in said and _RANKS.index(said[1] or "") < _RANKS.index(said[0] or "")
                yield Turned(name, rule, "severity", said[0], said[1], softer)
            limits = [
                (default.threshold if default else None) if setting.threshold is None else setting.threshold
                for setting in (one, two)
            ]
            if limits[0] != limits[1]:
                yield Turned(name, rule, "threshold", limits[0], limits[1], softer=False)


def _reviewed(old: Dataset, new: Dataset) -> Iterator[Turned]:
    """Yield what differs in how reviews of a dataset are wanted."""
    if old.slices != new.slices:
        one, two = (", ".join(side.slices) or None for side in (old, new))
        fewer = not set(old.slices) <= set(new.slices)
        yield Turned(old.name, profiles.REVIEW, "slices", one, two, fewer)
    for member, usual in (("examples", profiles.EXAMPLES), ("budget", profiles.BUDGET)):
        before, after = getattr(old.review, member), getattr(new.review, member)
        if before != after:
            softer = (usual if after is None else after) < (usual if before is None else before)
            yield Turned(old.name, profiles.REVIEW, member, before, after, softer)
