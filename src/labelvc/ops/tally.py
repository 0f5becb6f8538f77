"""Tally: how many records have each label of a taxonomy, and how far people agree, rolled up to a level of its hierarchy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.core import agreement, hierarchy
from labelvc.core.agreement import Side
from labelvc.core.sums import Sums, combined, gathered
from labelvc.errors import DataError
from labelvc.model.project import Label
from labelvc.model.snapshot import Entry
from labelvc.ops import lines, versions
from labelvc.ops import project as projects
from labelvc.store import parcel, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_DEEPEST = 1_000_000


class Row(NamedTuple):
    """A label and what it was counted.

    Attributes:
        label: its id.
        name: what people see.
        records: that have it, or a label below it; each once.
        items: that have such a record.
        share: sum over those records of its part of the answer: 1 for a label, its probability in a soft one, 1/n in a set.
        rolled: labels below it that were counted here.
    """

    label: str
    name: str
    records: int
    items: int
    share: float
    rolled: tuple[str, ...] = ()


class Tally(NamedTuple):
    """The counts of a taxonomy.

    Attributes:
        taxonomy: `name@version`.
        level: that was rolled up to; 0 for none.
        records: looked at, that have a label of it.
        rows: by number of records; labels of no record come last.
        unknown: records with a label that the taxonomy lacks.
        agreements: task to how far people agree on its items, labels rolled up; None where too few have answers of two.
    """

    taxonomy: str
    level: int
    records: int
    rows: tuple[Row, ...]
    unknown: int
    agreements: Mapping[str, Side | None]


def of(git: Git, name: str, *, level: int = 0, at: str = "", advance: Callable[[], None] = lambda: None) -> Tally:
    """Count the records of a taxonomy's labels.

    Args:
        git: the repository.
        name: of the taxonomy.
        level: to roll up to, 1 for the top; 0 to count each label alone.
        at: revision; empty for the work tree.
        advance: called after each shard.

    Raises:
        ConfigurationError: there is no such taxonomy, or no project.
        DataError: a line cannot be read.
        StoreError: git or DVC data is missing.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        snapshot = tree.commit(git, at) if at else tree.work(git)
        project = projects.load(git, snapshot, reader, cache)
        if name not in project.taxonomies:
            raise versions.unknown(snapshot, "taxonomy", name)
        taxonomy = project.taxonomies[name]
        tasks = frozenset(task for task, asked in project.tasks.items() if asked.taxonomy == name)
        wanted = _Asked(tasks, hierarchy.at_level(taxonomy.labels, level or _DEEPEST))
        total = _Total()
        for dataset in sorted(project.datasets):
            if tasks & project.datasets[dataset].tasks.keys():
                for part in _parts(git, reader, lines.listed(snapshot, dataset, "annotations"), wanted):
                    total.add(part)
                    advance()
        rows = total.rows(wanted.above, {label.id: label for label in taxonomy.labels})
        return Tally(f"{name}@{taxonomy.version}", level, total.records, rows, total.unknown, total.agreements())


class _Asked(NamedTuple):
    """What is counted: records of which tasks, and the label that each label is rolled up to."""

    tasks: frozenset[str]
    above: Mapping[str, str]


class _Count(NamedTuple):
    """What was counted of a label: records, items, sum of shares, and the labels that were rolled up to it, itself included."""

    records: int
    items: int
    share: float
    seen: frozenset[str]


_NOTHING = _Count(0, 0, 0.0, frozenset())


class Part(NamedTuple):
    """The counts of one shard: all records of an item stand in one.

    Attributes:
        records, unknown: as for `Tally`.
        labels: counts by label.
        said: by task, what agreement needs to know.
    """

    records: int
    unknown: int
    labels: Mapping[str, _Count]
    said: Mapping[str, Sums]


def parts(data: bytes) -> list[Part | DataError]:
    """Count, on a worker, each shard of a parcel; a line that cannot be read is returned and not raised, as a worker logs errors.

    Args:
        data: from `labelvc.store.parcel.pack`: the shards, and what is counted as what is shared.

    Raises:
        StoreError: as for `labelvc.store.parcel.opened`.
    """
    asked, shards = parcel.opened(data)
    return [_tried(asked, path, content) for (path, _), (content,) in shards]


