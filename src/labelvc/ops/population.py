"""Population: everything that came into a history, approved or not, and what shows that nothing is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from labelvc import digests
from labelvc.codec import moment
from labelvc.core import changeset, decide
from labelvc.core.changeset import Gathered, Touch
from labelvc.core.release import Log
from labelvc.model.approval import Approval
from labelvc.model.change import Move
from labelvc.model.commit import Commit
from labelvc.model.names import Digest
from labelvc.model.policy import Trust
from labelvc.model.release import Checkpoint
from labelvc.model.snapshot import Entry
from labelvc.ops import people
from labelvc.ops import release as releasing
from labelvc.ops import verify as verifying
from labelvc.ops.approvals import Folders, Problem, Statement
from labelvc.ops.course import Course
from labelvc.ops.dates import Dates
from labelvc.ops.deeds import Deed
from labelvc.ops.state import Scale
from labelvc.ops.steps import Step
from labelvc.ops.verify import Walk
from labelvc.store import log, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

UNKNOWN = "unknown"
"""What stands for an author whom the policy in force did not know."""
NOUNS = ("records", "items", "documents")
WORDS = ("added", "changed", "removed")
_Any = TypeVar("_Any", bound="Row | Moved")
_AT_ONCE = 200
NOTHING = changeset.gather(())
"""The change-set of a step of which nothing more is asked."""
_SETTLED = ("approved", "unchanged", "ungoverned")
_SHORT = ("missing", "denied", "rejected", "conditional")


class Row(NamedTuple):
    """One first-parent step of a population.

    Attributes:
        step: how `verify` judges it.
        commit: the commit it led to.
        authors: principals who made its commits, by name, and `unknown` where the policy in force did not know somebody.
        counts: how many `records`, `items` and `documents` were `added`, `changed` and `removed`.
        kinds: what it touched, sorted; see `labelvc.model.policy.ChangeKind`.
        statements: those on its change-set that hold; where none of them approves, those on others that share moves with it.
        trust: the policy in force before it; None where there was none or it cannot be used.
        found: its change-set.
        words: key of each move to what became of the thing.
        folders: the approvals at its end, until the next step is asked for.
        brought: the files of approvals that it brought or changed.
    """

    step: Step
    commit: Commit
    authors: tuple[str, ...]
    counts: Counter[tuple[str, str]]
    kinds: tuple[str, ...]
    statements: tuple[Statement, ...]
    trust: Trust | None
    found: Gathered
    words: dict[str, str]
    folders: Folders
    brought: Mapping[str, Entry]

    @property
    def id(self) -> str:
        """What it is drawn by: the commit."""
        return self.commit.id

    @property
    def state(self) -> str:
        """How it stands."""
        return self.step.state


class Moved(NamedTuple):
    """One move of a step.

    Attributes:
        row: the step.
        number: place of the move in the change-set, from 1.
        move: key, old and new digest.
        state: how it stands: the step's state, or `approved` where others of the step are not.
    """

    row: Row
    number: int
    move: Move
    state: str

    @property
    def id(self) -> str:
        """What it is drawn by: the commit and the line of its change-set."""
        return f"{self.row.commit.id}/{self.number}"

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """What became of what."""
        (kind,) = self.kinds
        return {(_noun(kind), self.row.words[self.move.key]): 1}

    @property
    def authors(self) -> tuple[str, ...]:
        """Who made the step's commits."""
        return self.row.authors

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it is about."""
        return (decide.kind_of(self.move.key, removed=self.move.new is None),)


class End(NamedTuple):
    """One end of a population: what holds the list in its place.

    Attributes:
        commit: full id; empty before the first commit.
        state: state digest, as a release at it would say.
        approvals: checkpoint of the log of approvals there.
    """

    commit: str
    state: Digest
    approvals: Checkpoint


Member = Row | Moved
"""What a population may be made of: steps, or their moves."""


class Totals:
    """Counts what goes by.

    Attributes:
        size: number of members.
        states: state to number of members.
        counts: noun and word to number of things.
    """

    def __init__(self) -> None:
        self.size = 0
        self.states: Counter[str] = Counter()
        self.counts: Counter[tuple[str, str]] = Counter()
        self._ids = digests.sha256()

    def of(self, members: Iterable[_Any]) -> Iterator[_Any]:
        """Yield members and count them."""
        for one in members:
            self.size += 1
            self.states[one.state] += 1
            self.counts.update(one.counts)
            self._ids.update(f"{one.id}\n".encode())
            yield one

    @property
    def digest(self) -> Digest:
        """SHA-256 of the ids, one a line, in their order: two lists with one digest are of the same members."""
        return Digest(f"sha256:{self._ids.hexdigest()}")

    @property
    def code(self) -> int:
        """The exit code: 2 when something could not be told, 1 when something is not approved."""
        return 2 if self.states["undecidable"] else int(not all(map(good, self.states)))


def good(state: str) -> bool:
    """Tell whether nothing is missing in a state."""
    return state in _SETTLED


class Census:
    """Lists the steps of a course one after another; memory holds one step.

    Args:
        git: the repository.
        reader: reads objects.
        pin: digest of root version 1, from outside the repository; None when there is none.
    """

    def __init__(self, git: Git, reader: Reader, pin: str | None) -> None:
        self._git, self._reader = git, reader
        self._walk = Walk(git, reader, pin)
        self._shelf = self._walk.shelf
        self.anchors = self._walk.anchors
        """Digests of root version 1 met on the way, and whether they were pinned."""

    @property
    def dates(self) -> Dates:
        """When steps came in."""
        return self._walk.dates

    def rows(self, going: Course) -> Iterator[Row]:
        """Yield the steps, oldest first.

        Raises:
            StoreError: git or DVC data is missing.
        """
        self._walk.heed(going)
        rest = enumerate(going.pairs)
        while some := list(islice(rest, _AT_ONCE)):
            commits = log.named(self._git, [commit for _, (_, commit) in some])
            for at, (parent, commit) in some:
                deed = self._walk.deed(parent, commit)
                step = verifying.ratified(self._git, self._walk, going, at, self._walk.judge(deed, going.ruler))
                yield self._row(step, deed, commits[commit], going.ruler)

    def trust(self, commit: str) -> Trust | None:
        """Return the policy in force at a commit; None where there is none that can be used."""
        return self._walk.trust_at(commit)

    def _row(self, step: Step, deed: Deed, commit: Commit, ruler: str) -> Row:
        trust = self.trust(ruler or step.parent)
        trust = self._walk.heeding(trust, commit.id) if trust else None
        found, moved = deed.found, deed.found.changeset.moves
        kinds = [decide.kind_of(move.key, removed=move.new is None) for move in moved]
        became = [_word(touch) for touch in found.touches]
        words = dict(zip((move.key for move in moved), became, strict=True))
        counts = Counter(zip(map(_noun, kinds), became, strict=True))
        authors = self._authors(deed, trust) if kinds else ()
        statements = tuple(self._statements(step, trust, deed)) if trust else ()
        folders, touched = self._walk.words(deed), tuple(sorted({*kinds}))
        return Row(step, commit, authors, counts, touched, statements, trust, found, words, folders, deed.brought)

    def _authors(self, deed: Deed, trust: Trust | None) -> tuple[str, ...]:
        if trust is None:
            return (UNKNOWN,)
        made = people.authors(trust.policy, self._walk.made(deed))
        return (*sorted(made.principals), *([UNKNOWN] if made.strangers else []))

    def _statements(self, step: Step, trust: Trust, deed: Deed) -> Iterator[Statement]:
        """Yield the statements that speak for or against a step."""
        folders = self._walk.words(deed)
        own = [*self._holding(step.root, folders, trust)]
        yield from own
        if not step.covered or any(one.approval.decision == "approve" for one in own):
            return
        moved = frozenset(deed.found.changeset.moves)
        for root in sorted(folders):
            other = self._shelf.changeset(root, folders[root])
            if root != step.root and not isinstance(other, Problem) and not moved.isdisjoint(other.moves):
                yield from self._holding(root, folders, trust)

    def _holding(self, root: Digest, folders: Folders, trust: Trust) -> Iterator[Statement]:
        found = self._shelf.statements(root, folders.get(root, {}), trust)
        yield from (one for one in found if isinstance(one, Statement))


def moves(row: Row) -> Iterator[Moved]:
    """Yield the moves of a step, in the order of its change-set."""
    bare = frozenset(row.step.uncovered) if row.state in _SHORT else frozenset()
    for number, move in enumerate(row.found.changeset.moves, 1):
        short = row.state in _SHORT and move.key not in bare
        yield Moved(row, number, move, "approved" if short else row.state)


def end(git: Git, reader: Reader, commit: str) -> End:
    """Return an end of a population: the state of the data and the checkpoint of the approvals at a commit.

    Raises:
        DataError: a release before it cannot be read.
        StoreError: data is missing.
    """
    with Cache(git) as cache:
        scale = Scale(reader, cache)
        snapshot = tree.commit(git, commit) if commit else tree.empty()
        before = releasing.based(git, reader, scale, commit).log if commit else Log()
        return End(commit, scale.state(snapshot).digest, before.grown(scale.statements(snapshot)).checkpoint(0))


def approving(statements: Sequence[Statement], at: int | None = None) -> list[Approval]:
    """Return what those who approve say, each person and role once; without what had expired at a time in seconds since 1970."""
    found: dict[tuple[str, str], Approval] = {}
    for one in statements:
        ends = one.approval.expires_at
        over = bool(ends) and at is not None and at > moment.seconds(ends)
        if one.approval.decision == "approve" and not over:
            found.setdefault((one.approval.signer.principal, one.approval.role), one.approval)
    return [found[at] for at in sorted(found)]


def _noun(kind: str) -> str:
    """Return what a move is counted as."""
    return {"labels": "records", "items": "items"}.get(kind, "documents")


def _word(touch: Touch) -> str:
    """Return what became of a thing."""
    return "added" if not touch.was else "changed" if touch.stays else "removed"
