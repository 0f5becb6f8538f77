"""Privacy: what stands in plain in what is staged, in everything, or in every commit of a range and its message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.codec.detectors import DETECTORS
from labelvc.core import detect, leaks
from labelvc.core.gate import Gate
from labelvc.errors import StoreError
from labelvc.model.detection import Settings
from labelvc.model.finding import Finding
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import check, deposits, gates, plain, singly, unprotected
from labelvc.ops import project as projects
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.look import Advance
from labelvc.ops.singly import Commit
from labelvc.store import conflicts, tree
from labelvc.store import git as plumbing
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.process import UNSHALLOW

LIMITS = (
    "a name that no list and no filter holds, an address of a street, or what a sentence gives away is not recognised",
    "hooks are a courtesy: --no-verify, cherry-pick, rebase, revert, am and stash run none; CI and pre-receive look at every commit",
    "what was pushed once stays in every clone, and what a host keeps of it: `labelvc privacy incident` says where, and reaches only this clone",
    "an erasure reaches no other clone, no backup of the vault, no release that was handed out and nothing that was trained on it",
    "a holder's word that their copy of the vault forgot is a word: nothing proves that there is no other copy",
    "names and addresses of git authors and of people who sign approvals are not looked at: an audit needs them",
    "what `privacy.leaks.unread` names is not read; behind DVC neither are pictures, sound, films and archives, and nowhere what is compressed (zip, xlsx, gz, Parquet) or what a picture shows",
    "records under pseudonyms stay personal data: who holds the secret, or knows enough of what stands beside, finds the person",
    "`labelvc privacy risk` counts over the fields that are declared: what nobody declared, and text, tell more",
    "who may fetch reads everything in git: what some people must not read belongs in a repository of its own",
)
"""What cannot be promised."""


class Looked(NamedTuple):
    """What a scan came to.

    Attributes:
        findings: sorted by commit, path and line.
        base: what was compared with, or empty.
        head: what was looked at.
        commits: number of commits looked at; 0 for the index or the work tree.
    """

    findings: list[Finding]
    base: str
    head: str
    commits: int = 0


class Standing(NamedTuple):
    """What a project has looked for."""

    settings: Settings
    detectors: tuple[str, ...]
    off: tuple[str, ...]


def staged(git: Git, *, brought: Brought = NOTHING, jobs: int = 1, advance: Advance | None = None) -> Looked:
    """Look at what a commit would bring.

    Raises:
        StoreError: a merge left conflicts in the index, or a file cannot be read.
    """
    conflicts.refuse(git)
    old, new = tree.staged(git)
    return Looked(_plain(check.changed(git, old, new, brought=brought, jobs=jobs, advance=advance)), old.name, new.name)


def everything(git: Git, *, brought: Brought = NOTHING) -> Looked:
    """Look at all files of the work tree.

    Raises:
        ConfigurationError: there is no labelvc.yaml, or a document is wrong, so that nobody can tell what to look for.
        StoreError: a file cannot be read.
    """
    snapshot = tree.work(git)
    with Cache(git) as cache, tree.reader(git) as reader:
        project = projects.load(git, snapshot, reader, cache)
    found = plain.whole(git, gates.of(git, project, brought), snapshot)
    worth = gates.audit(git, project, snapshot, brought)
    return Looked(check.configured([*found, *worth], project), "", snapshot.name)


def history(git: Git, words: str, *, brought: Brought = NOTHING) -> Looked:
    """Look at every commit of a range by itself: what one brings and the next takes back was published all the same.

    Args:
        git: the repository.
        words: `A..B`, or `A...B` for what B has since the two parted.
        brought: the date, and people to look for.

    Returns:
        Findings, each naming its commit.

    Raises:
        StoreError: no range, an unknown revision, or a history that a shallow clone cuts off.
    """
    mark = "..." if "..." in words else ".."
    one, found, two = words.partition(mark)
    if not found:
        raise StoreError(f"{words!r} is no range", hint=f"labelvc privacy scan {words}..HEAD")
    base, head = plumbing.resolve(git, one or "HEAD"), plumbing.resolve(git, two or "HEAD")
    if mark == "...":
        base = plumbing.merge_base(git, base, head)
    commits = singly.commits(git, head, f"^{base}")
    if not all(commit.parents for commit in commits) and plumbing.is_shallow(git):
        raise StoreError("history ends early in this shallow clone", where=words, hint=UNSHALLOW)
    by = project_of(git, tree.commit(git, base))
    findings = [found for commit in commits for found in of_commit(git, commit, by, brought)]
    return Looked(findings, one, two, len(commits))


def message(git: Git, commit: str, gate: Gate) -> Iterator[Finding]:
    """Yield what stands in plain in the message of a commit, and in its head.

    Raises:
        StoreError: the commit cannot be read.
    """
    yield from leaks.in_object(f"message of commit {commit[:10]}", plumbing.held(git, commit)[2], gate)


def ref(git: Git, name: str, points_to: str, gate: Gate) -> Iterator[Finding]:
    """Yield what stands in plain in the name of a branch or tag, and in the messages of the tags that it points to.

    Raises:
        StoreError: a tag cannot be read.
    """
    yield from leaks.in_names((name,), gate)
    _, kind, data = plumbing.held(git, points_to)
    while kind == "tag":
        yield from leaks.in_object(f"message of tag {points_to[:10]}", data, gate)
        points_to = data.split(maxsplit=2)[1].decode()
        _, kind, data = plumbing.held(git, points_to)


def shown(name: str) -> str:
    """Return the name of a branch or tag with what stands in plain in it left out."""
    return leaks.hidden(name, detect.spans(name))


def gate_of(git: Git, by: Project | None, snapshot: Snapshot, brought: Brought) -> Gate:
    """Return what judges a message: whose settings do, else those of a snapshot's project."""
    return gates.of(git, by or project_of(git, snapshot), brought)


