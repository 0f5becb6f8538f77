"""Retired: what of labels out of use holds only for what is new, and what of the records there before it may not hold against.

A label that is taken out of use stands in records until somebody decides them again; only a new answer must not have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labelvc.core.diff import decoded
from labelvc.model.finding import Finding
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops.finder import Finder
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

RULE = "label.deprecated"


def known(
    git: Git,
    findings: Sequence[Finding],
    before: Sequence[Finding],
    old: tuple[Project, Snapshot],
    new: tuple[Project, Snapshot],
) -> list[Finding]:
    """Return what was found before the change, of labels out of use just what is about answers that stay as they were.

    Args:
        git: the repository.
        findings: what was found in the new snapshot.
        before: what was found in the old one.
        old: the project before, and its snapshot.
        new: the project, and the snapshot that was looked at.

    Raises:
        StoreError: a shard cannot be read.
    """
    return [*[one for one in before if one.rule != RULE], *_of(git, findings, old, new)]


def _of(
    git: Git, findings: Sequence[Finding], old: tuple[Project | None, Snapshot], new: tuple[Project, Snapshot]
) -> Iterator[Finding]:
    """Yield the findings that are about answers which were there before: labels that went out of use under them."""
    some = [one for one in findings if one.rule == RULE]
    if not some or old[0] is None:
        return
    with tree.reader(git) as reader:
        before, after = Finder(old[0], old[1], reader), Finder(*new, reader)
        for one in some:
            key = Key.parse(one.place.key)
            if stood(before.line(key), after.line(key)):
                yield one


def stood(old: bytes | None, new: bytes | None) -> bool:
    """Tell whether a record has the answer that its line before had: labels went out of use under it."""
    said = decoded(old)
    return bool(said) and said.get("value") == decoded(new).get("value")


def softer(one: Finding) -> Finding:
    """Return a finding about an answer that was there before as a warning: it waits to be decided."""
    return one._replace(severity="warning")


def softened(git: Git, findings: list[Finding], project: Project, snapshot: Snapshot, cache: Cache) -> list[Finding]:
    """Return findings with those about answers that the last commit has already as warnings: they wait to be decided.

    Args:
        git: the repository.
        findings: what was found in a snapshot.
        project: its project.
        snapshot: what was looked at.
        cache: where documents are remembered.

    Raises:
        StoreError: a shard cannot be read.
    """
    if not any(one.rule == RULE for one in findings) or not plumbing.head(git):
        return findings
    head = tree.commit(git, "HEAD")
    former = None
    if projects.TOP in head.entries:
        with tree.reader(git) as reader:
            former = projects.examine(git, head, reader, cache)[1]
    kept = set(_of(git, findings, (former, head), (project, snapshot)))
    return [softer(one) if one in kept else one for one in findings]
