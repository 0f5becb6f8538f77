"""Audit of merges: every merge commit of a range worked out again by record and held against what was committed.

A host's merge button runs no driver, `-X ours` throws changes away without a word, and a merge commit can be edited by
hand. None of that leaves a trace in the history but the merge commit itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Self

from labelvc.codec import shard
from labelvc.core import audit, markers, reconcile
from labelvc.core.audit import Cell, Side, Verdict
from labelvc.core.reconcile import Rules
from labelvc.errors import DataError, StoreError
from labelvc.model.names import Key, Layer
from labelvc.model.snapshot import Snapshot
from labelvc.ops import layers, strategies, subtree, threeway
from labelvc.ops.layers import Version
from labelvc.store import git as plumbing
from labelvc.store import merges as history
from labelvc.store import patch
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_KEPT = 6  # versions kept, since a parent of one merge is often the base or a parent of the next
_LABELS = "datasets"


class Merge(NamedTuple):
    """A merge commit.

    Attributes:
        commit: its id.
        parents: ids of its parents, two or more.
        judge: commit whose settings say what merging gives: what was there before the step that brought the merge; empty for
            its first parent.
    """

    commit: str
    parents: tuple[str, ...]
    judge: str = ""


class Found(NamedTuple):
    """A verdict on a line of a merge commit, and the path of a shard it was found in."""

    path: str
    verdict: Verdict


def merges(git: Git, words: str | None) -> list[Merge]:
    """Return the merge commits of a range, parents before children.

    Args:
        git: the repository.
        words: `A..B` or `A...B`: those of B that A lacks; `A`: all that lead to A; None: all that lead to HEAD.

    Returns:
        The merges, whatever they merged and on whichever side of another merge they lie. With three dots B is a branch for A,
        and A says how its merges should have gone; else what was there before each first-parent step says it, for A where it
        is none of those.

    Raises:
        StoreError: an unknown revision, or a shallow clone, in which nobody can tell.
    """
    words = words or "HEAD"
    mark = "..." if "..." in words else ".."
    base, _, head = words.partition(mark) if mark in words else ("", "", words)
    if mark in words:
        base = base or "HEAD"
    found = [Merge(ids[0], ids[1:]) for ids in history.between(git, base, head or "HEAD")]
    if not found:
        return []
    start = plumbing.resolve(git, base) if base else ""
    steps = [] if mark == "..." and base else history.steps(git, start, head or "HEAD")
    if start and (not steps or steps[0][1] != start):
        return [one._replace(judge=start) for one in found]
    judges = _judges(git, start, steps, found)
    return [one._replace(judge=judges.get(one.commit, "")) for one in found]


def _judges(git: Git, start: str, steps: Sequence[tuple[str, ...]], found: Sequence[Merge]) -> dict[str, str]:
    """Return what was there before the first-parent step that brought a commit, for those that are no such step."""
    own = {step[0] for step in steps}
    if all(one.commit in own for one in found):
        return {}
    parents = history.parents(git, steps[-1][0], start)
    judges: dict[str, str] = {}
    for step in steps:
        below = [*step[2:]]
        while below:
            commit = below.pop()
            if commit in parents and commit not in own and commit not in judges:
                judges[commit] = step[1]
                below += parents[commit]
    return judges


def subject(git: Git, commit: str) -> str:
    """Return the first line of a commit's message."""
    return history.subject(git, commit)


