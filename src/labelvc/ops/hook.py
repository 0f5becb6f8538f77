"""Hook: what git is about to take in, judged before it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from labelvc.core import leaks
from labelvc.errors import DataError, RefusedError, StoreError
from labelvc.model.finding import Finding
from labelvc.model.snapshot import Snapshot
from labelvc.ops import check, gates, parting, privacy, singly
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.singly import Asked, Commit
from labelvc.store import fsck, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git

PROJECT = "labelvc.yaml"


class Push(NamedTuple):
    """One ref that is about to move.

    Attributes:
        ref: its name where it is pushed to.
        old: commit it points to there; empty when it is new.
        new: commit it shall point to; empty when it is to be deleted.
    """

    ref: str
    old: str
    new: str


class Judgement(NamedTuple):
    """A check of one step.

    Attributes:
        step: what was judged, for people: `what is staged`, `3f2a91c on main`.
        command: what to type to see all of it.
        report: what the check came to.
    """

    step: str
    command: str
    report: check.Report


def staged(git: Git, *, brought: Brought = NOTHING, jobs: int = 1) -> Iterator[Judgement]:
    """Judge the index against HEAD: what the commit, or the merge, would bring.

    Args:
        git: the repository.
        brought: the date, and people to look for.
        jobs: worker processes.

    Yields:
        One judgement; none when neither side is a labels project, since a hook may serve many repositories.
    """
    yield from _judge(git, *tree.staged(git), "what is staged", Asked(brought, jobs))


def message(git: Git, file: Path, *, brought: Brought = NOTHING) -> Iterator[Judgement]:
    """Judge the message of the commit that is about to be made.

    Lines that begin with `#` are git's own, and what it does not keep stands below its line of scissors; what a message keeps
    of either, `pre-push` and CI see.

    Args:
        git: the repository.
        file: what git gives a commit-msg hook (githooks(5)).
        brought: the date, and people to look for.

    Yields:
        One judgement; none outside a labels project.

    Raises:
        StoreError: the file cannot be read.
    """
    old, new = tree.staged(git)
    if PROJECT not in old.entries and PROJECT not in new.entries:
        return
    try:
        text = (git.top / file).read_text(errors="replace")
    except OSError as error:
        raise StoreError(f"could not read the message: {error.strerror}", where=str(file), hint="git commit") from None
    kept = [line for line in text.partition(_SCISSORS)[0].splitlines() if not line.startswith("#")]
    gate = privacy.gate_of(git, privacy.project_of(git, old), new, brought)
    found = list(leaks.in_message("the message", "\n".join(kept), gate))
    yield Judgement("the message", "git commit", check.Report(found))


_SCISSORS = "# ------------------------ >8 ------------------------\n"


def checkout(git: Git, *, brought: Brought = NOTHING, jobs: int = 1) -> Iterator[Judgement]:
    """Judge what CI has checked out: nothing is staged there, and a check of nothing would be green whatever was committed.

    Args:
        git: the repository.
        brought: the date, and people to look for.
        jobs: worker processes.

    Yields:
        One judgement of all that is in the index; of what is staged when something is; none outside a labels project.
    """
    old, new = tree.staged(git)
    if tree.changed(old, new):
        yield from _judge(git, old, new, "what is staged", Asked(brought, jobs))
    elif PROJECT in new.entries:
        yield Judgement(
            "all that is checked out", "labelvc check --all", check.everything(git, new, brought=brought, jobs=jobs)
        )


def pushed(
    git: Git, pushes: Sequence[Push], remote: str, *, brought: Brought = NOTHING, jobs: int = 1
) -> Iterator[Judgement]:
    """Judge what each ref would bring to a remote, as one change from what is there to what is pushed.

    Plain text is looked for in each commit, in its message, in the ref's name and in the messages of tags too: what one commit
    brings and the next takes back is published all the same.

    Args:
        git: the repository.
        pushes: refs about to move; one whose old commit is unknown here counts as new.
        remote: name of the remote, empty when it has none; decides what a new branch brings.
        brought: the date, and people to look for.
        jobs: worker processes.

    Yields:
        A judgement a ref, in order; deleted refs bring nothing.

    Raises:
        RefusedError: a ref is to point to something that is no commit.
    """
    home, ours = _home(git, pushes)
    for push in pushes:
        if not push.new:
            continue
        head = plumbing.resolve(git, push.new)
        known = _known(git, push.old)
        base = _common(git, push.old, head) if known else _outside(git, head, remote)
        old = tree.commit(git, base) if base else tree.empty()
        step = f"{head[:10]} for {privacy.shown(push.ref)}"
        judged = list(_judge(git, old, tree.commit(git, head), step, Asked(brought, jobs)))
        if not judged and ours:  # notes, pages of a site: no labels, and published all the same
            judged, old = [Judgement(step, f"labelvc privacy scan HEAD..{head[:10]}", check.Report([]))], home
        for told in judged:
            said = told.report.findings
            more = privacy.brought_by(git, push.ref, push.new, _fresh(git, push, known, remote), old, brought)
            apart = [one for one in more if not any(_same(one, other) for other in said)]
            yield told._replace(report=told.report._replace(findings=[*said, *apart]))


def received(git: Git, pushes: Sequence[Push], *, brought: Brought = NOTHING, jobs: int = 1) -> Iterator[Judgement]:
    """Judge every new commit of a push against its first parent: what one commit brings and the next takes back counts.

    The settings of what the server had before judge all of them. The names of refs and messages of tags are looked at where
    no commit is new, too.

    Args:
        git: the bare repository, its quarantine in the environment.
        pushes: refs about to move.
        brought: the date, and people to look for.
        jobs: worker processes.

    Yields:
        A judgement a commit, oldest first, and one of a ref in whose name or tag something stands in plain.

    Raises:
        RefusedError: a ref is to point to something that is no commit.
        StoreError: a tree is not as git writes it.
    """
    seen: set[str] = set()
    home, ours = _home(git, pushes)
    for push in pushes:
        if not push.new:
            continue
        fresh = singly.commits(git, push.new, "--not", "--all")
        fsck.demand(git, push.new, "--not", "--all")
        before = _before(git, push, fresh)
        by, shown = privacy.project_of(git, before), privacy.shown(push.ref)
        if ours:
            said = list(privacy.ref(git, push.ref, push.new, gates.of(git, by, brought)))
            yield Judgement(shown, "git push --dry-run", check.Report(said))
        for commit in fresh:
            if commit.id not in seen:
                seen.add(commit.id)
                old, new = next(singly.snapshots(git, commit))
                step = f"{commit.id[:10]} for {shown}"
                judged = list(_judge(git, old, new, step, Asked(brought, jobs, by)))
                for told in judged:
                    gate = privacy.gate_of(git, by, old, brought)
                    said = [*told.report.findings, *privacy.message(git, commit.id, gate)]
                    yield told._replace(report=told.report._replace(findings=said))
                if not judged and ours:
                    said = privacy.of_commit(git, commit, by or privacy.project_of(git, home), brought)
                    yield Judgement(step, f"labelvc privacy scan HEAD..{commit.id[:10]}", check.Report(said))


def read_pushed(text: str) -> list[Push]:
    """Read what git gives a pre-push hook: `<local ref> <local id> <remote ref> <remote id>` a line (githooks(5)).

    Raises:
        DataError: a line is none of these.
    """
    return [Push(words[2], _id(words[3]), _id(words[1])) for words in _rows(text, 4)]


def read_received(text: str) -> list[Push]:
    """Read what git gives a pre-receive hook: `<old id> <new id> <ref>` a line (githooks(5)).

    Raises:
        DataError: a line is none of these.
    """
    return [Push(words[2], _id(words[0]), _id(words[1])) for words in _rows(text, 3)]


def _home(git: Git, pushes: Sequence[Push]) -> tuple[Snapshot, bool]:
    """Return what the repository's own branch holds, and whether that, or a push, is a labels project: then all is looked at.

    Raises:
        RefusedError: a ref is to point to something that is no commit.
    """
    head = plumbing.head(git)
    home = tree.commit(git, head) if head else tree.empty()
    for push in pushes:
        if push.new:
            _refuse_other(git, push)
    ends = [home, *[tree.commit(git, plumbing.resolve(git, push.new)) for push in pushes if push.new]]
    return home, any(PROJECT in end.entries for end in ends)


def _before(git: Git, push: Push, fresh: Sequence[Commit]) -> Snapshot:
    """Return what the server had before a push: where the ref was, else where its oldest new commit starts."""
    if _known(git, push.old):
        return tree.commit(git, plumbing.resolve(git, push.old))
    known = {commit.id for commit in fresh}
    start = next((parent for commit in fresh for parent in commit.parents if parent not in known), "")
    return tree.commit(git, start) if start else tree.empty()


def _judge(git: Git, old: Snapshot, new: Snapshot, step: str, asked: Asked) -> Iterator[Judgement]:
    report = singly.judged(git, old, new, asked)
    if report is not None:
        command = (
            "labelvc check --staged" if new.kind == "index" else f"labelvc check {old.commit[:10]}..{new.commit[:10]}"
        )
        yield Judgement(step, command, report)


def _refuse_other(git: Git, push: Push) -> None:
    """Refuse a ref that is to point to something that is no commit."""
    if not _known(git, push.new):
        raise RefusedError("only commits can be judged", where=push.ref, hint="push a branch, or a tag of a commit")


def _rows(text: str, width: int) -> Iterator[list[str]]:
    for line in filter(None, text.split("\n")):  # the name of a ref may hold what `splitlines` takes for a line's end
        words = line.split(" ")
        if len(words) != width:
            raise DataError("git gave this hook a line it cannot read", where=line[:80], hint="labelvc install")
        yield words


def _id(text: str) -> str:
    """Return an object id, empty for git's id of nothing (all zeros)."""
    return "" if not text.strip("0") else text


