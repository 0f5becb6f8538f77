"""CI: every commit of a branch and what it becomes once merged, judged by what stands in the branch it would go into.

What cannot be told is told as such and never counts as clean; the rest is judged all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from labelvc.core import baseline
from labelvc.errors import ConfigurationError, Error, StoreError, TrustError
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Digest
from labelvc.model.review import Review
from labelvc.model.snapshot import Snapshot
from labelvc.ops import audit, gates, judges, papers, parting, plain, privacy, result, singly
from labelvc.ops import course as courses
from labelvc.ops import project as projects
from labelvc.ops import review as reviewing
from labelvc.ops import trust as trusting
from labelvc.ops import verify as verifying
from labelvc.ops.audit import Auditor, Found, Merge
from labelvc.ops.check import Report
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.judgement import LOST
from labelvc.ops.result import Result
from labelvc.ops.singly import Asked, Commit
from labelvc.ops.steps import Step
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

BY = "labelvc.ci/1"
_FETCH = "git fetch origin BRANCH for both ends; fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab"
_DEEPER = "git fetch --unshallow; fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab"
_LATER = "; a later commit of the branch mends it"
_Told = TypeVar("_Told")


class Wish(NamedTuple):
    """What is to be judged.

    Attributes:
        base: revision of the branch it would go into; its policy, settings and exceptions judge.
        head: revision of the branch.
        branch: name of the branch, in which something may stand in plain; empty when nobody said.
        pin: digest of root version 1, from outside the repository; None when there is none.
        brought: the date, and people to look for.
        jobs: worker processes.
        now: seconds since 1970: what is judged comes in no earlier.
    """

    base: str
    head: str
    branch: str = ""
    pin: str | None = None
    brought: Brought = NOTHING
    jobs: int = 1
    now: int = 0


class Untold(NamedTuple):
    """Something that could not be told.

    Attributes:
        topic: what: `the approvals`.
        message, where, hint: why, at what, and the cure.
    """

    topic: str
    message: str
    where: str = ""
    hint: str = ""


class Judged(NamedTuple):
    """What a judgement came to.

    Attributes:
        base, head: full ids; empty where there is no such commit here.
        tree: id of the tree that the branch becomes once merged; empty where that could not be told.
        commits: number of commits looked at.
        report: what is wrong with what would come in, and with what one of the commits brought that no later one can mend.
        mended: findings of single commits that what would come in no longer has, as notes.
        torn: paths in conflict with the base, each with its number of conflicts.
        steps: how the approvals stand; empty where that could not be told.
        anchors: digests of root version 1 that were met, with whether they were pinned.
        merges: merge commits of the branch.
        faults: what is wrong with them; conflicts that a person decided are not in it.
        resolved: number of those.
        files: paths of what would come in; where it could not be told, of the head.
        page: what a review says of the branch; None where that could not be told.
        untold: what could not be told.
    """

    base: str = ""
    head: str = ""
    tree: str = ""
    commits: int = 0
    report: Report = Report([])
    mended: Sequence[Finding] = ()
    torn: Sequence[tuple[str, int]] = ()
    steps: Sequence[Step] = ()
    anchors: dict[Digest, bool] = {}  # noqa: RUF012 - nobody adds to it
    merges: int = 0
    faults: Sequence[tuple[Merge, Found]] = ()
    resolved: int = 0
    files: Container[str] = ()
    page: Review | None = None
    untold: Sequence[Untold] = ()


class _Bench:
    """Where a branch is judged: its ends, and what could not be told so far."""

    def __init__(self, git: Git, wish: Wish) -> None:
        self.git, self.wish = git, wish
        self.untold: list[Untold] = []

    def tell(self, topic: str, asked: Callable[[], _Told]) -> _Told | None:
        """Return what is asked for; None, and a note of why, where it cannot be told."""
        try:
            return asked()
        except Error as problem:
            self.note(topic, problem)
            return None

    def note(self, topic: str, problem: Error) -> None:
        """Note that something could not be told, once for each cause; the machine's own paths are left out."""
        words = [self._anywhere(text) for text in (problem.message, problem.where, problem.hint)]
        if all(words != list(known[1:]) for known in self.untold):
            self.untold.append(Untold(topic, *words))

    def _anywhere(self, text: str) -> str:
        for place in (self.git.directory, self.git.common, self.git.top):
            text = text.replace(f"{place}/", "").replace(str(place), ".")
        return text


