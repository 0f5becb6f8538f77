"""Blame: which commit set each field of the records of an item or of a whole dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from labelvc.codec import shard
from labelvc.core import attribution, diff
from labelvc.core.attribution import Attribution
from labelvc.errors import DataError
from labelvc.model.commit import Commit
from labelvc.model.names import Key
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import naming, remembered
from labelvc.ops import project as projects
from labelvc.ops.past import Past, Scope
from labelvc.store import log, tree
from labelvc.store.cache import Cache
from labelvc.store.folders import Folders
from labelvc.store.git import Git
from labelvc.store.reader import Reader

if TYPE_CHECKING:
    from labelvc.ops.look import Advance

_BY = "labelvc.blame/3"
_AT_ONCE = 40_000
_SAMPLE = 16
_MOST_PREFIX = 3
_SHAPES = 1 << 12


class Origin(NamedTuple):
    """Who set one field of a record to what it is.

    Attributes:
        pointer: the field.
        value: what stands there.
        commit: the commit that set it.
        by: the pseudonym the record stood under then; empty when there was none, or a plain value.
    """

    pointer: str
    value: object
    commit: Commit
    by: str


class Fields(msgspec.Struct, frozen=True):
    """The fields of a record, in the order of their pointers; iterating yields an `Origin` for each.

    Attributes:
        pointers: the fields.
        values: what stands in each.
        sources: the commits that set them, each with the pseudonym the record stood under then; most records have one or two.
        places: for each field the place of its source among those.
    """

    pointers: attribution.Pointers
    values: list[Any]
    sources: list[tuple[Commit, str]]
    places: tuple[int, ...]

    def __iter__(self) -> Iterator[Origin]:
        """Yield the origin of each field."""
        for pointer, value, at in zip(self.pointers, self.values, self.places, strict=True):
            yield Origin(pointer, value, *self.sources[at])


Blamed = tuple[Key, Fields]
"""A record and its fields with their origins."""


def item(git: Git, dataset: str, name: str, rev: str = "HEAD") -> Iterator[Blamed]:
    """Yield the records of an item with the origin of each of their fields.

    Args:
        git: the repository.
        dataset: the item's dataset.
        name: the item.
        rev: where the history ends.

    Yields:
        Records sorted by key; deleted ones are left out.

    Raises:
        ConfigurationError: no such dataset.
        DataError: the item has no records.
        StoreError: an object is missing, or the clone is shallow.
    """
    with tree.reader(git) as reader:
        folders = Folders(git, reader)
        head = projects.documents(folders, rev)
        past = Past(git, folders, projects.dataset(projects.load(git, head, reader), dataset), head.commit)
        scope = past.item(name, "annotations")
        present = sorted((key, raw) for key, raw in past.lines(head.commit, scope).items() if diff.live(raw))
        if not present:
            advice = naming.hint(git, tree.commit(git, rev), f"{dataset}/{name}") or naming.WRITTEN
            raise DataError(f"{dataset}/{name} has no records at {rev}", hint=advice)
        parents = log.parents(git, head.commit)
        made = ((commit, attribution.rows(sides)) for commit, sides in past.some(scope, parents))
        yield from _attributed(present, parents, made)


def whole(git: Git, dataset: str, rev: str = "HEAD", advance: Advance | None = None) -> Iterator[Blamed]:
    """Yield the records of a dataset with the origin of each of their fields; what commits changed is remembered.

    Some thousand records are followed at a time, so that memory stays flat.

    Args:
        git: the repository.
        dataset: the dataset.
        rev: where the history ends.
        advance: called with the number of commits followed, and with how many there are; once for each portion of records.

    Yields:
        Records shard by shard, in the order of their lines; deleted ones are left out.

    Raises:
        ConfigurationError: no such dataset.
        DataError: there are no records, or one whose line no commit made, as when a shard holds a key twice.
        StoreError: an object is missing, or the clone is shallow.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        folders = Folders(git, reader)
        head = projects.documents(folders, rev)
        project = projects.load(git, head, reader, cache)
        past = Past(git, folders, projects.dataset(project, dataset), head.commit, cache=cache)
        parents = log.parents(git, head.commit)
        shards, met = _shards(tree.commit(git, head.commit, [f"datasets/{dataset}/annotations"]), dataset), False
        prefixes = _prefixes(reader, shards, past)
        for prefix in prefixes:
            held = [(path, entry) for path, name, entry in shards if name.startswith(prefix)]
            present = list(_present(reader, held, dataset))
            met = met or bool(present)
            if present:
                made = _remembered(git, cache, past, Scope("annotations", prefix=prefix), parents)
                if advance is not None:
                    made = _heard(made, len(parents), partial(advance, total=len(parents) * len(prefixes)))
                yield from _attributed(present, parents, made)
    if not met:
        raise DataError(f"{dataset} has no records at {rev}", hint=f"labelvc log {dataset}")


