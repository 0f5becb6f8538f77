"""Tally: how many records have each label of a taxonomy, and how far people agree, rolled up to a level of its hierarchy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from labelvc.core import agreement, hierarchy
from labelvc.core.agreement import Side
from labelvc.core.sums import Sums, combined, gathered
from labelvc.model.project import Label
from labelvc.ops import project as projects
from labelvc.ops import versions
from labelvc.ops.lines import live
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

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
        tasks = {task for task, asked in project.tasks.items() if asked.taxonomy == name}
        counting = _Counting(hierarchy.at_level(taxonomy.labels, level or _DEEPEST))
        for dataset in sorted(project.datasets):
            if tasks & project.datasets[dataset].tasks.keys():
                for lines in live(reader, snapshot, dataset, "annotations"):
                    for fields in lines:
                        if fields.get("task") in tasks:
                            counting.add(f"{dataset}/{fields['item']}", fields)
                    counting.close()
                    advance()
        rows = counting.rows({label.id: label for label in taxonomy.labels})
        return Tally(
            f"{name}@{taxonomy.version}", level, counting.records, rows, counting.unknown, counting.agreements()
        )


class _Counting:
    """Running counts, under the labels that others are rolled up to."""

    def __init__(self, above: Mapping[str, str]) -> None:
        self._above = above
        self._records: dict[str, int] = defaultdict(int)
        self._items: dict[str, set[str]] = defaultdict(set)
        self._shares: dict[str, float] = defaultdict(float)
        self._seen: dict[str, set[str]] = defaultdict(set)
        self._open: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._sums: dict[str, list[Sums]] = defaultdict(list)
        self.records = self.unknown = 0

    def add(self, item: str, fields: Mapping[str, Any]) -> None:
        """Count the labels of one record; of one person the last answer in the order of ids is their opinion."""
        shares = _shares(fields.get("value"))
        known = {label: share for label, share in shares.items() if label in self._above}
        self.records += bool(known)
        self.unknown += len(known) < len(shares)
        rolled: dict[str, float] = defaultdict(float)
        for label, share in known.items():
            rolled[self._above[label]] += share
            self._seen[self._above[label]].add(label)
        task, value = str(fields["task"]), fields.get("value")
        if rolled and isinstance(value, dict) and value.keys() <= {"label", "labels"}:
            self._open[task, item][str(fields.get("by", fields["id"]))] = " + ".join(sorted(rolled))
        for label, share in rolled.items():
            self._records[label] += 1
            self._items[label].add(item)
            self._shares[label] += share

    def close(self) -> None:
        """End a shard: all records of an item stand in one."""
        said: dict[str, list[list[str]]] = defaultdict(list)
        for (task, _), answers in self._open.items():
            said[task].append(list(answers.values()))
        for task, units in said.items():
            self._sums[task].append(gathered(units))
        self._open.clear()

    def agreements(self) -> dict[str, Side | None]:
        """Return how far people agree, by task."""
        return {task: agreement.side(combined([(1, one) for one in sums])) for task, sums in sorted(self._sums.items())}

    def rows(self, labels: Mapping[str, Label]) -> tuple[Row, ...]:
        """Return a row for each label that was counted, and for those in use that were not."""
        wanted = {above for label, above in self._above.items() if labels[label].status == "active"} | set(
            self._records
        )
        found = [
            Row(
                label,
                labels[label].name,
                self._records.get(label, 0),
                len(self._items.get(label, ())),
                round(self._shares.get(label, 0), 6),
                tuple(sorted(self._seen.get(label, set()) - {label})),
            )
            for label in wanted
        ]
        return tuple(sorted(found, key=lambda row: (-row.records, row.label)))


def _shares(value: Any) -> Mapping[str, float]:
    """Return the labels of a record with the part that each has in its answer."""
    if not isinstance(value, dict):
        return {}
    if isinstance(value.get("label"), str):
        return {value["label"]: 1.0}
    if isinstance(value.get("soft"), dict):
        return {label: float(share) for label, share in value["soft"].items() if share}
    several: list[Any] = next((value[name] for name in ("labels", "ranking") if isinstance(value.get(name), list)), [])
    return {str(label): 1 / len(several) for label in several}