def judge(git: Git, wish: Wish, advance: Callable[[], None] = lambda: None) -> Judged:
    """Judge a branch.

    Args:
        git: the repository; nothing in it changes but for the cache and objects that nothing refers to.
        wish: what is to be judged.
        advance: called after each commit.

    Returns:
        The judgement; it raises nothing that the repository is to blame for.
    """
    bench = _Bench(git, wish)
    base = bench.tell("the base", lambda: _resolved(git, wish.base))
    head = bench.tell("the head", lambda: _resolved(git, wish.head))
    if base is None or head is None or bench.tell("the project", lambda: _governed(git, base, head)) is None:
        return Judged(base or "", head or "", untold=bench.untold)
    shallow = plumbing.is_shallow(git)
    if shallow:
        bench.note("the history", StoreError("this clone is shallow", hint=_DEEPER))
    asked = Asked(wish.brought, wish.jobs, bench.tell("the settings of the base", lambda: judges.of(git, base)))
    commits = bench.tell("the commits", lambda: singly.commits(git, head, f"^{base}")) or []
    whole_ones = [
        commit for commit in commits if commit.parents or not shallow
    ]  # of the others the parents are missing
    leaks, brought = _each(bench, whole_ones, asked, advance)
    leaks = [*_of_name(bench, head, asked), *leaks]
    merged = bench.tell("what it becomes once merged", lambda: result.of(git, base, head)) or Result("", None)
    whole = bench.tell("what would come in", lambda: _whole(git, base, head, merged, asked))
    open_, mended = _sorted(brought, whole)
    words = bench.tell("the approvals", lambda: _approvals(bench, base, head)) or ([], {})
    merges = bench.tell("the merges", lambda: audit.merges(git, f"{base}...{head}")) or []
    faults = list(_faults(bench, merges))
    listed = merged.snapshot or bench.tell("the files of the head", lambda: tree.commit(git, head))
    how = reviewing.Asked(wish.pin, wish.brought, wish.jobs, now=wish.now)
    page = bench.tell("the review", lambda: reviewing.review(git, f"{base}...{head}", how))
    return Judged(
        base,
        head,
        merged.tree,
        len(whole_ones),
        (whole or Report([]))._replace(findings=_joined(leaks, open_)),
        mended,
        merged.torn,
        *words,
        len(merges),
        [(one, found) for one, found in faults if found.verdict.kind != "resolved"],
        sum(found.verdict.kind == "resolved" for _, found in faults),
        listed.entries if listed else (),
        page,
        bench.untold,
    )


def _resolved(git: Git, rev: str) -> str:
    """Return the full id of one end of the branch."""
    try:
        return plumbing.resolve(git, rev)
    except StoreError as problem:
        hint = _DEEPER if plumbing.is_shallow(git) else _FETCH
        raise StoreError(problem.message, where=rev, hint=hint) from None


def _governed(git: Git, *ends: str) -> bool:
    """Return true.

    Raises:
        ConfigurationError: neither the base nor the branch is a labels project.
    """
    if any(projects.TOP in tree.commit(git, end, (projects.TOP,)).entries for end in ends):
        return True
    raise ConfigurationError("there is no labelvc.yaml", where=projects.TOP, hint="labelvc init")


def _each(
    bench: _Bench, commits: Sequence[Commit], asked: Asked, advance: Callable[[], None]
) -> tuple[list[Finding], list[tuple[Commit, Finding]]]:
    """Return what stands in plain in some commit, and what else each commit brings that none of its parents has."""
    leaks, brought = list[Finding](), list[tuple[Commit, Finding]]()
    for commit in commits:
        found = bench.tell(f"commit {commit.id[:10]}", partial(_one, bench.git, commit, asked))
        if found is not None:
            leaks += found[0]
            brought += [(commit, each) for each in found[1]]
        advance()
    return leaks, brought


def _one(git: Git, commit: Commit, asked: Asked) -> tuple[list[Finding], list[Finding]]:
    first, *others = [_brought(git, old, new, asked) for old, new in singly.snapshots(git, commit)]
    beside = [found for found in first if all(found in other for other in others)]
    return privacy.of_commit(git, commit, asked.by, asked.brought), beside


