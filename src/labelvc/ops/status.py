"""Status: the project on one screen, with what changed and what to do next."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.core.diff import Summary, Tally, compare
from labelvc.core.quorum import Standing
from labelvc.errors import RefusedError, StoreError
from labelvc.model.change import Kind
from labelvc.model.hooks import HOOKS
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import ceremony, diff, install, sizes, trust, verify
from labelvc.ops import course as courses
from labelvc.ops import project as projects
from labelvc.ops.seals import Seal
from labelvc.store import conflicts, files, pending, tree
from labelvc.store import git as plumbing
from labelvc.store.conflicts import Conflicts
from labelvc.store.git import Git
from labelvc.store.journal import Pending
from labelvc.store.pairing import Apart
from labelvc.store.stale import Stale, among

_TARGETS = ("origin/HEAD", "main", "master", "@{upstream}")
_FINE = ("approved", "unchanged")


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


class Moves(NamedTuple):
    """What changed from one moment to the next.

    Attributes:
        whole: counts over everything.
        datasets: dataset to the counts of its records and items; those without a change are left out.
        files: counts of files that are neither shards nor documents: hooks, attributes, trust, and what strayed in.
    """

    whole: Summary
    datasets: dict[str, Summary]
    files: Counter[Kind]


class Merging(NamedTuple):
    """A merge, rebase, cherry-pick or revert that stopped.

    Attributes:
        paths: what git holds to be in conflict.
        shards: path of a shard in conflict to the number of places in it that still have conflict markers.
        begun: whether a merge waits for its commit, in conflict or not.
        killed: whether it was killed while it wrote files.
    """

    paths: list[str]
    shards: dict[str, int]
    begun: bool
    killed: bool


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
        untracked: dataset to its shards that git does not know yet; their records count as not staged.
        stale: folders behind DVC pointers that are not what these name, or whose pointer or manifest was edited.
        merging: what a merge left to do.
        interrupted: what a killed command left; None when there is nothing.
        waiting: what the commits of this branch still need to be believed; None without a policy, or nothing to judge.
        installed: whether this clone has the hooks.
        drafts: trust files of the work tree that wait for signatures.
    """

    project: Project
    branch: str
    commit: str
    counts: list[Count]
    staged: Moves
    unstaged: Moves
    untracked: dict[str, int]
    stale: list[Stale | Apart]
    merging: Merging
    interrupted: Pending | None
    waiting: Waiting | None
    installed: bool
    drafts: tuple[Seal, ...]


def look(git: Git, pin: str | None = None, now: int = 0) -> Status:
    """Read the status of a repository's work tree.

    Args:
        git: the repository.
        pin: digest of root version 1 that the reader got from somewhere else; None when they have none.
        now: seconds since 1970: what is merged comes in no earlier.

    Returns:
        The status.

    Raises:
        ConfigurationError: it holds no labels project.
        StoreError: a file cannot be read.
    """
    interrupted = files.interrupted(git)
    head, index = tree.staged(git, settled=False)
    work = tree.work(git, settled=False)
    with tree.reader(git) as reader:
        project = projects.load(git, work, reader)
        drafts = ceremony.drafts(reader, work)
    counts = [_count(git, project, index, work, name) for name in sorted(project.datasets)]
    branch = plumbing.run(git, "branch", "--show-current").decode("utf-8", "replace").strip()
    torn = conflicts.find(git)
    sides = [torn.without(side) for side in (head, index, work)]
    staged, unstaged = _moves(git, *sides[:2]), _moves(git, *sides[1:])
    waiting, merging = _waiting(git, head, branch, pin, now), _merging(git, torn)
    behind = [f"datasets/{count.name}/annotations" for count in counts if count.storage == "dvc"]
    known = (
        project,
        branch,
        head.commit,
        counts,
        staged,
        unstaged,
        _untracked(index, work, merging),
        among(git, behind),
    )
    return Status(*known, merging, interrupted, waiting, _installed(git), drafts)


def _moves(git: Git, old: Snapshot, new: Snapshot) -> Moves:
    """Count what differs between two snapshots, altogether and by dataset."""
    whole, tallies, loose = Tally(), dict[str, Tally](), Counter[Kind]()
    for delta in diff.between(git, old, new):
        seen = compare(delta)
        if not isinstance(delta.key, Key) and projects.noun_of(delta.key) is None:
            loose[seen.kind] += 1
            continue
        whole.add(seen)
        if isinstance(delta.key, Key):
            tallies.setdefault(delta.key.dataset, Tally()).add(seen)
    return Moves(whole.summary(), {name: tally.summary() for name, tally in sorted(tallies.items())}, loose)


def _untracked(index: Snapshot, work: Snapshot, merging: Merging) -> dict[str, int]:
    """Count the shards git does not know, by dataset; what lies behind a DVC pointer is rightly none of git's."""
    found: dict[str, int] = {}
    for path in work.entries.keys() - index.entries.keys() - set(merging.paths):
        parsed = shard.parse_path(path)
        if parsed and f"datasets/{parsed[0]}/{parsed[1]}.dvc" not in work.entries:
            found[parsed[0]] = found.get(parsed[0], 0) + 1
    return found


def _merging(git: Git, torn: Conflicts) -> Merging:
    begun = pending.read(git)
    killed = begun is not None and begun.writing
    return Merging(torn.paths, torn.shards, (git.directory / "MERGE_HEAD").exists(), killed)


def _installed(git: Git) -> bool:
    """Tell whether the hooks are in this clone; where git will not let us have them, `install` would be no help."""
    try:
        folder = install.hooks_folder(git)
    except RefusedError:
        return True
    return all(install.is_ours(folder / name) or install.is_framework(git, folder / name) for name in HOOKS)


def _waiting(git: Git, head: Snapshot, branch: str, pin: str | None, now: int) -> Waiting | None:
    """Judge what HEAD brings to the branch it will most likely be merged into; on that branch itself, each of its steps."""
    target = next((name for name in _TARGETS if _brings(git, name)), None) if trust.POLICY in head.entries else None
    if target is None:
        return None
    own = _is_own(git, target, branch)
    words = f"{target}..HEAD" if own else f"{target}...HEAD"
    steps, _ = verify.verify(git, courses.read(git, words), pin, least=now)
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


def _count(git: Git, project: Project, index: Snapshot, work: Snapshot, name: str) -> Count:
    """Count a dataset's lines without decoding any."""
    storage, folder = project.datasets[name].storage, f"datasets/{name}/annotations/"
    shards = sum(path.startswith(folder) and shard.parse_path(path) is not None for path in work.entries)
    try:
        found = sizes.totals(git, index, work, name)
    except StoreError:  # DVC objects that nobody has pulled
        return Count(name, storage, -1, -1, 0, shards)
    return Count(name, storage, found.items, found.annotations - found.gone, found.gone, shards)