class Auditor:
    """Audits merges one after another; a context manager, since it keeps git's objects open between them.

    Args:
        git: the repository; nothing in it changes but for objects that nothing refers to.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._reader = Reader(git)
        self._versions: dict[str, Version] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of git."""
        self._reader.__exit__()

    def examine(self, found: Merge) -> Iterator[Found]:
        """Yield what is to be said of a merge, shard by shard.

        Args:
            found: the merge; one of more than two parents is worked out parent by parent, as git makes it.

        Yields:
            Verdicts, conflicts that a person decided among them; none when the merge is what merging gives.

        Raises:
            StoreError: it cannot be told: an object that is nowhere, or parents without a common ancestor.
            DataError: it cannot be told: a parent holds conflict markers.
        """
        ours, theirs = self._sides(found)
        sides = subtree.sides(self._git, self._reader, ours, theirs, found.commit)
        if _plain(history.folders(self._git, sides, _LABELS)):
            return
        versions = [self._version(commit) for commit in sides]
        for dataset, layer in sorted(set().union(*[version.layers for version in versions])):
            yield from self._layer(found, versions, dataset, layer)

    def snapshots(self, found: Merge) -> list[Snapshot]:
        """Return the versions that a merge and its first and last parent show, for a veil over them."""
        return [self._version(commit).snapshot for commit in (*found.parents, found.commit)]

    def _sides(self, found: Merge) -> tuple[str, str]:
        ours, *others = found.parents
        for other in others[:-1]:
            outcome = threeway.three_way(self._git, ours, other)
            if outcome.torn or outcome.stages:
                raise StoreError(
                    "a merge of more than two parents, the first of which are in conflict", where=found.commit[:10]
                )
            ours = threeway.combined(self._git, ours, other)
        return ours, others[-1]

    def _version(self, commit: str) -> Version:
        known = self._versions.pop(commit, None) or layers.version_of(self._git, commit, self._reader)
        self._versions[commit] = known  # the last one asked for stands last
        if len(self._versions) > _KEPT:
            del self._versions[next(iter(self._versions))]
        return known

    def _layer(self, found: Merge, versions: Sequence[Version], dataset: str, layer: Layer) -> Iterator[Found]:
        open_ones = [sides for sides in layers.cells(versions, dataset, layer) if not _plain(sides)]
        if not open_ones:
            return
        own = strategies.of(versions[1].project, dataset)
        rules = self._rules(found, dataset, own)
        stream = self._reader.many([pair for sides in open_ones for side in sides for pair in side.items()])
        for sides in open_ones:
            parts = [list(islice(stream, len(side))) for side in sides]
            yield from _cell(parts, layer, rules, own)

    def _rules(self, found: Merge, dataset: str, own: Rules) -> Rules:
        """Return what says how a dataset's lines should have merged; its own where who judges has no such dataset."""
        if found.judge in ("", *found.parents[:1]):
            return own
        project = self._version(found.judge).project
        return strategies.of(project, dataset) if project and dataset in project.datasets else own


def _cell(parts: Sequence[Sequence[tuple[str, bytes]]], layer: Layer, rules: Rules, own: Rules) -> Iterator[Found]:
    """Judge one cell; what only settings of the branch decided, nobody did."""
    path = next(name for side in reversed(parts) for name, _ in side)
    base, ours, theirs = [layers.joined(side) for side in parts[:3]]
    lines, torn = list[bytes](), list[bytes]()
    for name, data in parts[3]:
        if next(shard.markers(data), 0):
            yield Found(name, Verdict("markers", name))
        try:
            apart = markers.read(data, name)
        except DataError:  # what does not pair says nothing of any line
            return
        lines += apart.lines
        torn += [line for block in apart.blocks for line in (*block.ours, *(block.base or ()), *block.theirs)]
    cell = Cell(path, shard.lines(base), shard.lines(ours), shard.lines(theirs), lines, torn)
    mine, new = [patch.walk(path, base, side) for side in (ours, theirs)]
    verdicts = list(audit.audit(cell, mine, new, layer, rules, reconcile.resolver(layer, rules)))
    decided = frozenset[Key | str]()
    if own != rules and any(one.kind == "resolved" for one in verdicts):
        decided = frozenset(one.key for one in audit.audit(cell, mine, new, layer, own, reconcile.resolver(layer, own)))
    for one in verdicts:
        unseen = own != rules and one.kind == "resolved" and one.key not in decided
        yield Found(path, _by_nobody(one) if unseen else one)


def _by_nobody(verdict: Verdict) -> Verdict:
    """Return a conflict as what it is where no person decided it: the other side's change is lost."""
    loser: dict[str, Side] = {"ours": "theirs", "theirs": "ours"}
    return verdict._replace(kind="lost", side=loser.get(verdict.side, "both"))


def _plain(four: Sequence[object]) -> bool:
    """Tell at a glance that of base, ours, theirs and merge the last is what merging gives."""
    base, ours, theirs, merged = four
    return (theirs in (ours, base) and merged == ours) or (base == ours and merged == theirs)
