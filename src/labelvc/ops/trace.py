"""Trace: the life of a record or item, from git's history and the approvals and guidelines kept beside it."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import importlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from labelvc.core import diff, life
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.model.commit import Commit
from labelvc.model.names import Key
from labelvc.model.project import Dataset, Sensitive
from labelvc.ops import past as pasts
from labelvc.ops import project as projects
from labelvc.ops.meaning import Library, Meaning
from labelvc.ops.past import Past
from labelvc.store import git as plumbing
from labelvc.store.cache import Cache
from labelvc.store.folders import Folders
from labelvc.store.git import Git
from labelvc.store.reader import Reader

if TYPE_CHECKING:
    from labelvc.model.vote import Vote
    from labelvc.ops.votes import Ballot

_RELEASES = "releases"


class Step(NamedTuple):
    """One change in the life of a record.

    Attributes:
        commit: the commit that made it.
        delta: what it changed; where the record came from another key, `old` is that key's line.
        integrated: the commit by which it came into the first-parent history; the commit itself when made there.
        dropped: the merge that threw it away; None when it led to the present line.
        former: the key it had before, when this commit gave it another one.
        meaning: the guideline and taxonomy of the new line, as they stood then.
        votes: statements that cover it.
        governed: whether a policy was in force when it was integrated.
    """

    commit: Commit
    delta: Delta
    integrated: Commit
    dropped: Commit | None = None
    former: Key | None = None
    meaning: Meaning | None = None
    votes: tuple["Vote", ...] = ()
    governed: bool = False


class Life(NamedTuple):
    """A record's life up to a revision.

    Attributes:
        key: its key.
        item: the line of its item at that revision; None when there is none.
        now: its own line there; None when it was removed without a tombstone.
        steps: all its changes, oldest first, those that a merge threw away included.
        sensitive: the fields that its dataset ever declared sensitive.
        later: the key it went on under, when it vanished in the commit that brought an equal record.
        releases: the releases at that revision that hold its present line, oldest first; None where there never was one.
    """

    key: Key
    item: bytes | None
    now: bytes | None
    steps: list[Step]
    sensitive: tuple[Sensitive, ...] = ()
    later: Key | None = None
    releases: tuple[str, ...] | None = None


class _Change(NamedTuple):
    """What a commit made of a line of some past, the merge that threw it away, and the key its line had before when that was another."""

    past: Past
    commit: Commit
    delta: Delta
    dropped: str = ""
    former: tuple[Key, bytes] | None = None


def trace(git: Git, key: Key, rev: str = "HEAD", pin: str | None = None) -> Life:
    """Return the life of one record (or item, when the key's id is empty).

    Follows merges, reshards, storage moves, and a record that got another key in one commit, as all of a dataset do that is
    given another name; a commit is a step only when it changed the record against each of its parents.

    Args:
        git: the repository.
        key: the record.
        rev: where its history ends.
        pin: digest of root version 1, from outside the repository; None when there is none.

    Returns:
        Its changes with who, when, by which commit, under which guideline, and which approvals cover them.

    Raises:
        ConfigurationError: no such dataset.
        DataError: the record never existed.
        StoreError: an object is missing, or the clone is shallow.
    """
    with Reader(git) as reader, Cache(git) as cache:
        folders = Folders(git, reader)
        head = projects.documents(folders, rev)
        project = projects.load(git, head, reader, cache)
        past = Past(git, folders, projects.dataset(project, key.dataset), head.commit, cache=cache)
        changes = _changes(past, key)
        if not changes:
            raise DataError(f"no commit up to {rev} ever held {key}", hint=_advice(git, key, rev))
        keys = _Succession(git, folders, past, cache)
        later = keys.later(changes[0])
        changes = list(keys.earlier(changes))
        ballot = None
        if past.governed:  # the module that looks for statements brings cryptography
            ballot = importlib.import_module("labelvc.ops.votes").Ballot(git, reader, head.commit, pin)
        steps = list(_steps(reader, past, changes, Library(folders, project, cache), ballot))
        item, now = past.line(head.commit, key._replace(id="")), past.line(head.commit, key)
        releases = None
        if folders.snapshot(head.commit, [_RELEASES]).entries:
            # most projects have none: they do not pay for the modules
            manifests = importlib.import_module("labelvc.ops.manifest")
            releases = tuple(manifests.containing(git, head.commit, partial(_line_of, past, key)))
        sensitive = [
            field for one in {id(change.past): change.past for change in changes}.values() for field in one.sensitive
        ]
        return Life(key, item, now, steps, tuple(dict.fromkeys(sensitive)), later, releases)


def _advice(git: Git, key: Key, rev: str) -> str:
    naming, tree = map(importlib.import_module, ("labelvc.ops.naming", "labelvc.store.tree"))
    return naming.hint(git, tree.commit(git, rev), str(key), keys=True) or str(naming.WRITTEN)


def _line_of(past: Past, key: Key, commit: str) -> bytes | None:
    return past.line(commit, key)


def _changes(past: Past, key: Key) -> list[_Change]:
    """Return what commits made of a line, newest first."""
    made = [(commit, olds[0], new) for commit, sides in past.of(key) for _, olds, new in life.moves(sides)]
    left = {commit.id: new for commit, _, new in made}
    dropped = life.dropped(past.parents, left, partial(_line_of, past, key))
    return [_Change(past, commit, Delta(key, old, new), dropped.get(commit.id, "")) for commit, old, new in made]


def _steps(
    reader: Reader, past: Past, changes: list[_Change], library: Library, ballot: "Ballot | None"
) -> Iterator[Step]:
    """Add to each change the commit that integrated it, what it meant and the statements that cover it; oldest first.

    Args:
        reader: reads commits.
        past: up to the end of the history.
        changes: of the record, newest first, under other keys as well.
        library: tells what a line meant.
        ballot: finds statements; None where there was never a policy.
    """
    came = life.integrations(past.parents, past.head)
    merges = {came[change.commit.id][1] for change in changes} | {change.dropped for change in changes}
    merges -= {"", *[change.commit.id for change in changes]}
    commits = {change.commit.id: change.commit for change in changes} | pasts.commits(reader, sorted(merges))
    for then, commit, delta, dropped, former in reversed(changes):
        parent, integrated = came[commit.id]
        votes, governed = ballot.votes(then, parent, integrated, delta) if ballot is not None else ((), False)
        meaning = library.meaning(commit.id, diff.live(delta.new)) if isinstance(delta.key, Key) else None
        shown = delta if former is None else delta._replace(old=former[1])
        lost = commits[dropped] if dropped else None
        yield Step(commit, shown, commits[integrated], lost, former and former[0], meaning, votes, governed)


class _Succession:
    """Finds the key a record had before, or has since, where one commit gave it another.

    See `labelvc.core.succession` for when two keys are one record's.
    """

    def __init__(self, git: Git, folders: Folders, past: Past, cache: Cache) -> None:
        self._git, self._folders, self._past, self._cache = git, folders, past, cache

    def earlier(self, changes: list[_Change]) -> Iterator[_Change]:
        """Yield the changes, newest first, and after its birth those it had under other keys."""
        met: set[Key] = set()
        while changes:
            yield from changes[:-1]
            born = changes[-1]
            former = self._namesake(born, back=True) or self._renamed(born)
            if former is None or former in met:
                yield born
                return
            met.add(former)
            parent = born.commit.parents[0]
            older = self._older(parent, former)
            line = older.line(parent, former)
            yield born._replace(former=(former, line)) if line is not None else born
            self._past = older
            changes = _changes(older, former)

    def _older(self, commit: str, key: Key) -> Past:
        """Return the past of a key's dataset up to a commit."""
        if key.dataset == self._past.dataset.name:
            return Past(self._git, self._folders, self._past.dataset, commit, groups=self._past.groups())
        return Past(self._git, self._folders, self._datasets(commit)[key.dataset], commit, cache=self._cache)

    def _renamed(self, born: _Change) -> Key | None:
        """Return the key of a line that appeared with its dataset, where that had another name before: its id stays."""
        commit, own = born.commit, born.past.dataset.name
        if len(commit.parents) != 1 or not isinstance(born.delta.key, Key):
            return None
        before, after = [set(self._folders.names(one, "datasets")) for one in (commit.parents[0], commit.id)]
        if own in before or not before - after:
            return None
        same = self._datasets(commit.id).get(own)
        found = [name for name, one in self._datasets(commit.parents[0]).items() if same and one.id == same.id]
        return born.delta.key._replace(dataset=found[0]) if found and found[0] not in after else None

    def _datasets(self, commit: str) -> Mapping[str, Dataset]:
        """Return the datasets of a commit; none where its documents are wrong."""
        with Reader(self._git) as reader:
            _, project = projects.examine(self._git, projects.documents(self._folders, commit), reader, self._cache)
            return project.datasets if project is not None else {}

    def later(self, last: _Change) -> Key | None:
        """Return the key a record went on under, when its last change was to vanish."""
        return self._namesake(last, back=False)

    def _namesake(self, change: _Change, *, back: bool) -> Key | None:
        commit, delta = change.commit, change.delta
        one = delta if back else ~delta
        if len(commit.parents) != 1 or diff.live(one.old) or not diff.live(one.new) or not self._took(commit):
            return None
        (parent,) = commit.parents
        old, new = (parent, commit.id) if back else (commit.id, parent)
        deltas = (each if back else ~each for each in self._deltas(parent, commit.id))
        pointers = self._past.dataset.natural_key or ("/natural",)
        succession = importlib.import_module("labelvc.core.succession")  # most records keep their key
        found: Key | None = succession.predecessor(
            one, deltas, pointers, partial(self._item, old), partial(self._item, new)
        )
        return found

    def _took(self, commit: Commit) -> bool:
        """Tell whether a commit did more than add files of records: only then can a record have vanished."""
        above = f"datasets/{self._past.dataset.name}"
        folder = f"{above}/annotations"
        if not {"annotations", "annotations.dvc"}.intersection(self._folders.names(commit.parents[0], above)):
            return False
        words = ("--literal-pathspecs", "diff-tree", "-r", "--raw", "--no-renames", "--diff-filter=a")
        return bool(plumbing.run(self._git, *words, commit.parents[0], commit.id, "--", folder, f"{folder}.dvc"))

    def _deltas(self, parent: str, commit: str) -> Iterator[Delta]:
        comparing, tree = map(importlib.import_module, ("labelvc.ops.diff", "labelvc.store.tree"))
        for delta in comparing.shard_deltas(self._git, *tree.differing(self._git, parent, commit)):
            if isinstance(delta.key, Key) and delta.key.dataset == self._past.dataset.name:
                yield delta

    def _item(self, commit: str, item: str) -> bytes | None:
        return self._past.line(commit, Key(self._past.dataset.name, item, ""))