def project_of(git: Git, snapshot: Snapshot) -> Project | None:
    """Return a snapshot's project; None when there is none, or when its documents cannot be read."""
    if projects.TOP not in snapshot.entries:
        return None
    with Cache(git) as cache, tree.reader(git) as reader:
        return projects.examine(git, snapshot, reader, cache)[1]


def standing(git: Git) -> Standing:
    """Return what the project in the work tree has looked for."""
    project = project_of(git, tree.work(git))
    settings = project.leaks if project else Settings()
    rows = detect.detectors(settings)
    return Standing(settings, tuple(row.id for row in rows), tuple(row.id for row in DETECTORS if row not in rows))


def brought_by(
    git: Git, name: str, points_to: str, commits: Iterable[Commit], base: Snapshot, brought: Brought
) -> list[Finding]:
    """Return what stands in plain in what a push brings: each commit and its message, the ref's name, messages of tags.

    Args:
        git: the repository.
        name: of the ref.
        points_to: what it shall point to.
        commits: new ones, oldest first.
        base: whose settings judge.
        brought: the date, and people to look for.

    Raises:
        StoreError: a commit cannot be read.
    """
    by = project_of(git, base)
    found = list(ref(git, name, points_to, gates.of(git, by, brought)))
    return found + [one for commit in commits for one in of_commit(git, commit, by, brought)]


def of_commit(git: Git, commit: Commit, by: Project | None, brought: Brought) -> list[Finding]:
    """Return what stands in plain in a commit and none of its parents has, and in its message: of a merge, what it made up itself.

    Args:
        git: the repository.
        commit: the commit.
        by: whose settings judge; None for those of the commit's own parent.
        brought: the date, and people to look for.

    Returns:
        Findings, each naming the commit.

    Raises:
        StoreError: the commit cannot be read.
        TrustError: a gate key that would tell is not here.
    """
    pairs = list(singly.snapshots(git, commit))
    sides = [[*_side(git, old, new, by, brought), *unprotected.brought(git, old, new, by)] for old, new in pairs]
    found = [one for one in sides[0] if all(one in side for side in sides[1:])]
    found += message(git, commit.id, gate_of(git, by, pairs[0][0], brought))
    where = f" in commit {commit.id[:10]}"
    return [one if where in f" {one.place.path}" else _kept(one, where) for one in found]


def _kept(found: Finding, where: str) -> Finding:
    """Return a finding that says which commit keeps the value, and how it leaves history: to take it out of the file is not enough."""
    way = "; and out of history: labelvc privacy incident RULE PLACE --at COMMIT"
    hint = found.hint + way if found.rule.startswith(plain.RULE) else found.hint
    return found._replace(message=found.message + where, hint=hint)


def _side(git: Git, old: Snapshot, new: Snapshot, by: Project | None, brought: Brought) -> list[Finding]:
    """Return what a commit brings that one of its parents has not; a branch without a project is published as well."""
    project = by or project_of(git, old) or project_of(git, new)
    gate = gates.of(git, project, brought)
    if project is None:
        return list(plain.without_project(git, gate, old, new))
    paths = tree.changed(old, new)
    found = [*plain.standing(git, gate, new, paths, old), *deposits.leaking(git, gate, new, paths, old)]
    if not found:
        return []
    before = list(plain.standing(git, gate, old, [path for path in paths if not shard.parse_path(path)]))
    before = plain.same(git, old, new, found, before)
    return check.apart(check.configured(found, project), check.configured(before, project))[0]


def _plain(report: check.Report) -> list[Finding]:
    """Return the findings about plain text; those about documents too, since a project that cannot be read hides the rest."""
    return [found for found in report.findings if found.rule.startswith((plain.RULE, "document."))]