def _heard(
    made: Iterator[tuple[Commit, attribution.Rows]], commits: int, advance: Callable[[int], None]
) -> Iterator[tuple[Commit, attribution.Rows]]:
    """Yield what commits made, and tell how many were followed; those that need not be count as well."""
    left = commits
    try:
        for one in made:
            yield one
            advance(1)
            left -= 1
    finally:
        advance(left)


def _attributed(
    present: Sequence[tuple[Key, bytes]],
    parents: Mapping[str, Sequence[str]],
    made: Iterable[tuple[Commit, attribution.Rows]],
) -> Iterator[Blamed]:
    """Follow the fields of lines through what commits made, newest first, until each has its commit."""
    fields = Attribution([raw for _, raw in present], parents)
    commits: dict[str, Commit] = {}
    for commit, rows in made:
        if fields.open is None:
            break
        fields.see(commit.id, rows)
        commits[commit.id] = commit
    if fields.open is not None:
        key = present[fields.open][0]
        message = f"no commit made the line of {key} as it stands: its shard is not in canonical form"
        raise DataError(message, where=str(key), hint="labelvc check --all")
    for number, (key, raw) in enumerate(present):
        line = diff.decoded(raw)
        pointers, values = attribution.told(line)
        found, own = fields.result(number), attribution.token(line.get("by"))
        sources = [(commits[commit], own if by is None else by) for _, commit, by in found]
        yield key, Fields(pointers, values, sources, _places(pointers, tuple([part for part, _, _ in found])))


@lru_cache(maxsize=_SHAPES)  # the lines of a dataset have few shapes, and few of their fields change
def _places(pointers: attribution.Pointers, parts: tuple[attribution.Pointers | None, ...]) -> tuple[int, ...]:
    """Return for each field which part it is in; a part that is None has all of them."""
    found = {pointer: at for at, part in enumerate(parts) for pointer in (pointers if part is None else part)}
    return tuple([found[pointer] for pointer in pointers])


def _remembered(
    git: Git, cache: Cache, past: Past, scope: Scope, parents: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Commit, attribution.Rows]]:
    """Yield what each commit made of the lines in scope, newest first; what was seen before is not read again."""
    specs = past.specs(scope)
    listed = {commit.id: commit for commit in log.commits(git, past.head, specs)}
    commits = [listed[commit] for commit in parents if commit in listed]
    yield from remembered.by_commit(
        cache, commits, partial(_key, past.dataset.name, scope), attribution.Rows, partial(_made, past, scope)
    )


def _made(past: Past, scope: Scope, commits: Sequence[Commit]) -> Iterator[tuple[Commit, attribution.Rows]]:
    for commit, sides in past.some(scope, {commit.id: commit.parents for commit in commits}):
        yield commit, attribution.rows(sides)


def _key(dataset: str, scope: Scope, commit: Commit) -> str:
    return f"{_BY}:{dataset}:{scope.prefix}:{commit.id}:{','.join(commit.parents)}"


def _shards(head: Snapshot, dataset: str) -> list[tuple[str, str, Entry]]:
    """Return (path, name, entry) of the shards of a dataset's records."""
    found = ((path, shard.parse_path(path), entry) for path, entry in sorted(head.entries.items()))
    return [(path, at[2], entry) for path, at, entry in found if at and at[:2] == (dataset, "annotations")]


def _prefixes(reader: Reader, shards: Sequence[tuple[str, str, Entry]], past: Past) -> list[str]:
    """Return the beginnings of shard names that part a dataset into portions of some thousand records.

    Where the dataset was grouped in another way before, an item may come from anywhere: it is one portion.
    """
    if not shards or len(past.groups()) > 1:
        return [""]
    sampled = shards[:: -(-len(shards) // _SAMPLE)]
    lines = sum(data.count(b"\n") for _, data in reader.many((path, entry) for path, _, entry in sampled))
    records = lines * len(shards) // len(sampled)
    digits = 0
    while records > _AT_ONCE * 4**digits and digits < min(_MOST_PREFIX, *(len(name) for _, name, _ in shards)):
        digits += 1
    return sorted({name[:digits] for _, name, _ in shards})


def _present(reader: Reader, shards: Sequence[tuple[str, Entry]], dataset: str) -> Iterator[tuple[Key, bytes]]:
    for _, data in reader.many(shards):
        for raw in shard.lines(data):
            key = shard.key_of(raw, dataset) if diff.live(raw) else None
            if key:
                yield key, raw
