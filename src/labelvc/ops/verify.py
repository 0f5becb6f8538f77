"""Verify: each step along first parents, judged by the policy in force before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from labelvc.core import changeset, decide
from labelvc.core.changeset import Gathered
from labelvc.core.decide import Backing, Case, Decision, Standing, State, Voice
from labelvc.errors import StoreError, TrustError
from labelvc.model import listing
from labelvc.model.approval import Verdict
from labelvc.model.change import ChangeSet, Move
from labelvc.model.names import Digest
from labelvc.model.policy import Trust
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals, people, silence
from labelvc.ops import diff as comparing
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Distrusted, Problem, Shelf, Statement
from labelvc.ops.silence import Silence
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader


class Said(NamedTuple):
    """A valid statement on the very change-set of a step, or a rejection of a part that binds it."""

    principal: str
    role: str
    decision: Verdict
    digest: Digest


class Step(NamedTuple):
    """One first-parent step and how it stands.

    Attributes:
        parent, commit: the step; the parent of a root commit is empty.
        state: see `labelvc.core.decide.Decision`; `ungoverned` when no policy was in force yet.
        covered, total: moves.
        uncovered: keys of the others.
        needs: how each need of the policy stands.
        policy: version in force; None when there was none or it could not be used.
        root: digest of the step's change-set.
        said: valid statements on that change-set, and rejections of a change that is all in it.
        problems: files that counted for nothing, and why the step could not be judged.
        noes: those of `said` that keep the step from being approved.
    """

    parent: str
    commit: str
    state: State
    covered: int
    total: int
    uncovered: tuple[str, ...] = ()
    needs: tuple[Standing, ...] = ()
    policy: int | None = None
    root: Digest = Digest("")
    said: tuple[Said, ...] = ()
    problems: tuple[Problem, ...] = ()
    noes: tuple[Said, ...] = ()


class Course(NamedTuple):
    """What is to be verified.

    Attributes:
        base, head: the commits a person named; the merge base for `A...B`.
        pairs: (parent, commit) of each step, oldest first.
        ruler: commit whose policy judges a pull request: the tip of the branch it would go into, not the place where it
            was cut; empty: each step is judged by its parent's.
    """

    base: str
    head: str
    pairs: list[tuple[str, str]]
    ruler: str = ""


def course(git: Git, words: str | None, *, everything: bool = False) -> Course:
    """Read what is to be verified.

    Args:
        git: where.
        words: `A..B` for each first-parent step, `A...B` for one step from the merge base (a pull request), `A` for the step
            that made A, None for the step that made HEAD.
        everything: the whole first-parent history of `words`, or of HEAD.

    Returns:
        The steps, oldest first.

    Raises:
        StoreError: unknown revision, a shallow clone that hides what is needed, or an A that B's first-parent line never
            meets: its steps would say nothing of what came after A.
    """
    if everything:
        end = plumbing.resolve(git, words or "HEAD")
        return Course("", end, plumbing.first_parents(git, "", end))
    words = words or "HEAD"
    if "..." in words:
        one, two = [part or "HEAD" for part in words.split("...", 1)]
        base, end = plumbing.merge_base(git, one, two), plumbing.resolve(git, two)
        return Course(base, end, [(base, end)], plumbing.resolve(git, one))
    if ".." in words:
        one, two = [plumbing.resolve(git, part or "HEAD") for part in words.split("..", 1)]
        pairs = plumbing.first_parents(git, one, two)
        if one != (pairs[0][0] if pairs else two):
            message = f"{words.split('..')[0] or 'HEAD'} is not on the first-parent line that leads to the other end"
            raise StoreError(message, where=words, hint=f"labelvc verify {words.replace('..', '...')}")
        return Course(one, two, pairs)
    end = plumbing.resolve(git, words)
    parent = plumbing.run(git, "rev-list", "--parents", "--max-count=1", end).decode().split()[1:2]
    if not parent and plumbing.is_shallow(git):
        raise StoreError("the parent is not in this shallow clone", where=words, hint="git fetch --unshallow")
    return Course(parent[0] if parent else "", end, [(parent[0] if parent else "", end)])


class Walk:
    """Verifies steps one after another; what one step read, the next one needs not read again.

    Args:
        git: where.
        reader: reads its objects.
        pin: digest of root version 1, from outside the repository; None when there is none.
        witness: approvals of another commit to look through instead of those of each step; None for the steps' own.
    """

    def __init__(self, git: Git, reader: Reader, pin: str | None, witness: Snapshot | None = None) -> None:
        self._git = git
        self._reader = reader
        self._pin = pin
        self._shelf = Shelf(reader)
        self._snapshots: dict[str, Snapshot] = {}
        self._trusts: dict[tuple[tuple[str, Entry], ...], Trust] = {}
        self._witness = witness
        self.silence: Silence | None = None
        """Whom the newest policy distrusts; None: each step hears whom the policy before it does not distrust itself."""
        self.anchors: dict[Digest, bool] = {}
        """Digests of root version 1 met on the way, and whether they were pinned."""

    def heed(self, going: Course) -> None:
        """Let the newest policy on a course say whose words count for nothing, in the steps before it too."""
        ends = [going.ruler or going.pairs[0][0], going.pairs[-1][0], going.head] if going.pairs else []
        alone = len(going.pairs) == 1
        named = dict.fromkeys(filter(None, ends))
        snapshots = (self._snapshot(each) if alone else tree.commit(self._git, each, ("trust",)) for each in named)
        self.silence = silence.of(self._git, self._reader, self.trust, snapshots, going.head)

    def step(self, parent: str, commit: str, ruler: str = "") -> Step:
        """Judge one step.

        Args:
            parent: commit before; empty for a root commit.
            commit: commit after.
            ruler: commit whose policy judges; empty for the parent.

        Returns:
            How it stands; a policy that cannot be used makes it `undecidable`, never anything better.

        Raises:
            StoreError: git or DVC data is missing.
        """
        old, new = self._snapshot(parent), self._snapshot(commit)
        found = changeset.gather(comparing.between(self._git, old, new))
        total = len(found.changeset.moves)
        before = self._snapshot(ruler) if ruler else old
        lost = not trusting.present(new) and self._had_trust(commit)
        if not trusting.present(before) and not lost and not self._had_trust(before.commit):
            return Step(parent, commit, "ungoverned", 0, total, root=found.changeset.root)
        try:
            trust = self.trust(before)
        except TrustError as error:
            keys = tuple(move.key for move in found.changeset.moves)
            problems = (Problem(error.where or "trust/", error.message),)
            return Step(parent, commit, "undecidable", 0, total, keys, root=found.changeset.root, problems=problems)
        return self._judged(parent, commit, found, self.silence.over(trust, commit) if self.silence else trust, before)

    def trust(self, snapshot: Snapshot) -> Trust:
        """Return the policy in force at a snapshot, verified once for equal files.

        Raises:
            TrustError: as `labelvc.ops.trust.load`.
        """
        at = tuple(listing.under(snapshot.entries, "trust/"))
        if at not in self._trusts:
            self._trusts[at] = trusting.load(self._reader, snapshot, self._pin)
        found = self._trusts[at]
        self.anchors[found.anchor] = found.pinned
        return found

    def _judged(self, parent: str, commit: str, found: Gathered, trust: Trust, before: Snapshot) -> Step:
        old, new = self._snapshot(parent), self._snapshot(commit)
        problems: list[Problem] = []
        made = people.authors(trust.policy, people.commits(self._git, parent, commit))
        odd = _odd(self._git, parent, commit)
        problems += [Problem(path, _ODD) for path in sorted(odd)]
        known = {move.key for move in found.changeset.moves}
        case = Case(
            [*found.changeset.moves, *(Move(path, None, Digest("")) for path in sorted(odd - known))],
            made.principals,
            people.annotators(trust.policy, found.by),
            bool(made.strangers),
            self._settled(found.changeset, trust, new, problems),
            found.twice | odd,
        )
        folders = approvals.folders(self._witness or new)
        own = self._backing(found.changeset.root, folders, before, trust, problems, None)
        backings = [own] if own else []
        decision = decide.decide(trust.policy, case, backings)
        others = [root for root in folders if root != found.changeset.root]
        if decision.uncovered or any(self._shelf.rejects(folders[root]) for root in others):
            carried = (self._carried(root, folders, before, trust, found, problems) for root in others)
            backings += [backing for backing in carried if backing]
            decision = decide.decide(trust.policy, case, backings)
        if untold := self.silence.untold(decision.state, problems) if self.silence else []:
            decision, problems = decision._replace(state="undecidable"), [*problems, *untold]
        if decision.state == "undecidable":
            problems += [Problem(commit_id, _STRANGER) for commit_id in made.strangers]
        problems += approvals.lost(old, new)
        said = tuple(map(_said, own.voices)) if own else ()
        return _step(parent, commit, decision, trust, found.changeset.root, said, problems)

    def _settled(self, moved: ChangeSet, trust: Trust, new: Snapshot, problems: list[Problem]) -> frozenset[str]:
        """Return the trust files that moved and that the trust before vouches for."""
        keys = frozenset(move.key for move in moved.moves if decide.kind_of(move.key) == "trust")
        if not keys:
            return keys
        try:
            trusting.succeeds(self._reader, trust, new)
        except TrustError as error:
            problems.append(Problem(error.where or "trust/", error.message))
            return frozenset()
        return keys

    def _backing(
        self,
        root: Digest,
        folders: dict[Digest, dict[str, Entry]],
        before: Snapshot,
        trust: Trust,
        problems: list[Problem],
        moves: ChangeSet | None,
    ) -> Backing | None:
        """Return the valid statements on a change-set."""
        files = folders.get(root)
        if files is None:
            return None
        voices = []
        for found in self._shelf.statements(root, files, trust):
            if isinstance(found, Statement):
                voices.append(approvals.voice(found, fresh=not files[found.path].same(before.entries.get(found.path))))
            else:
                problems.append(found)
        return Backing(root, None if moves is None else frozenset(moves.moves), tuple(voices))

    def _carried(
        self,
        root: Digest,
        folders: dict[Digest, dict[str, Entry]],
        before: Snapshot,
        trust: Trust,
        found: Gathered,
        problems: list[Problem],
    ) -> Backing | None:
        """Return the statements on another change-set that shares moves with the step's; of problems only distrust is told."""
        other = self._shelf.changeset(root, folders[root])
        if isinstance(other, Problem) or set(other.moves).isdisjoint(found.changeset.moves):
            return None
        silent: list[Problem] = []
        backing = self._backing(root, folders, before, trust, silent, other)
        problems += [each for each in silent if isinstance(each, Distrusted)]
        return backing

    def _snapshot(self, commit: str) -> Snapshot:
        if commit not in self._snapshots:
            while len(self._snapshots) > 2:
                del self._snapshots[next(iter(self._snapshots))]
            self._snapshots[commit] = tree.commit(self._git, commit) if commit else tree.empty()
        return self._snapshots[commit]

    def _had_trust(self, commit: str) -> bool:
        """Tell whether an ancestor had a policy: a history that loses it is not one that never had it."""
        return bool(commit) and bool(
            plumbing.run(
                self._git, "rev-list", "--max-count=1", "--full-history", commit, "--", trusting.POLICY
            ).strip()
        )