def _parts(git: Git, reader: Reader, shards: Sequence[tuple[str, Entry]], asked: _Asked) -> Iterator[Part]:
    """Yield the counts of shards, here or by the workers of a cluster."""
    if git.far is None:
        yield from (_counted(asked, lines.members(path, data)) for path, data in reader.many(shards))
        return
    for part in git.far.spread(parts, parcel.pack(git, shards, lambda one: [one], shared=asked)):
        if isinstance(part, DataError):
            raise part
        yield part


def _tried(asked: _Asked, path: str, content: bytes) -> Part | DataError:
    try:
        return _counted(asked, lines.members(path, content))
    except DataError as error:
        return error


def _counted(asked: _Asked, rows: Sequence[Mapping[str, Any]]) -> Part:
    """Count the labels of the records of a shard; of one person the last answer in the order of ids is their opinion."""
    records = unknown = 0
    numbers, shares = Counter[str](), defaultdict[str, float](float)
    items, seen = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for fields in rows:
        if fields.get("task") not in asked.tasks:
            continue
        told = _shares(fields.get("value"))
        known = {label: share for label, share in told.items() if label in asked.above}
        records += bool(known)
        unknown += len(known) < len(told)
        rolled = {asked.above[label] for label in known}
        for label, share in known.items():
            shares[asked.above[label]] += share
            seen[asked.above[label]].add(label)
        numbers.update(rolled)
        for label in rolled:
            items[label].add(fields["item"])
        if rolled and fields["value"].keys() <= {"label", "labels"}:
            said[fields["task"], fields["item"]][str(fields.get("by", fields["id"]))] = " + ".join(sorted(rolled))
    units: dict[str, list[list[str]]] = defaultdict(list)
    for (task, _), answers in said.items():
        units[task].append(list(answers.values()))
    found = {
        label: _Count(number, len(items[label]), shares[label], frozenset(seen[label]))
        for label, number in numbers.items()
    }
    return Part(records, unknown, found, {task: gathered(each) for task, each in units.items()})


class _Total:
    """Running sums of parts."""

    def __init__(self) -> None:
        self._labels: dict[str, _Count] = {}
        self._sums: dict[str, list[Sums]] = defaultdict(list)
        self.records = self.unknown = 0

    def add(self, part: Part) -> None:
        """Add the counts of a shard."""
        self.records += part.records
        self.unknown += part.unknown
        for label, one in part.labels.items():
            before = self._labels.get(label, _NOTHING)
            numbers = (before.records + one.records, before.items + one.items, before.share + one.share)
            self._labels[label] = _Count(*numbers, before.seen | one.seen)
        for task, said in part.said.items():
            self._sums[task].append(said)

    def agreements(self) -> dict[str, Side | None]:
        """Return how far people agree, by task."""
        return {task: agreement.side(combined([(1, one) for one in sums])) for task, sums in sorted(self._sums.items())}

    def rows(self, above: Mapping[str, str], labels: Mapping[str, Label]) -> tuple[Row, ...]:
        """Return a row for each label that was counted, and for those in use that were not."""
        wanted = {higher for label, higher in above.items() if labels[label].status == "active"} | self._labels.keys()
        found = []
        for label in wanted:
            one = self._labels.get(label, _NOTHING)
            below = tuple(sorted(one.seen - {label}))
            found.append(Row(label, labels[label].name, one.records, one.items, round(one.share, 6), below))
        return tuple(sorted(found, key=lambda row: (-row.records, row.label)))


def _shares(value: Any) -> Mapping[str, float]:
    """Return the labels of a record with the part that each has in its answer."""
    if not isinstance(value, dict):
        return {}
    if isinstance(value.get("label"), str):
        return {value["label"]: 1.0}
    if isinstance(value.get("soft"), dict):
        soft = value["soft"].items()
        return {label: float(share) for label, share in soft if isinstance(share, int | float) and share}
    several: list[Any] = next((value[name] for name in ("labels", "ranking") if isinstance(value.get(name), list)), [])
    return {str(label): 1 / len(several) for label in several}
