"""Log: the commits that changed records, items or documents, newest first, with what each changed."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from labelvc.codec import shard
from labelvc.core import bearing, diff, life
from labelvc.core.diff import Comparison
from labelvc.errors import DataError
from labelvc.model.change import Delta, Kind
from labelvc.model.commit import Commit
from labelvc.model.names import Key
from labelvc.model.secret import TOKEN
from labelvc.model.snapshot import Entry as File
from labelvc.model.snapshot import FileChange, Snapshot
from labelvc.ops import diff as differing
from labelvc.ops import naming
from labelvc.ops import project as projects
from labelvc.ops.past import Past, Scope
from labelvc.store import git as plumbing
from labelvc.store import log, patch, tree
from labelvc.store.folders import Folders
from labelvc.store.git import Git
from labelvc.store.log import Versions
from labelvc.store.reader import Reader

_is_token = re.compile(TOKEN).fullmatch
_is_version = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*@[0-9][^\s]*").fullmatch


class Counts(Protocol):
    """What counts the changes of one commit."""

    def add(self, delta: Delta) -> None:
        """Count a record, an item or a document that differs."""
        ...

    def came(self, path: str, lines: Sequence[bytes]) -> bool:
        """Count the lines of a shard that lost none, all at once; tell whether that could be done."""
        ...

    def document(self, path: str) -> None:
        """Count a file that is no shard and differs."""
        ...


Counting = TypeVar("Counting", bound=Counts)


class Filter(NamedTuple):
    """Which changes count: those where the record before or after fits all that is asked for.

    Attributes:
        label: a label's id, or a score.
        annotator: a pseudonym.
        under: `guideline@version`.
        task: a task.
    """

    label: str = ""
    annotator: str = ""
    under: str = ""
    task: str = ""

    def fits(self, seen: Comparison) -> bool:
        """Tell whether a change counts."""
        return not any(self) or (isinstance(seen.delta.key, Key) and any(self._fits(row) for row in _live(seen)))

    def _fits(self, row: dict[str, Any]) -> bool:
        return (
            (not self.label or self.label in bearing.labels(row.get("value")))
            and (not self.annotator or row.get("by") == self.annotator)
            and (not self.under or row.get("under") == self.under)
            and (not self.task or row.get("task") == self.task)
        )


class Span(NamedTuple):
    """How much of history is looked at.

    Attributes:
        head: revision to begin with.
        base: revision to end before; empty for all.
        since, until: seconds since 1970 that bound the committer's date; None for no limit.
    """

    head: str = "HEAD"
    base: str = ""
    since: int | None = None
    until: int | None = None

    def holds(self, commit: Commit) -> bool:
        """Tell whether a commit lies between the dates; clocks differ, so no commit's date says anything of the next."""
        if self.since is None and self.until is None:
            return True
        at = datetime.fromisoformat(commit.committed).timestamp()
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


class Logged(NamedTuple):
    """A commit and what it changed.

    Attributes:
        commit: the commit.
        records, items: kind to number.
        documents: paths of documents.
        changes: what was asked for by its key, old and new; empty when a dataset or all was asked for.
    """

    commit: Commit
    records: Counter[Kind]
    items: Counter[Kind]
    documents: tuple[str, ...] = ()
    changes: tuple[Delta, ...] = ()


def read(git: Git, wanted: str, span: Span, only: Filter) -> Iterator[Logged]:
    """Yield the commits that changed something, newest first; a merge only for what it changed against each parent.

    Args:
        git: the repository.
        wanted: a record, an item, a dataset, or empty for the whole project.
        span: how much of history.
        only: which changes count.

    Yields:
        Commits with at least one change that counts.

    Raises:
        ConfigurationError: no such dataset.
        DataError: a filter that can fit nothing, or a key that is no key.
        StoreError: unknown revision, a missing object, or a shallow clone.
    """
    _demand(only)
    with tree.reader(git) as reader:
        folders = Folders(git, reader)
        head = projects.documents(folders, span.head)
        if "/" not in wanted:
            yield from _whole(git, reader, _known(git, reader, head, wanted), span._replace(head=head.commit), only)
            return
        project = projects.load(git, head, reader)
        dataset, _, rest = wanted.partition("/")
        past = whole = Past(git, folders, projects.dataset(project, dataset), head.commit)
        if span.base:
            parents = log.parents(git, head.commit, span.base)
            past = Past(git, folders, whole.dataset, head.commit, parents=parents)
        readings = list(_readings(past, rest))
        found = next(filter(None, (_keyed(past, scopes, span, only) for scopes in readings)), [])
        yield from found
        if not found and not any(_ever(one, rest) for one in (past, whole)):
            advice = naming.hint(git, tree.commit(git, span.head), wanted) or naming.WRITTEN
            raise DataError(f"no commit up to {span.head} ever held {wanted}", hint=advice)