def verify(
    git: Git, going: Course, pin: str | None, advance: Callable[[], None] = lambda: None
) -> tuple[list[Step], dict[Digest, bool]]:
    """Judge every step of a course.

    Args:
        git: where.
        going: the steps.
        pin: digest of root version 1, from outside the repository; None when there is none.
        advance: called after each step.

    Returns:
        The steps, and the digests of root version 1 that were met with whether they were pinned.

    Raises:
        StoreError: git or DVC data is missing.
    """
    with tree.reader(git) as reader:
        walk = Walk(git, reader, pin)
        walk.heed(going)
        steps = list(_steps(walk, going, advance))
    return steps, walk.anchors


def _steps(walk: Walk, going: Course, advance: Callable[[], None]) -> Iterator[Step]:
    for parent, commit in going.pairs:
        yield walk.step(parent, commit, going.ruler)
        advance()


def _step(
    parent: str,
    commit: str,
    decision: Decision,
    trust: Trust,
    root: Digest,
    said: tuple[Said, ...],
    problems: list[Problem],
) -> Step:
    state, covered, total, uncovered, needs, against = decision
    noes = tuple(map(_said, against))
    said = tuple(dict.fromkeys((*said, *noes)))
    version = trust.policy.version
    return Step(parent, commit, state, covered, total, uncovered, needs, version, root, said, tuple(problems), noes)


def _said(voice: Voice) -> Said:
    return Said(voice.principal, voice.role, voice.decision, voice.digest)


def _odd(git: Git, parent: str, commit: str) -> frozenset[str]:
    """Return the protected paths that a step makes a symbolic link or a submodule, or that a tree of it holds twice.

    The bytes of a link are a target's name: equal bytes would be no change, and what is read on the disk lies elsewhere.
    Of two entries of one name we would judge one, and git may write the other to the disk.
    """
    words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", parent, commit)
    told = plumbing.run(git, *words).decode("utf-8", "surrogateescape").split("\0")
    times = Counter(told[1::2])
    rows = zip(told[::2], told[1::2], strict=False)
    found = (path for about, path in rows if about.split(" ")[1] in {"120000", "160000"} or times[path] > 1)
    return frozenset(path for path in found if decide.kind_of(path) != "other")


_ODD = "a symbolic link, a submodule or a second file of this name stands where one file of the project must be"
_STRANGER = "the author or a co-author of this commit is nobody the policy knows"
