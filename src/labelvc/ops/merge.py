"""Merge: bring a branch in record by record, the whole tree in one process, and leave git in the state it knows."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.ops import project as projects
from labelvc.ops import threeway
from labelvc.ops.threeway import Advance, Outcome
from labelvc.store import conflicts, disk, draft, files, folder, pending, stale, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.pending import Pending
from labelvc.store.pointer import manifest_path

if TYPE_CHECKING:
    from labelvc.ops.check import Report

State = Literal["merged", "forward", "current", "conflict", "wrong", "staged"]
_GO_ON = "labelvc resolve"


class Merge(NamedTuple):
    """What a merge came to.

    Attributes:
        state: `merged` as a commit; `forward`: the branch had nothing of its own; `current`: it was in already;
            `conflict`: a person decides; `wrong`: the merged labels break a check, nothing is committed; `staged`: as asked,
            nothing is committed.
        commit: id of the commit that HEAD is at afterwards.
        other: id of the commit that was merged.
        outcome: what was worked out, None for `forward` and `current`.
        report: what the check of the result came to, where it ran.
    """

    state: State
    commit: str
    other: str
    outcome: Outcome | None = None
    report: Report | None = None


def merge(
    git: Git,
    rev: str,
    *,
    message: str = "",
    commit: bool = True,
    forward: bool = True,
    jobs: int = 1,
    today: str = "",
    advance: Advance | None = None,
) -> Merge:
    """Merge a revision into HEAD.

    Args:
        git: the repository.
        rev: what to merge.
        message: of the merge commit; empty for git's own words.
        commit: end with a commit when nothing stands against it.
        forward: move the branch only, where HEAD has nothing of its own.
        jobs: worker processes of the check.
        today: date; exceptions and waivers hold until their last day.
        advance: called with the number of shards done.

    Returns:
        What it came to; with conflicts, the index and the work tree are as `git merge` leaves them.

    Raises:
        StoreError: changes that are not committed are in the way, git is in the middle of something, no common ancestor,
            an object is nowhere: then nothing was written.
    """
    with pending.alone(git):
        found = _begun(git, rev, message, commit=commit, forward=forward, advance=advance)
        if found.state != "staged":
            return found
        return _finished(git, found.outcome, commit=commit, jobs=jobs, today=today)


def _begun(git: Git, rev: str, message: str, *, commit: bool, forward: bool, advance: Advance | None) -> Merge:
    """Make index and work tree what a merge comes to; where nothing is in conflict that is `staged`."""
    with files.lock(git), tree.reader(git) as reader:
        clean = _ready(git)
        head, other = reader.resolve("HEAD"), reader.resolve(rev)
        found = threeway.bases(git, head, other)
        if other in found:
            return Merge("current", head, other)
        if forward and commit and head in found:
            return _forwarded(git, head, other)
        names = ("HEAD", "base", rev)
        outcome = threeway.three_way(git, head, other, names, found=found, lying=True, advance=advance, reader=reader)
        if not clean:
            _refuse_edits(git, head, outcome.tree)
        draft.rehearse(git, head, outcome.tree)  # untracked files, late edits
        pointers = _pointers(outcome)
        before = (
            tree.commit(git, head, [pointer.removesuffix(".dvc") for pointer in pointers]) if pointers else tree.empty()
        )
        for pointer in pointers:
            folder.refuse_edits(git, pointer, before)
        _fetch(git, other, outcome.fetched)
        begun = Pending(head, other, outcome.tree, pointers)
        pending.begin(git, begun, message or _message(git, rev, other))
        _write(git, head, outcome, before.entries)
        pending.settled(git)
    return Merge("conflict" if outcome.stages or outcome.torn else "staged", head, other, outcome)


def finish(git: Git, *, jobs: int = 1, today: str = "") -> Merge:
    """Commit a merge whose conflicts are resolved, if what it brings is right.

    Args:
        git: the repository.
        jobs: worker processes of the check.
        today: date.

    Returns:
        What it came to.

    Raises:
        StoreError: no merge is underway, another labelvc commits it, or a hook of the clone refuses the commit.
    """
    with pending.alone(git):
        return _finished(git, None, commit=True, jobs=jobs, today=today)


def _finished(git: Git, outcome: Outcome | None, *, commit: bool, jobs: int, today: str) -> Merge:
    """Check what is merged and, where asked, commit it; without an outcome another run merged it."""
    begun = pending.read(git)
    other = begun.other if begun else _other(git)
    if begun is not None and begun.writing:
        raise interrupted()
    left = conflicts.unmerged(git)
    if left:
        count = "1 file is" if len(left) == 1 else f"{len(left)} files are"
        raise StoreError(f"{count} still in conflict", where=left[0], hint=_GO_ON)
    report = _checked(git, jobs, today)
    head = plumbing.resolve(git, "HEAD")
    if report is not None and report.worst() == "error":
        return Merge("wrong", head, other, outcome, report)
    if not commit:
        return Merge("staged", head, other, outcome, report)
    try:
        plumbing.run(git, "commit", "--quiet", "--no-edit")
    except StoreError as problem:
        hint = "mend that, then labelvc merge --continue; or labelvc merge --abort"
        raise StoreError(f"git did not commit the merge: {problem.message}", where=problem.where, hint=hint) from None
    pending.forget(git)
    return Merge("merged", plumbing.resolve(git, "HEAD"), other, outcome, report)


def abort(git: Git) -> str:
    """Take a merge back that was begun and not committed, whether it was killed, is in conflict or breaks a check.

    Only files the merge touched are restored: they were clean when it began.

    Args:
        git: the repository.

    Returns:
        The id of the commit that is checked out again.

    Raises:
        StoreError: there is no merge to abort, or the disk is full.
    """
    with pending.alone(git), files.lock(git):
        begun = pending.read(git)
        if begun is None:
            if pending.underway(git) != "a merge":
                raise StoreError("no merge is underway", hint="labelvc status")
            plumbing.run(git, "merge", "--abort")
            pending.forget(git, whole=True)
            return plumbing.resolve(git, "HEAD")
        pending.unlock(git)
        pending.withdraw(git)
        touched = _touched(git, begun.head, begun.tree)
        plumbing.run(git, "read-tree", "--reset", begun.head)
        folder.restore(git, begun.head, [*touched, *begun.pointers, *map(manifest_path, begun.pointers)])
        if begun.pointers:
            _turn(git, begun.head, begun.pointers)
        for top in {path.split("/")[0] for path in (*touched, *begun.pointers)}:
            files.sweep(git.top / top)
        pending.forget(git, whole=True)
        return begun.head


def interrupted() -> StoreError:
    """Return what to say of a merge that was killed while it wrote."""
    return StoreError("a merge was interrupted while it wrote files", hint=files.UNMERGE)


def _checked(git: Git, jobs: int, today: str) -> Report | None:
    """Return what the check of the merged labels comes to: a clean merge can still break a rule."""
    old, new = tree.staged(git)
    if projects.TOP not in new.entries:
        return None
    # a merge in conflict does without the modules that check
    brought = importlib.import_module("labelvc.ops.gates").Brought(today)
    check = importlib.import_module("labelvc.ops.check")
    report: Report = check.changed(git, old, new, brought=brought, jobs=jobs)
    return report


def _ready(git: Git) -> bool:
    """Refuse to begin where a merge could not be told from what was there before; tell whether no file has edits."""
    begun = pending.read(git)
    if begun is not None and begun.writing:
        raise interrupted()
    if git.bare:
        raise StoreError("a bare repository has no work tree to merge in", where=str(git.top), hint="git clone")
    underway = pending.underway(git)
    if underway:
        verb = underway.split()[-1]
        go_on = (
            f"{_GO_ON}, or labelvc merge --abort"
            if verb == "merge"
            else f"git {verb} --continue, or git {verb} --abort"
        )
        raise StoreError(f"{underway} is underway", where=str(git.top), hint=go_on)
    clean = plumbing.refresh(git)
    staged = plumbing.run(git, "diff-index", "--cached", "--name-only", "-z", "HEAD").split(b"\0")
    if staged[0]:
        where = staged[0].decode("utf-8", "surrogateescape")
        raise StoreError(
            "changes are staged that are not committed", where=where, hint="git commit, or git stash; then merge"
        )
    return clean


def _forwarded(git: Git, head: str, other: str) -> Merge:
    pointers = [path for path in _touched(git, head, other) if path.endswith(".dvc") and folder.is_shards(git, path)]
    if pointers:
        before = tree.commit(git, head)
        for pointer in pointers:
            folder.refuse_edits(git, pointer, before)
        _fetch(git, other, pointers)
    plumbing.run(git, "merge", "--ff-only", "--quiet", other)
    if pointers:
        _turn(git, other, pointers)
    return Merge("forward", other, other)


def _write(git: Git, head: str, outcome: Outcome, before: Mapping[str, Entry]) -> None:
    """Make index and work tree what a merge comes to."""
    for pointer in outcome.left:  # git does not know these files, so it would leave them
        folder.write(git, pointer.removesuffix(".dvc"), {}, before)
    plumbing.run(git, "read-tree", "-m", "-u", head, outcome.tree)
    for name in outcome.stored:
        written = folder.write(git, f"datasets/{name}/annotations", outcome.entries, before)
        if not any(path.startswith(f"{written}/") for path in outcome.torn):
            importlib.import_module("labelvc.store.dvc").add(git, git.top / written)
    if outcome.fetched:
        importlib.import_module("labelvc.store.dvc").checkout(git, outcome.fetched, force=True)
    draft.update(git, outcome.stages)
    for path in {row.path for row in outcome.stages}:
        # outside of a sparse checkout: what is in conflict must be seen
        data = b"" if (git.top / path).exists() else plumbing.show(git, outcome.tree, path)
        if data:
            disk.write_all({git.top / path: data}, git.top)


def _fetch(git: Git, commit: str, pointers: Iterable[str]) -> None:
    """Bring here what pointers of a commit name, while nothing has changed: DVC would miss it half way, or go where a listing leads."""
    folders = [pointer.removesuffix(".dvc") for pointer in pointers]
    if folders:
        with tree.reader(git) as reader:
            reader.fetch(tree.commit(git, commit, folders).entries.items())


def _pointers(outcome: Outcome) -> list[str]:
    return sorted({*(f"datasets/{name}/annotations.dvc" for name in outcome.stored), *outcome.fetched, *outcome.left})


def _turn(git: Git, commit: str, pointers: Iterable[str]) -> None:
    """Make the folders of pointers what a commit that is checked out says: without a pointer, what git has of them."""
    present = [path for path in pointers if (git.top / path).is_file()]
    if present:
        importlib.import_module("labelvc.store.dvc").checkout(git, present, force=True)
    for path in set(pointers).difference(present):
        folder.restore(git, commit, [*stale.lying(git, path.removesuffix(".dvc"))])


def _touched(git: Git, old: str, new: str) -> list[str]:
    """Return the paths in which two trees differ."""
    listed = plumbing.run(git, "diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
    return listed.decode("utf-8", "surrogateescape").split("\0")[:-1]


def _refuse_edits(git: Git, head: str, merged: str) -> None:
    listed = plumbing.run(git, "diff-files", "--name-only", "-z", "--ignore-submodules=all")
    edited = listed.decode("utf-8", "surrogateescape").split("\0")[:-1]
    lost = sorted({*edited}.intersection(_touched(git, head, merged))) if edited else []
    if lost:
        raise StoreError(
            f"{len(lost)} files have edits that the merge would overwrite", where=lost[0], hint="git stash, then merge"
        )


def _message(git: Git, rev: str, other: str) -> str:
    """Return git's words for a merge commit (git-fmt-merge-msg(1))."""
    name = plumbing.run(git, "rev-parse", "--symbolic-full-name", rev).decode("utf-8", "surrogateescape").strip()
    what = f"commit '{rev}'"
    for start, kind in (("refs/heads/", "branch"), ("refs/remotes/", "remote-tracking branch"), ("refs/tags/", "tag")):
        if name.startswith(start):
            what = f"{kind} '{name.removeprefix(start)}'"
    line = f"{other}\t\t{what}\n".encode("utf-8", "surrogateescape")
    return plumbing.run(git, "fmt-merge-msg", data=line).decode("utf-8", "surrogateescape")


def _other(git: Git) -> str:
    if pending.underway(git) != "a merge":
        raise StoreError("no merge is underway", hint="labelvc merge REV")
    return plumbing.resolve(git, "MERGE_HEAD")