def _demand(only: Filter) -> None:
    """Refuse filters that can fit nothing; what was typed instead of a pseudonym is not repeated."""
    if only.annotator and not _is_token(only.annotator):
        raise DataError(
            "the annotator is no pseudonym", hint="labelvc log KEY --format json shows the pseudonyms under `by`"
        )
    if only.under and not _is_version(only.under):
        raise DataError(f"{only.under!r} is no guideline@version", hint="labelvc log --under sentiment@1.3.0")


def _known(git: Git, reader: Reader, head: Snapshot, name: str) -> str:
    if name:
        projects.dataset(projects.load(git, head, reader), name)
    return name


def _whole(git: Git, reader: Reader, dataset: str, span: Span, only: Filter) -> Iterator[Logged]:
    """Yield the log of a dataset, or of all."""
    paths = [log.pathspec(f"datasets/{dataset}/")] if dataset else []
    for entry in log.read(git, span.head, paths, base=span.base):
        if not span.holds(entry.commit):
            continue
        found = counted(git, reader, entry, lambda: _Counted(only, of=dataset)).logged(entry.commit)
        if found.records or found.items or found.documents:
            yield found


def counted(git: Git, reader: Reader, entry: log.Entry, fresh: Callable[[], Counting]) -> Counting:
    """Count what a commit changed, file by file; what left one shard for another is found by a second, whole look.

    Args:
        git: the repository.
        reader: reads objects.
        entry: the commit, whose files nobody has walked through yet.
        fresh: makes what counts; asked twice where the second look is needed.

    Returns:
        What counted all of the commit's changes, each once.

    Raises:
        StoreError: a missing object.
    """
    found = fresh()
    if not _laid_alike(git, reader, entry.commit):
        return _again(git, entry.commit, found)
    halves, whole = (array("q"), array("q")), False
    for file in entry.files:
        if _needs_all(file):
            return _again(git, entry.commit, fresh())
        if isinstance(file, Versions):
            for delta in _of_merge(reader, file):
                found.add(delta)
        elif shard.parse_path(file.path) is None:
            found.document(file.path)
        elif not file.old and found.came(file.path, file.new):
            whole = True
        else:
            for delta in diff.pair(file):
                found.add(delta)
                if (delta.old is None) != (delta.new is None):
                    halves[delta.old is None].append(hash(delta.key))
    few, many = sorted(halves, key=len)
    if (whole and halves[False]) or (few and not set(few).isdisjoint(many)):
        return _again(git, entry.commit, fresh())
    return found


def _needs_all(file: FileChange | Versions) -> bool:
    pointed = file.path.startswith("datasets/") and file.path.endswith("/annotations.dvc")
    moved = isinstance(file, Versions) and shard.parse_path(file.path) and not (file.new and all(file.olds))
    return pointed or bool(moved)


def _laid_alike(git: Git, reader: Reader, commit: Commit) -> bool:
    """Tell whether the datasets of a merge and of all its parents have the same documents, and so the same shards.

    Otherwise a shard that is one parent's, which a combined diff leaves out, may hold what lies in another file elsewhere.
    """
    folders = Folders(git, reader)
    return len(commit.parents) < 2 or len({_documents(folders, one) for one in (commit.id, *commit.parents)}) == 1


def _documents(folders: Folders, commit: str) -> tuple[File | None, ...]:
    paths = [f"datasets/{name}/dataset.yaml" for name in folders.names(commit, "datasets")]
    entries = folders.snapshot(commit, paths).entries
    return tuple([entries.get(path) for path in paths])


def _of_merge(reader: Reader, file: Versions) -> Iterator[Delta]:
    """Yield what a merge made of a file against each parent; a document as a whole."""
    found = shard.parse_path(file.path)
    if found is None:
        yield Delta(file.path, b"", b"")
        return
    sides = []
    new = reader.read(file.path, File("git", file.new))
    for oid in file.olds:
        change = patch.walk(file.path, reader.read(file.path, File("git", oid)), new)
        deltas = {delta.key: delta for delta in diff.pair(change)}
        sides.append(deltas)
    for key in sides[0].keys() & set.intersection(*[set(side) for side in sides]):
        yield sides[0][key]


def _again(git: Git, commit: Commit, fresh: Counting) -> Counting:
    """Count what a commit changed against each of its parents by comparing whole snapshots."""
    first, *others = commit.parents or ("",)
    shared = [{delta.key for delta in _between(git, parent, commit.id)} for parent in others]
    for delta in _between(git, first, commit.id):
        if all(delta.key in keys for keys in shared):
            fresh.add(delta)
    return fresh


