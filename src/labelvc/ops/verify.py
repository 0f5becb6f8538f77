"""Verify: each step along first parents, judged by the policy in force before it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from labelvc.core import changeset, decide, voices
from labelvc.core.decide import Case, Decision
from labelvc.errors import TrustError
from labelvc.model import listing
from labelvc.model.change import ChangeSet, Move
from labelvc.model.names import Digest
from labelvc.model.policy import Policy, Trust
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals, deeds, growth, ownership, papers, people, silence, steps, vouching
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Distrusted, Folders, Heard, Problem, Shelf, Statement
from labelvc.ops.course import Course
from labelvc.ops.dates import Dates
from labelvc.ops.deeds import Deed, Deeds
from labelvc.ops.governed import Governed
from labelvc.ops.ledger import Ledger, Page
from labelvc.ops.makers import Made
from labelvc.ops.silence import Silence
from labelvc.ops.steps import Step
from labelvc.store import fsck, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.reader import Reader


class _Done(NamedTuple):
    """What a step did, and what of it no approval can mend or needs none.

    Attributes:
        deed: what it did.
        known: paths of statements that were in history already.
        odd: keys of protected places that it makes something that no file of the project may be.
        settled: trust files that moved and that the trust before vouches for.
    """

    deed: Deed
    known: Container[str]
    odd: frozenset[str]
    settled: frozenset[str]


class Walk:
    """Verifies steps one after another; what one step read, the next one needs not read again.

    Args:
        git: where.
        reader: reads its objects.
        pin: digest of root version 1, from outside the repository; None when there is none.
        witness: approvals of another commit to look through instead of those of each step; None for the steps' own.
        least: seconds since 1970 before which no step is said to come in.
    """

    def __init__(
        self, git: Git, reader: Reader, pin: str | None, witness: Snapshot | None = None, least: int = 0
    ) -> None:
        self._git = git
        self._reader = reader
        self._pin = pin
        self.shelf = Shelf(reader)
        """What was read of approvals."""
        self._at = vouching.Place(git, reader, self.shelf)
        self._ledger = Ledger(git, self.shelf)
        self._deeds = Deeds(git, reader)
        self._governed = Governed(git)
        self.dates = Dates(git, least)
        """When steps came in."""
        self._trusts: dict[tuple[tuple[str, Entry], ...], Trust] = {}
        self._witness = self._ledger.of(witness, tree.empty()) if witness else None
        self.silence: Silence | None = None
        """Whom the newest policy distrusts; None: each step hears whom the policy before it does not distrust itself."""
        self.anchors: dict[Digest, bool] = {}
        """Digests of root version 1 met on the way, and whether they were pinned."""

    def heed(self, going: Course) -> None:
        """Let the newest policy on a course say whose words count for nothing, in the steps before it too.

        What is asked of its steps is read for all of them at once from then on.
        """
        self._deeds.expect(going.pairs)
        self._governed.expect(going.pairs)
        self.dates.expect(going.head)
        start = going.ruler or going.pairs[0][0] if going.pairs else ""
        span = f"{start}..{going.head}" if start else going.head
        words = ("rev-list", "--first-parent", "--reverse", span, "--", "trust")
        changed = plumbing.run(self._git, *words).decode().split() if going.pairs else []
        named = dict.fromkeys(filter(None, [start, *changed, going.head]))
        snapshots = [tree.commit(self._git, each, ("trust",)) for each in named]
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
        return self.judge(self.deed(parent, commit), ruler)

    def deed(self, parent: str, commit: str) -> Deed:
        """Return what a step did; see `labelvc.ops.deeds.Deeds.of`."""
        return self._deeds.of(parent, commit)

    def trust_at(self, commit: str) -> Trust | None:
        """Return the policy in force at a commit; None where there is none that can be used."""
        snapshot = self._ledger.trust(commit)
        try:
            return self.trust(snapshot) if trusting.present(snapshot) else None
        except TrustError:
            return None

    def words(self, deed: Deed) -> Folders:
        """Return the approvals at the end of a step, until another is judged."""
        return self._ledger.after(deed).folders

    def at(self, commit: str) -> Folders:
        """Return the approvals at a commit, until another step is judged."""
        return self._ledger.page(commit).folders

    def made(self, deed: Deed) -> list[Made]:
        """Return the commits of a step and who made them."""
        return self._deeds.made(deed)

    def judge(self, deed: Deed, ruler: str = "") -> Step:
        """Judge what a step did, as `step` does."""
        parent, commit, found, total = deed.parent, deed.commit, deed.found, len(deed.found.changeset.moves)
        after = self._ledger.after(deed)
        before = self._ledger.page(ruler or parent)
        lost = not trusting.present(after.trust) and commit in self._governed
        if not trusting.present(before.trust) and not lost and (ruler or parent) not in self._governed:
            if aside := self._aside(parent, commit):
                why = (Problem(f"trust/ at {aside[:12]}", _ASIDE),)
                return Step(parent, commit, "undecidable", 0, total, root=found.changeset.root, problems=why)
            return Step(parent, commit, "ungoverned", 0, total, root=found.changeset.root)
        try:
            trust = self.trust(before.trust)
        except TrustError as error:
            keys = tuple(move.key for move in found.changeset.moves)
            why = (Problem(error.where or "trust/", error.message),)
            return Step(parent, commit, "undecidable", 0, total, keys, root=found.changeset.root, problems=why)
        problems: list[Problem] = []
        done = self._done(deed, ruler or parent, trust, after.trust, problems)
        words = self._ledger.joined(after, before) if ruler else after
        step = self._judged(done, self.heeding(trust, commit), self._witness or words, problems, (commit, ruler))
        return step._replace(problems=papers.beside(step.problems, deed))

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

    def heeding(self, trust: Trust, commit: str) -> Trust:
        """Return the trust that judges what came in with a step, without those whom the newest policy distrusts in it."""
        return self.silence.over(trust, commit) if self.silence else trust

    def again(self, step: Step, ruler: str, later: str, words: Snapshot) -> Step:
        """Judge a step again by what was said until a later one, and by the policy in force before that one.

        Args:
            step: the step.
            ruler: as for `step`.
            later: the commit before the later step.
            words: the approvals.

        Raises:
            TrustError: that policy cannot be used.
            StoreError: git or DVC data is missing.
        """
        deed = self.deed(step.parent, step.commit)
        after = self._ledger.after(deed).trust
        before = self._ledger.page(ruler or step.parent)
        done = self._done(deed, ruler or step.parent, self.trust(before.trust), after, [])
        trust = self.heeding(self.trust(tree.commit(self._git, later, ("trust",))), words.commit)
        return self._judged(done, trust, self._ledger.of(words, after), [], (words.commit, ruler))

    @contextmanager
    def believing(self) -> Iterator[None]:
        """Judge as if the newest policy distrusted nobody."""
        heeded, self.silence = self.silence, Silence({})
        try:
            yield
        finally:
            self.silence = heeded

    def later(self, step: Step, folders: Folders, trust: Trust) -> Step:
        """Return a step with what a later folder of approvals says of it."""
        known = {said.path for said in step.said} | {problem.path for problem in step.problems}
        found: list[Statement] = []
        for root in step.roots:
            new = {path: entry for path, entry in folders.get(root, {}).items() if path not in known}
            told = self.shelf.statements(root, new, trust)
            found += [one for one in told if isinstance(one, Statement)]
        return steps.followed(step, found)

    def _done(self, deed: Deed, at: str, trust: Trust, new: Snapshot, problems: list[Problem]) -> _Done:
        """Return what a step did, given its trust files; what is wrong with its files is added to the problems."""
        strange = self._deeds.odd(deed)
        problems += [Problem(path, deeds.ODD) for path in sorted(strange)]
        return _Done(
            deed,
            self._ledger.known(at, deed),
            frozenset(map(changeset.key_text, strange)),
            self._settled(deed.found.changeset, trust, new, problems),
        )

    def _judged(self, done: _Done, trust: Trust, words: Page, problems: list[Problem], line: tuple[str, ...]) -> Step:
        """Judge what a step did by a policy and approvals, as of the time of some commits."""
        deed, found = done.deed, done.deed.found
        commits = self._deeds.made(deed)
        made = people.authors(trust.policy, commits)
        known = {move.key for move in found.changeset.moves}
        folders, root = words.folders, found.changeset.root
        vouched = vouching.of(self._at, deed, done.known, folders, trust, self.trust_at)
        heard = [self.shelf.heard(root, folders[root], done.known, trust)] if root in folders else []
        heard += vouched.heard
        problems += [problem for each in heard for problem in each.problems]
        named = frozenset(name for each in heard for name in each.backing.authors)
        foreign, why = ownership.foreign(self._git, trust.policy, found, commits, named)
        problems += [*vouched.problems, *growth.faults(found), *(why if foreign - vouched.keys else ())]
        case = Case(
            [*found.changeset.moves, *(Move(key, None, Digest("")) for key in sorted(done.odd - known))],
            made.principals,
            people.annotators(trust.policy, found.by),
            bool(made.strangers),
            done.settled,
            found.twice | found.stuck | done.odd | (foreign - vouched.keys),
            vouched.keys,
            vouched.statements,
        )
        decision, at = self._decided(trust.policy, case, heard, line)
        if decision.uncovered or self._ledger.objected(words, found):
            carried = list(self.shelf.carried(found.changeset, folders, done.known, trust))
            problems += [one for each in carried for one in each.problems if isinstance(one, Distrusted)]
            heard += carried
            decision, at = self._decided(trust.policy, case, heard, line)
        untold = self.silence.untold(decision.state, problems) if self.silence else []
        dark = list(papers.unlisted(self.shelf, deed, folders, trust))
        problems += [*untold, *dark]
        if untold or (dark and decision.state in ("approved", "conditional", "unchanged")):
            decision = decision._replace(state="undecidable")
        if decision.state == "undecidable":
            problems += [Problem(commit_id, _STRANGER) for commit_id in made.strangers]
        alone = decision.within is not None and not line[1]  # a pull request has not come in yet
        due = self.dates.dated(line[0]) + (decision.within or 0) if alone else None
        return steps.judged(
            deed.parent, deed.commit, trust.policy.version, found.changeset, decision, heard, problems, at, due
        )

    def _decided(
        self, policy: Policy, case: Case, heard: Sequence[Heard], line: tuple[str, ...]
    ) -> tuple[Decision, int | None]:
        """Decide, and return also the time that mattered, if one did."""
        backings = [each.backing for each in heard]
        at = self.dates.at(*line) if voices.limited(policy, backings) else None
        return decide.decide(policy, case._replace(at=at), backings), at

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

    def _aside(self, parent: str, commit: str) -> str:
        """Return another parent of a merge under a policy whose protected things the merge changes; empty when there is none.

        A branch that brings the first policy is merged as it is; a merge that leads round a policy changes what it protects.
        """
        others = self._governed.beside(parent, commit)
        return next((other for other in others if self.deed(other, commit).found.changeset.moves), "")


def verify(
    git: Git, going: Course, pin: str | None, advance: Callable[[], None] = lambda: None, least: int = 0
) -> tuple[list[Step], dict[Digest, bool]]:
    """Judge every step of a course.

    Args:
        git: where.
        going: the steps.
        pin: digest of root version 1, from outside the repository; None when there is none.
        advance: called after each step.
        least: seconds since 1970 before which no step is said to come in.

    Returns:
        The steps, and the digests of root version 1 that were met with whether they were pinned.

    Raises:
        StoreError: git or DVC data is missing, or a tree is not as git writes it.
    """
    fsck.demand(git, going.head, going.base and f"^{going.base}")
    with tree.reader(git) as reader:
        walk = Walk(git, reader, pin, least=least)
        walk.heed(going)
        found = []
        for parent, commit in going.pairs:
            found.append(walk.step(parent, commit, going.ruler))
            advance()
        if len(found) > 1 or any(step.due is not None for step in found):
            found = list(_since(git, walk, going, found))
    return found, walk.anchors


def _since(git: Git, walk: Walk, going: Course, found: list[Step]) -> Iterator[Step]:
    """Yield the steps with what was said of them later on the line; as approved where that settles what is open."""
    parent, end = going.pairs[-1]
    folders = walk.at(end)
    try:
        trust = walk.heeding(walk.trust(tree.commit(git, parent, ("trust",))), end)
    except TrustError:
        yield from found
        return
    for at, step in enumerate(found):
        told = walk.later(step, folders, trust) if step.policy is not None else step
        yield ratified(git, walk, going, at, told)


def ratified(git: Git, walk: Walk, going: Course, at: int, step: Step) -> Step:
    """Return a step as approved when what was said until a later one is what the policy asks for.

    It is looked for where somebody let the step in in an emergency, or is distrusted since who had approved it. What was said
    once stays said: a rejection that a later step took out of the tree binds all the same. An emergency that the policy gives a
    time, and that nobody ratified in it, lets nothing in; who did and is distrusted since can be stood in for at any time.
    """
    if step.state != "conditional" and not _unsaid(walk, step, going.ruler):
        return step
    after = _agreed(git, walk, going, at, step, step.due)
    if after is None and step.due is not None and walk.dates.at(going.head) > step.due:
        with walk.believing():
            kept = _agreed(git, walk, going, at, step, step.due)
        after = kept and _agreed(git, walk, going, at, step, None)
        if after is None:
            return steps.overdue(step)
    return steps.ratified(step, after) if after else step


def _unsaid(walk: Walk, step: Step, ruler: str) -> bool:
    """Tell whether a step is not approved only because somebody is distrusted: it was when it came in."""
    if step.state != "missing" or not any(isinstance(each, Distrusted) for each in step.problems):
        return False
    with walk.believing():
        return walk.step(step.parent, step.commit, ruler).state in ("approved", "conditional")


def _agreed(git: Git, walk: Walk, going: Course, at: int, step: Step, due: int | None) -> Step | None:
    """Return a step as the words of the first later one that settle it have it, if that came in until it was due."""
    words = dict(tree.commit(git, step.commit, (approvals.FOLDER,)).entries)
    for parent, commit in going.pairs[at + 1 :]:
        found = tree.commit(git, commit, (approvals.FOLDER,)).entries
        if words.keys() >= found.keys():
            continue
        if due is not None and walk.dates.dated(commit) > due:
            return None
        words = {**found, **words}
        try:
            after = walk.again(step, going.ruler, parent, Snapshot(commit, "commit", commit, words))
        except TrustError:
            continue
        if after.state == "approved":
            return after
    return None


_STRANGER = "the author or a co-author of this commit is nobody the policy knows"
_ASIDE = "a policy was in force on this parent of the merge, which changes what it protects; nobody was asked by it"