def _brought(git: Git, old: Snapshot, new: Snapshot, asked: Asked) -> list[Finding]:
    """Return what a commit brings that one parent has not, but for what stands in plain; what was signed before stays."""
    report = singly.judged(git, old, new, asked)
    found = [one for one in report.findings if not _leaks(one)] if report else []
    for problem in papers.lost(old, [path for start in papers.FOLDERS for path in tree.changed(old, new, start)]):
        hint = f"git restore --source={old.commit[:10]} {problem.path}"
        found.append(Finding(LOST, "error", Place(problem.path), problem.message, hint, BY))
    return found


def _leaks(found: Finding) -> bool:
    """Tell whether a finding is about a value that history keeps, whatever a later commit does."""
    return found.rule.startswith(plain.RULE) and found.rule != baseline.RULE


def _of_name(bench: _Bench, head: str, asked: Asked) -> list[Finding]:
    """Return what stands in plain in the name of the branch."""
    git, name = bench.git, bench.wish.branch
    if not name:
        return []
    look = lambda: list(privacy.ref(git, name, head, gates.of(git, asked.by, asked.brought)))  # noqa: E731
    return bench.tell("the name of the branch", look) or []


def _whole(git: Git, base: str, head: str, merged: Result, asked: Asked) -> Report:
    """Return what is wrong with what would come in; where it is in conflict with the base, with what the branch did."""
    old, new = tree.commit(git, base), merged.snapshot
    if new is None:
        old, new = tree.commit(git, parting.base(git, base, head)), tree.commit(git, head)
    return singly.judged(git, old, _named(new, base), asked) or Report([])


def _named(snapshot: Snapshot, base: str) -> Snapshot:
    """Return a snapshot that messages call by no id that another machine would not have."""
    return snapshot._replace(name=f"the result of merging into {base[:10]}")


def _joined(leaks: Iterable[Finding], findings: Iterable[Finding]) -> list[Finding]:
    """Return what would come in, a value that some commit holds told once, with the commit."""
    apart = list(dict.fromkeys(leaks))
    places = {(found.rule, found.place._replace(line=0)) for found in apart}
    rest = [found for found in findings if (found.rule, found.place._replace(line=0)) not in places]
    return sorted([*apart, *rest], key=lambda found: (found.place, found.rule, found.message))


def _sorted(brought: Sequence[tuple[Commit, Finding]], whole: Report | None) -> tuple[list[Finding], list[Finding]]:
    """Return what is open, and as notes what single commits brought and what would come in has no longer.

    Where nobody could tell what would come in, nobody can tell that something was mended.
    """
    named = [found._replace(message=f"{found.message} in commit {commit.id[:10]}") for commit, found in brought]
    if whole is None:
        return named, []
    left = {found.fingerprint for found in whole.findings}
    kept = [found for found in named if found.rule == LOST]
    gone = [
        told for (_, one), told in zip(brought, named, strict=True) if one.rule != LOST and one.fingerprint not in left
    ]
    notes = [found._replace(severity="note", message=found.message + _LATER, hint="") for found in gone]
    return [*whole.findings, *kept], notes


def _approvals(bench: _Bench, base: str, head: str) -> tuple[list[Step], dict[Digest, bool]]:
    """Return how the approvals stand; that they cannot be judged is noted."""
    git, pin, words = bench.git, bench.wish.pin, f"{base}...{head}"
    steps, anchors = verifying.verify(git, courses.read(git, words), pin, least=bench.wish.now)
    for step in steps:
        if step.state == "undecidable":
            for problem in step.problems:
                error = TrustError(problem.message, where=problem.path, hint=f"labelvc verify {words}")
                bench.note("the approvals", error)
    return steps, anchors | trusting.anchor(git, head, pin)


def _faults(bench: _Bench, merges: Sequence[Merge]) -> Iterator[tuple[Merge, Found]]:
    with Auditor(bench.git) as auditor:
        for one in merges:
            found = bench.tell(f"merge {one.commit[:10]}", partial(_listed, auditor, one)) or ()
            yield from ((one, each) for each in found)


def _listed(auditor: Auditor, merge: Merge) -> list[Found]:
    return list(auditor.examine(merge))