def _between(git: Git, parent: str, commit: str) -> Iterator[Delta]:
    if parent:
        return differing.between(git, *tree.differing(git, parent, commit))
    return differing.between(git, tree.empty(), tree.commit(git, commit))


def _keyed(past: Past, scopes: Sequence[Scope], span: Span, only: Filter) -> list[Logged]:
    """Return the log of a record, or of an item with its records, with their old and new lines."""
    found: dict[str, Logged] = {}
    for scope in scopes:
        for commit, sides in past.changes(scope):
            if not span.holds(commit):
                continue
            tally = _Counted(only, keep=True)
            for name, olds, new in life.moves(sides):
                head = shard.HEADS[scope.layer].match(name) if isinstance(name, bytes) else None
                key = shard.key_in(head, past.dataset.name) if head else None
                if key:
                    tally.add(Delta(key, olds[0], new))
            one = tally.logged(commit)
            if one.changes:
                found[commit.id] = _joined(found[commit.id], one) if commit.id in found else one
    if len(scopes) == 1:
        return list(found.values())
    order = {commit: at for at, commit in enumerate(past.parents)}
    return [found[commit] for commit in sorted(found, key=order.__getitem__)]


def _joined(one: Logged, two: Logged) -> Logged:
    return Logged(one.commit, one.records + two.records, one.items + two.items, (), (*one.changes, *two.changes))


def _readings(past: Past, rest: str) -> Iterator[list[Scope]]:
    """Yield what a text after `dataset/` may name: a record, then an item with its records, whose name may hold `#`."""
    item, mark, name = rest.rpartition("#")
    if item and name:
        yield [past.item(item, "annotations")._replace(start=shard.prefix(Key(past.dataset.name, item, name)))]
    for whole in (item, rest) if item and mark and not name else (rest,):
        yield [past.item(whole, "items"), past.item(whole, "annotations")]


def _ever(past: Past, rest: str) -> bool:
    """Tell whether what a text after `dataset/` names is there, or one of the commits looked at changed it."""
    scopes = [scope for scopes in _readings(past, rest) for scope in scopes]
    return any(past.lines(past.head, scope) for scope in scopes) or any(
        any(life.moves(sides)) for scope in scopes for _, sides in past.changes(scope)
    )


def _live(seen: Comparison) -> Iterable[dict[str, Any]]:
    return (row for row in (seen.old, seen.new) if row and row.get("gone") is not True)


class _Counted:
    """Counts the changes of one commit that a filter lets pass, of one dataset or (empty) of all."""

    def __init__(self, only: Filter, *, of: str = "", keep: bool = False) -> None:
        self._only, self._of, self._keep = only, of, keep
        self._records: Counter[Kind] = Counter()
        self._items: Counter[Kind] = Counter()
        self._documents: dict[str, None] = {}
        self._changes: list[Delta] = []

    def add(self, delta: Delta) -> None:
        if self._of and self._of != _dataset_of(delta.key):
            return
        if isinstance(delta.key, str) and shard.parse_path(delta.key.rpartition(":")[0]) is None:
            self.document(delta.key)
            return
        if any(self._only):
            seen = diff.compare(delta)
            if not self._only.fits(seen):
                return
            kind = seen.kind
        else:
            kind = diff.kind_of(delta)
        (self._records if isinstance(delta.key, str) or delta.key.id else self._items)[kind] += 1
        if self._keep:
            self._changes.append(delta)

    def came(self, path: str, lines: Sequence[bytes]) -> bool:
        return False

    def document(self, path: str) -> None:
        if naming.is_document(path) and not any(self._only):
            self._documents[path] = None

    def logged(self, commit: Commit) -> Logged:
        return Logged(commit, self._records, self._items, tuple(self._documents), tuple(self._changes))


def _dataset_of(key: Key | str) -> str:
    """Return the dataset of a record or item, or of a file by its path; empty of what belongs to none."""
    if not isinstance(key, str):
        return key.dataset
    folder, _, rest = key.partition("/")
    return rest.partition("/")[0] if folder == "datasets" else ""


def course(git: Git, words: str, since: str, until: str) -> Span:
    """Read how much of history is wanted.

    Args:
        git: the repository.
        words: `REV`, `A..B`, or `A...B` for what B has since it parted from A.
        since: a date as git reads it, or empty.
        until: the same.

    Raises:
        StoreError: unknown revision, or no date.
    """
    base, dots, head = words.partition("..")
    head = (head or "HEAD") if dots else words
    if head.startswith("."):
        base, head = plumbing.merge_base(git, base or "HEAD", head[1:] or "HEAD"), head[1:] or "HEAD"
    elif dots:
        base = base or "HEAD"
    first, last = [log.moment(git, date) if date else None for date in (since, until)]
    return Span(head, base if dots else "", first, last)