def _known(git: Git, commit: str) -> bool:
    """Tell whether an id is that of a commit, or a tag of one, that is here."""
    if not commit:
        return False
    told = plumbing.run(git, "cat-file", "--batch-check", data=f"{commit}^{{commit}}\n".encode())
    return told.split()[1:2] == [b"commit"]


def _common(git: Git, old: str, head: str) -> str:
    """Return where two commits parted; empty when a forced push leaves nothing in common."""
    try:
        return parting.base(git, old, head)
    except StoreError:
        if plumbing.is_shallow(git):
            raise
        return ""


def _fresh(git: Git, push: Push, known: bool, remote: str) -> list[Commit]:
    """Return the commits that a push brings, oldest first, as far as can be told here."""
    return singly.commits(git, push.new, "--not", _remotes(remote), *([push.old] if known else []))


def _same(one: Finding, other: Finding) -> bool:
    """Tell whether a commit's finding is one that the change as a whole has."""
    return one.rule == other.rule and one.place._replace(line=0) == other.place._replace(line=0)


def _remotes(remote: str) -> str:
    return "--remotes" if not remote or "/" in remote or ":" in remote else f"--remotes={remote}"


def _outside(git: Git, head: str, remote: str) -> str:
    """Return the commit that a new branch leaves the remote's branches at; empty when it shares none with them."""
    listed = (
        plumbing.run(git, "rev-list", "--first-parent", "--parents", head, "--not", _remotes(remote))
        .decode()
        .splitlines()
    )
    if not listed:
        return head
    oldest = listed[-1].split()
    return oldest[1] if len(oldest) > 1 else ""
