"""Status: the project on one screen, with what changed and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.core.decide import Standing
from labelvc.core.diff import Summary
from labelvc.errors import RefusedError, StoreError
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import diff, install, trust, verify
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_TARGETS = ("origin/HEAD", "main", "master", "@{upstream}")
_FINE = ("approved", "unchanged")
_GONE = b'"gone":true'


class Count(NamedTuple):
    """How much is in a dataset.

    Attributes:
        name: of the dataset.
        storage: `git` or `dvc`.
        items, records: how many, without those that are gone; -1 when they are not on this machine.
        gone: tombstones.
        shards: files of annotations.
    """

    name: str
    storage: str
    items: int
    records: int
    gone: int
    shards: int


class Waiting(NamedTuple):
    """How the policy sees what a branch brings.

    Attributes:
        range: what was judged, `main...HEAD`; on main itself the first step that waits, or all that is not pushed yet.
        state: see `labelvc.core.decide.Decision`.
        needs: those that are not met.
    """

    range: str
    state: str
    needs: list[Standing]


class Status(NamedTuple):
    """The project at this moment.

    Attributes:
        project: its documents, from the work tree.
        branch: name of the branch; empty when HEAD is detached.
        commit: HEAD; empty before the first commit.
        counts: one a dataset, by name.
        staged: what the index holds and HEAD does not.
        unstaged: what the work tree holds and the index does not.
        conflicts: paths a merge left in conflict.
        waiting: what the commits of this branch still need to be believed; None without a policy, or nothing to judge.
        installed: whether this clone has the hooks.
    """

    project: Project
    branch: str
    commit: str
    counts: list[Count]
    staged: Summary
    unstaged: Summary
    conflicts: list[str]
    waiting: Waiting | None
    installed: bool


def look(git: Git, pin: str | None = None) -> Status:
    """Read the status of a repository's work tree.

    Args:
        git: the repository.
        pin: digest of root version 1 that the reader got from somewhere else; None when they have none.

    Returns:
        The status.

    Raises:
        ConfigurationError: it holds no labels project.
        StoreError: a file cannot be read.
    """
    head = tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()
    index, work = tree.index(git), tree.work(git)
    with tree.reader(git) as reader:
        project = projects.load(git, work, reader)
    counts = [_count(git, project, work, name) for name in sorted(project.datasets)]
    branch = plumbing.run(git, "branch", "--show-current").decode("utf-8", "replace").strip()
    staged, unstaged = diff.summary(git, head, index), diff.summary(git, index, work)
    waiting = _waiting(git, head, branch, pin)
    conflicts = plumbing.unmerged(git)
    return Status(project, branch, head.commit, counts, staged, unstaged, conflicts, waiting, _installed(git))


def _installed(git: Git) -> bool:
    """Tell whether the hooks are in this clone; where git will not let us have them, `install` would be no help."""
    try:
        folder = install.hooks_folder(git)
    except RefusedError:
        return True
    return all(install.is_ours(folder / name) or install.is_framework(git, folder / name) for name in install.HOOKS)


def _waiting(git: Git, head: Snapshot, branch: str, pin: str | None) -> Waiting | None:
    """Judge what HEAD brings to the branch it will most likely be merged into; on that branch itself, each of its steps."""
    target = next((name for name in _TARGETS if _brings(git, name)), None) if trust.POLICY in head.entries else None
    if target is None:
        return None
    own = _is_own(git, target, branch)
    words = f"{target}..HEAD" if own else f"{target}...HEAD"
    steps, _ = verify.verify(git, verify.course(git, words), pin)
    step = next((each for each in steps if each.state not in _FINE), steps[-1])
    if own and step.state not in _FINE:
        words = f"{step.parent[:12]}..{step.commit[:12]}"
    return Waiting(words, step.state, [need for need in step.needs if need.have < need.asked])


def _is_own(git: Git, target: str, branch: str) -> bool:
    """Tell whether a target is what the branch we are on is called elsewhere, and we have only gone on from there."""
    name = plumbing.run(git, "rev-parse", "--abbrev-ref", target).decode("utf-8", "replace").strip()
    ahead = plumbing.is_ancestor(git, target, "HEAD")
    return bool(branch) and name.partition("/")[2] == branch and ahead and _leads_to(git, target)


def _leads_to(git: Git, target: str) -> bool:
    """Tell whether the target is on the first-parent line of HEAD."""
    start, head = plumbing.resolve(git, target), plumbing.resolve(git, "HEAD")
    return plumbing.first_parents(git, start, head)[0][0] == start


def _brings(git: Git, target: str) -> bool:
    """Tell whether there is such a branch and HEAD brings something to it."""
    try:
        return plumbing.merge_base(git, target, "HEAD") != plumbing.head(git)
    except StoreError:
        return False


def _count(git: Git, project: Project, work: Snapshot, name: str) -> Count:
    """Count a dataset's lines without decoding any."""
    places = [(found, path, work.entries[path]) for path in work.entries if (found := shard.parse_path(path))]
    mine = [(found[1], path, entry) for found, path, entry in places if found[0] == name]
    shards = sum(layer == "annotations" for layer, _, _ in mine)
    try:
        with tree.reader(git) as reader:
            data = zip((layer for layer, _, _ in mine), reader.many([place[1:] for place in mine]), strict=True)
            items, records, gone = _added(_lines(data))
    except StoreError:  # DVC objects that nobody has pulled
        return Count(name, project.datasets[name].storage, -1, -1, 0, shards)
    return Count(name, project.datasets[name].storage, items, records, gone, shards)


def _lines(data: Iterable[tuple[str, tuple[str, bytes]]]) -> Iterator[tuple[int, int, int]]:
    for layer, (_, raw) in data:
        lines, gone = raw.count(b"\n"), raw.count(_GONE) if layer == "annotations" else 0
        yield (lines, 0, 0) if layer == "items" else (0, lines - gone, gone)


def _added(rows: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    items = records = gone = 0
    for one, two, three in rows:
        items, records, gone = items + one, records + two, gone + three
    return items, records, gone
